// The web interface: files embedded in the binary, or of a folder while one works on them.
#include "actors/endpoints/handlers.hpp"
#include "web/assets.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace nexus::endpoints {
namespace {

// Below "/ui/<build>/"; the build "dev" is a folder's.
constexpr std::string_view prefix = "/ui/";

net::header_list page_headers(std::string_view cache_control) {
  return {{"content-security-policy", std::string(web::content_security_policy())},
          {"x-content-type-options", "nosniff"},
          {"referrer-policy", "no-referrer"},
          {"cross-origin-opener-policy", "same-origin"},
          {"cross-origin-resource-policy", "same-origin"},
          {"permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
          {"cache-control", std::string(cache_control)}};
}

// True if a list like "gzip, br;q=0.8" takes the coding; "br;q=0" does not.
bool accepts(std::string_view list, std::string_view coding) {
  while (!list.empty()) {
    auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    const auto name = item.substr(0, item.find_first_of("; "));
    if (name == coding)
      return item.find("q=0") == std::string_view::npos || item.find_first_of("123456789") != item.npos;
  }
  return false;
}

void send_asset(session& session, const web::asset& asset, std::string_view cache_control) {
  auto headers = page_headers(cache_control);
  headers.add("vary", "accept-encoding");
  headers.add("etag", asset.etag);
  const auto& request = session.request().headers;
  if (request.find("if-none-match") == asset.etag)
    return session.respond({.status = 304, .content_type = {}, .body = {}, .headers = std::move(headers)});
  const auto codings = request.find("accept-encoding").value_or("");
  auto content = asset.content;
  if (!asset.brotli.empty() && accepts(codings, "br")) {
    content = asset.brotli;
    headers.add("content-encoding", "br");
  } else if (!asset.gzip.empty() && accepts(codings, "gzip")) {
    content = asset.gzip;
    headers.add("content-encoding", "gzip");
  }
  session.respond(
      {.status = 200, .content_type = asset.content_type, .body = std::string(content), .headers = std::move(headers)});
}

// The target's path went through parse_target: it has no dot segments. False if the folder has no such file.
bool send_file(session& session, const std::string& folder, const std::string& name) {
  // Not with operator/, for which "//etc/passwd" would be a path of its own.
  const std::filesystem::path path(folder + "/" + name);
  std::error_code ec;
  std::ifstream file(path, std::ios::binary);
  // A folder opens, too, and would be an empty page.
  if (!file || !std::filesystem::is_regular_file(path, ec)) return false;
  std::ostringstream text;
  text << file.rdbuf();
  session.respond({.status = 200,
                   .content_type = web::content_type_for(path.native()),
                   .body = std::move(text).str(),
                   .headers = page_headers("no-store")});
  return true;
}

}  // namespace

// Every page of the interface is the same document, which finds out by itself where it is.
void page(session& session) {
  const auto& web = session.options().web;
  if (!web.enabled) return session.fail(make_error(errc::not_found, "The web interface is switched off."));
  if (!web.dir.empty() && send_file(session, web.dir, "index.html")) return;
  send_asset(session, *web::find("index.html"), "no-cache");
}

void page_file(session& session) {
  const auto& web = session.options().web;
  if (!web.enabled) return session.fail(make_error(errc::not_found, "The web interface is switched off."));
  const std::string_view path = session.target().path;
  const auto slash = path.find('/', prefix.size());
  const auto build = path.substr(prefix.size(), slash - prefix.size());
  const auto name = slash == path.npos ? std::string_view() : path.substr(slash + 1);
  // What is only made by the build, such as the libraries, comes from the binary for a folder, too.
  if (!web.dir.empty() && send_file(session, web.dir, std::string(name))) return;
  const auto* asset = web::find(name);
  if (asset == nullptr || name == "index.html")
    return session.fail(make_error(errc::not_found, "There is no such page."));
  // A page of another build is still open in a browser: it gets the file of this one, but not for ever.
  send_asset(session, *asset, build == web::build_id() ? "public, max-age=31536000, immutable" : "no-cache");
}

}  // namespace nexus::endpoints
