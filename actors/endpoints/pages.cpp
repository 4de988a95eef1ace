// The web interface: files embedded in the binary, or of a folder while one works on them.
#include "actors/endpoints/handlers.hpp"
#include "web/assets.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace nexus::endpoints {
namespace {

net::header_list page_headers() {
  return {{"content-security-policy", std::string(web::content_security_policy())},
          {"x-content-type-options", "nosniff"},
          {"referrer-policy", "no-referrer"},
          {"cross-origin-opener-policy", "same-origin"},
          {"cross-origin-resource-policy", "same-origin"}};
}

// The target's path went through parse_target: it has no dot segments.
void file_of_folder(session& session, const std::string& folder) {
  const auto& path = session.target().path;
  const std::filesystem::path name(folder + (path == "/" ? "/index.html" : path.substr(3)));
  std::error_code ec;
  std::ifstream file(name, std::ios::binary);
  // A folder opens, too, and would be an empty page.
  if (!file || !std::filesystem::is_regular_file(name, ec))
    return session.fail(make_error(errc::not_found, "There is no such page."));
  std::ostringstream text;
  text << file.rdbuf();
  auto headers = page_headers();
  headers.emplace_back("cache-control", "no-store");
  session.respond({.status = 200,
                   .content_type = web::content_type_for(name.native()),
                   .body = std::move(text).str(),
                   .headers = std::move(headers)});
}

}  // namespace

void page(session& session) {
  const auto& web = session.options().web;
  if (!web.enabled) return session.fail(make_error(errc::not_found, "The web interface is switched off."));
  if (!web.dir.empty()) return file_of_folder(session, web.dir);
  const auto* asset = web::find(session.target().path);
  if (asset == nullptr) return session.fail(make_error(errc::not_found, "There is no such page."));
  auto headers = page_headers();
  headers.emplace_back("etag", asset->etag);
  headers.emplace_back("cache-control", "no-cache");
  if (session.request().headers.find("if-none-match") == asset->etag)
    return session.respond({.status = 304, .content_type = {}, .body = {}, .headers = std::move(headers)});
  session.respond({.status = 200,
                   .content_type = asset->content_type,
                   .body = std::string(asset->content),
                   .headers = std::move(headers)});
}

}  // namespace nexus::endpoints
