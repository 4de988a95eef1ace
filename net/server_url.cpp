#include "net/server_url.hpp"

#include "net/ascii.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace nexus::net {
namespace {

constexpr size_t host_bytes_max = 253;  // RFC 1035

error refuse(std::string_view sentence) {
  auto refused = make_error(errc::invalid_request, std::string(sentence));
  refused.param = "server_url";
  return refused;
}

constexpr uint16_t default_port(bool tls) { return tls ? 443 : 80; }

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  if (text.empty() || text.size() > 5) return std::nullopt;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > host_bytes_max || host.front() == '.') return false;
  if (host.find("..") != std::string_view::npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return ascii::is_alpha(c) || ascii::is_digit(c) || c == '.' || c == '-' || c == '_';
  });
}

bool is_ipv6(std::string_view host) {
  in6_addr address;
  return inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
}

/// Removes "http://" or "https://" from the front and says whether it was the latter; nullopt if neither.
std::optional<bool> take_scheme(std::string_view& url) {
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const auto scheme = url.substr(0, colon);
  const bool tls = ascii::iequals(scheme, "https");
  if (!tls && !ascii::iequals(scheme, "http")) return std::nullopt;
  url.remove_prefix(colon + 3);
  return tls;
}

/// A server_url in its parts.
struct url_parts {
  bool tls = false;
  authority server;
  std::string path;      // "" or "/…"
  std::string query;     // "" or "?…"
  bool literal = false;  // it ended in '#'
};

result<url_parts> split(std::string_view url) {
  if (std::any_of(url.begin(), url.end(), [](char c) { return c <= 0x20 || c >= 0x7f || c == '\\'; })) {
    return refuse("The server URL contains a space, a control, a backslash or a character outside ASCII.");
  }
  url_parts parts;
  const auto tls = take_scheme(url);
  if (!tls) return refuse("The server URL starts with neither http:// nor https://.");
  parts.tls = *tls;
  parts.literal = url.ends_with('#');
  if (parts.literal) url.remove_suffix(1);
  if (url.find('#') != std::string_view::npos) return refuse("The server URL has a '#' before its end.");

  const auto server = url.substr(0, url.find_first_of("/?"));
  url.remove_prefix(server.size());
  if (server.empty()) return refuse("The server URL names no host.");
  if (server.find('@') != std::string_view::npos) return refuse("The server URL contains credentials.");
  auto parsed = parse_authority(server);
  if (!parsed) return refuse("The server URL's host or port is not valid.");
  parts.server = std::move(*parsed);
  parts.path = url.substr(0, url.find('?'));
  parts.query = url.substr(parts.path.size());
  return parts;
}

endpoint_url assemble(url_parts parts) {
  endpoint_url url;
  url.tls = parts.tls;
  url.port = parts.server.port.value_or(default_port(parts.tls));
  url.path = (parts.path.empty() ? "/" : parts.path) + parts.query;
  const bool ipv6 = parts.server.host.find(':') != std::string::npos;
  url.host_header = ipv6 ? "[" + parts.server.host + "]" : parts.server.host;
  if (url.port != default_port(parts.tls)) url.host_header += ":" + std::to_string(url.port);
  url.host = std::move(parts.server.host);
  return url;
}

/// Appends `resource` by the rule for bases: behind a '/' as it is, else under /v1.
void append_resource(std::string& path, std::string_view resource) {
  if (!path.ends_with('/')) path += path.ends_with("/v1") ? "/" : "/v1/";
  path += resource;
}

/// An origin, or a server's place in general: what must be equal for "same origin".
struct origin_parts {
  bool tls = false;
  std::string host;
  uint16_t port = 0;
  bool operator==(const origin_parts&) const = default;
};

std::optional<origin_parts> parse_origin(std::string_view text) {
  const auto tls = take_scheme(text);
  if (!tls) return std::nullopt;
  const auto server = parse_authority(text);
  if (!server) return std::nullopt;
  return origin_parts{*tls, server->host, server->port.value_or(default_port(*tls))};
}

}  // namespace

std::optional<authority> parse_authority(std::string_view text) {
  authority out;
  auto host = text.substr(0, text.find(':'));
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    text.remove_prefix(host.size());
  }
  if (bracketed ? !is_ipv6(host) : !is_host_name(host)) return std::nullopt;
  out.host = ascii::to_lower(host);
  if (text.empty()) return out;
  if (text.front() != ':') return std::nullopt;
  out.port = parse_port(text.substr(1));
  if (!out.port) return std::nullopt;
  return out;
}

result<endpoint_url> chat_endpoint(std::string_view server_url) {
  auto parts = split(server_url);
  if (!parts) return parts.error();
  if (!parts->literal) append_resource(parts->path, "chat/completions");
  return assemble(std::move(*parts));
}

result<endpoint_url> models_endpoint(std::string_view server_url) {
  static constexpr std::string_view chat = "/chat/completions";
  auto parts = split(server_url);
  if (!parts) return parts.error();
  if (!parts->literal) {
    append_resource(parts->path, "models");
  } else if (parts->path.ends_with(chat)) {
    parts->path.replace(parts->path.size() - chat.size(), chat.size(), "/models");
  } else {
    return refuse(
        "The list of models cannot be derived from a server URL that ends in '#' but not in /chat/completions#.");
  }
  return assemble(std::move(*parts));
}

bool same_server(std::string_view server_url, std::string_view other_url) {
  const auto left = chat_endpoint(server_url);
  const auto right = chat_endpoint(other_url);
  return left && right && left->tls == right->tls && left->host == right->host && left->port == right->port;
}

bool origin_allowed(std::string_view origin, std::string_view host, bool tls, const std::vector<std::string>& allowed) {
  const auto from = parse_origin(origin);
  if (!from) return false;
  for (std::string_view entry : allowed) {
    if (entry.ends_with('/')) entry.remove_suffix(1);
    if (parse_origin(entry) == from) return true;
  }
  const auto server = parse_authority(host);
  if (!server) return false;
  const auto same_with = [&](bool with_tls) {
    return *from == origin_parts{with_tls, server->host, server->port.value_or(default_port(with_tls))};
  };
  // Behind a proxy that ends TLS the browser says https while we are spoken to in clear.
  return same_with(tls) || same_with(true);
}

}  // namespace nexus::net
