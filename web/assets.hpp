// The web interface as it is embedded in the program. Everything is constant: safe on every thread, valid for ever.
#pragma once

#include <span>
#include <string_view>

namespace nexus::web {

struct asset {
  std::string_view path;          // of the URL: "/" or "/ui/…", as the file stands below web/
  std::string_view content_type;  //
  std::string_view content;       //
  std::string_view etag;          // strong, with its quotes; changes with the content
};

/// Returns the asset at the path of a URL (without query), or nullptr.
const asset* find(std::string_view path);

/// Returns every asset, in the order of web/CMakeLists.txt.
std::span<const asset> all();

/// Returns the type for the extension of a path; application/octet-stream if it is unknown.
std::string_view content_type_for(std::string_view path);

/// Returns the policy that every answer with an asset must carry.
std::string_view content_security_policy();

}  // namespace nexus::web
