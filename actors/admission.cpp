#include "actors/admission.hpp"

#include "net/header_gate.hpp"
#include "net/server_url.hpp"

#include <algorithm>
#include <array>

namespace nexus {
namespace {

constexpr std::array<std::string_view, 3> key_headers = {"x-api-key", "api-key", "x-goog-api-key"};
constexpr std::array<std::string_view, 4> key_parameters = {"key", "api_key", "api-key", "access_token"};

std::optional<std::string_view> bearer_token(const net::fields& headers) {
  auto value = headers.find("authorization");
  constexpr std::string_view scheme = "bearer";
  if (!value || value->size() <= scheme.size()) return std::nullopt;
  const auto same = [](char a, char b) { return a == (b | 0x20); };
  if (!std::equal(scheme.begin(), scheme.end(), value->begin(), same) || (*value)[scheme.size()] != ' ')
    return std::nullopt;
  auto token = value->substr(scheme.size());
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  return token.empty() ? std::nullopt : std::optional(token);
}

}  // namespace

result<std::string_view> find_credential(const net::fields& headers, std::string_view query) {
  for (const auto name : key_parameters)
    if (net::query_parameter(query, name))
      return make_error(errc::invalid_api_key,
                        "An API key must not stand in the URL: send it as 'Authorization: Bearer ...'.");
  auto found = bearer_token(headers);
  for (const auto name : key_headers) {
    const auto value = headers.find(name);
    if (!value || value->empty()) continue;
    if (found && *found != *value)
      return make_error(errc::invalid_api_key, "The request carries two different API keys.");
    found = value;
  }
  if (!found)
    return make_error(errc::invalid_api_key, "You didn't provide an API key. Send it as 'Authorization: Bearer ...'.");
  return *found;
}

std::string team_member::actor() const {
  if (how == by::token) return "administrator token";
  if (who.administrator_id == 0) return "session of a token";
  return (who.role == storage::admin_role::viewer ? "viewer " : "administrator ") + who.name;
}

team_member find_team_member(access_control& access, const net::fields& headers, bool secure,
                             access_control::time now) {
  if (const auto token = bearer_token(headers))
    return {access.is_admin_token(*token) ? team_member::by::token : team_member::by::nothing, {}};
  const auto cookies = headers.find("cookie");
  if (!cookies) return {};
  const auto cookie = find_cookie(*cookies, cookie_name(secure));
  if (!cookie) return {};
  auto visitor = access.find_session(*cookie, now);
  if (!visitor) return {};
  return {team_member::by::cookie, std::move(*visitor)};
}

bool is_json(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  constexpr std::string_view json = "application/json";
  return type.size() == json.size() && std::equal(type.begin(), type.end(), json.begin(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == b;
         });
}

result<void> check_origin(const net::fields& headers, bool secure, const std::vector<std::string>& allowed) {
  const auto origin = headers.find("origin");
  if (!origin) return make_error(errc::forbidden, "A browser's request needs an Origin header.");
  if (!net::origin_allowed(*origin, headers.find("host").value_or(""), secure, allowed))
    return make_error(errc::forbidden, "This Origin may not use the hub.");
  return {};
}

namespace {

std::string duration_text(std::chrono::milliseconds time) {
  if (time < std::chrono::seconds(1)) return std::to_string(time.count()) + "ms";
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(time).count();
  return (seconds >= 60 ? std::to_string(seconds / 60) + "m" : "") + std::to_string(seconds % 60) + "s";
}

}  // namespace

net::header_list limit_headers(const limit_report& report) {
  net::header_list headers;
  const auto add = [&headers](const char* what, const std::optional<limit_report::line>& line) {
    if (!line) return;
    headers.add(std::string("x-ratelimit-limit-") + what, std::to_string(line->limit));
    headers.add(std::string("x-ratelimit-remaining-") + what, std::to_string(line->remaining));
    headers.add(std::string("x-ratelimit-reset-") + what, duration_text(line->reset));
  };
  add("requests", report.requests);
  add("tokens", report.tokens);
  return headers;
}

net::header_list error_headers(const error& failure) {
  net::header_list headers;
  if (failure.code == errc::method_not_allowed && !failure.detail.empty()) headers.add("allow", failure.detail);
  if (failure.code == errc::invalid_api_key) headers.add("www-authenticate", "Bearer");
  if (failure.retry_after) headers.add("retry-after", std::to_string(failure.retry_after->count()));
  // The official SDKs repeat by status alone unless told: a conflict will not go away, a draining hub has a successor.
  if (failure.code == errc::conflict || failure.code == errc::insufficient_quota || failure.is_final)
    headers.add("x-should-retry", "false");
  if (failure.code == errc::shutting_down) headers.add("x-should-retry", "true");
  return headers;
}

}  // namespace nexus
