#include "web/assets.hpp"

#include <algorithm>
#include <iterator>

namespace nexus::web {

namespace {

struct extension_type {
  std::string_view extension;
  std::string_view type;
};

constexpr extension_type types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
};

constexpr std::string_view type_of(std::string_view path) {
  for (const auto& row : types)
    if (path.ends_with(row.extension)) return row.type;
  return "application/octet-stream";
}

}  // namespace

// Written by collect.mjs: the symbols of assets.S, and the constants `build` and `assets`.
#include "web/assets.inc"

const asset* find(std::string_view name) {
  auto found = std::ranges::find(assets, name, &asset::name);
  return found == std::end(assets) ? nullptr : found;
}

std::span<const asset> all() { return assets; }

std::string_view build_id() { return build; }

std::string_view content_type_for(std::string_view path) { return type_of(path); }

// No inline script or style, nothing from elsewhere, and no way from a string to markup or code: the one policy of
// lib/trusted.js names workers of our own.
std::string_view content_security_policy() {
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
         "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'; trusted-types nexus";
}

}  // namespace nexus::web
