// Who a request comes from, as far as its headers say: pure decisions for the session.
#pragma once

#include "actors/access.hpp"
#include "actors/governor.hpp"
#include "net/http_reader.hpp"
#include "net/http_writer.hpp"

namespace nexus {

/// Returns the personalized key of a request: `Authorization: Bearer KEY` (several spaces tolerated), `x-api-key`,
/// `api-key` or `x-goog-api-key`. errc::invalid_api_key if there is none, if two differ, or if one stands in the query
/// string.
result<std::string_view> find_credential(const net::fields& headers, std::string_view query);

/// Who of the team's side a request comes from.
struct team_member {
  enum class by { nothing, token, cookie } how = by::nothing;
  access_control::visitor who;  // of a cookie

  bool known() const { return how != by::nothing; }
  storage::admin_role role() const { return who.role; }
  /// For the audit log: "administrator anna", "administrator token".
  std::string actor() const;
};
team_member find_team_member(access_control& access, const net::fields& headers, bool secure, access_control::time now);

/// True for `application/json`, with or without parameters.
bool is_json(std::string_view content_type);

/// What a browser must prove before a cookie counts: an Origin that is this server or one of `allowed`.
result<void> check_origin(const net::fields& headers, bool secure, const std::vector<std::string>& allowed);

/// Name of the session cookie; over TLS its prefix binds it to this host (RFC 6265bis section 4.1.3).
constexpr std::string_view cookie_name(bool secure) { return secure ? "__Host-nxh" : "nxh"; }

/// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`; resets as OpenAI writes them: "12ms", "6m0s".
net::header_list limit_headers(const limit_report& report);

/// The headers that an error answer carries beside the common ones: Allow, Retry-After, x-should-retry,
/// WWW-Authenticate.
net::header_list error_headers(const error& failure);

}  // namespace nexus
