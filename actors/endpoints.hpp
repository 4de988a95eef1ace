// The one table of the hub's routes: method, path, access level, handler. A new endpoint is a handler in
// actors/endpoints/<resource>.cpp and a row in endpoints.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nexus {

class session;

/// Who may call an endpoint.
enum class access {
  anyone,
  key,            // a personalized key
  viewer,         // the administrator token, or the session of an administrator or a viewer
  administrator,  // the administrator token, or an administrator's session
  chat,           // a personalized key, or an administrator: the WebSocket
};

constexpr std::string_view access_name(access level) {
  constexpr std::string_view names[] = {"anyone", "key", "viewer", "administrator", "chat"};
  return names[static_cast<size_t>(level)];
}

struct endpoint {
  std::string_view method;  // GET answers HEAD, too
  std::string_view pattern;
  access level;
  bool large_body;  // bodies up to server.body_bytes_max; else limits::control_body_bytes_max
  void (*handle)(session&);
};

std::span<const endpoint> endpoint_table();

struct endpoint_match {
  const endpoint* found = nullptr;
  std::vector<std::string> parameters;
  std::string allow;  // methods that the path knows, if only the method is wrong
};

endpoint_match find_endpoint(std::string_view method, std::string_view path);

/// True if a slash that came encoded may stand at `at` of the path: within a parameter that takes the path's rest.
bool takes_encoded_slash(const endpoint& endpoint, size_t at);

}  // namespace nexus
