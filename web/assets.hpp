// The web interface as it is embedded in the program. Everything is constant: safe on every thread, valid for ever.
#pragma once

#include <span>
#include <string_view>

namespace nexus::web {

struct asset {
  std::string_view name;          // "index.html", "app.js", "vendor/marked.js"
  std::string_view content_type;  //
  std::string_view content;       //
  std::string_view brotli;        // the same, compressed; empty for what does not compress
  std::string_view gzip;          //
  std::string_view etag;          // strong, with its quotes; changes with the content
};

/// Returns the asset of that name, or nullptr.
const asset* find(std::string_view name);

/// Returns every asset.
std::span<const asset> all();

/// Returns the name of this build: twelve hexadecimal digits over all assets. They are served below "/ui/<build>/",
/// where they never change.
std::string_view build_id();

/// Returns the type for the extension of a path; application/octet-stream if it is unknown.
std::string_view content_type_for(std::string_view path);

/// Returns the policy that every answer with an asset must carry.
std::string_view content_security_policy();

}  // namespace nexus::web
