// The gate before Beast: decides on the raw bytes of one request head whether a request may be parsed at all. Debian's
// Beast 1.81 accepts framings that other servers read differently (request smuggling); what passes here does not.
// Pure; any thread. Rules: RFC 9112 sections 2 to 7, RFC 9110 section 5, and the design's edge rules.
#pragma once

#include "conf/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::net {

/// Checks a whole request head, from the request line to the empty line inclusive. The error says which rule was broken
/// and never repeats the bytes. errc: invalid_request, method_not_allowed (unknown method), head_too_large (also a long
/// target or too many fields), payload_too_large (Content-Length over the limit), unsupported_media_type (encoded
/// body).
result<void> check_request_head(std::string_view head, uint64_t body_bytes_max);

/// Checks the lines of a head as far as it has arrived: CRLF only, no bare CR or LF, no NUL. A CR at the end may still
/// get its LF. errc::invalid_request.
result<void> check_line_ends(std::string_view part);

/// A request target's path, decoded once and safe to route on.
struct target {
  std::string path;   // "/v1/models/org/name"
  std::string query;  // raw, without '?'
  /// Where the first slash stands in `path` that came as %2F: clients encode model names so, all else must refuse it.
  size_t encoded_slash = std::string::npos;
};

/// Splits and decodes a target. Refuses %00, backslashes, dot segments, '//' and ';', encoded or not.
result<target> parse_target(std::string_view raw);

/// Returns the decoded value of a query parameter, or nullopt. Refuses nothing: bad escapes stay as they are.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

}  // namespace nexus::net
