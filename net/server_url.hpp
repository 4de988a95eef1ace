// Where an upstream is: the `server_url` rule that NexusAI Hub's users know, and what to connect to. Pure.
#pragma once

#include "conf/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::net {

/// What stands in a Host header: "hub.example", "127.0.0.1:8000", "[::1]:8000".
struct authority {
  std::string host;  // lower case, without brackets
  std::optional<uint16_t> port;
};

/// Returns nullopt unless `text` is a plain host name, an IPv4 address or an IPv6 address in brackets, perhaps with a
/// port from 1 to 65535.
std::optional<authority> parse_authority(std::string_view text);

/// An address to connect to and a path to ask for.
struct endpoint_url {
  bool tls = false;
  std::string host;  // without brackets
  uint16_t port = 0;
  std::string path;         // with its query
  std::string host_header;  // with the port unless it is the scheme's own, IPv6 in brackets
};

/// Resolves a provider's `server_url` for chat completions: a plain base URL gets /v1/chat/completions appended (a
/// trailing /v1 is not doubled), one that ends in '/' gets chat/completions, one that ends in '#' is used as it stands
/// without the '#'. errc::invalid_request: not http(s), no host, bad port, credentials in the URL, spaces or controls.
result<endpoint_url> chat_endpoint(std::string_view server_url);
/// The same for the upstream's list of models: ".../models" beside ".../chat/completions".
result<endpoint_url> models_endpoint(std::string_view server_url);

/// True if both URLs lead to the same scheme, host and port: what was meant for one may be sent to the other.
bool same_server(std::string_view server_url, std::string_view other_url);

/// True if `origin` (a header's value) is the server that `host` (the Host header) names, or one of `allowed`.
bool origin_allowed(std::string_view origin, std::string_view host, bool tls, const std::vector<std::string>& allowed);

}  // namespace nexus::net
