// POST, GET, DELETE /session: a browser's way in and out.
#include "actors/admission.hpp"
#include "actors/endpoints/control.hpp"
#include "actors/endpoints/handlers.hpp"

namespace nexus::endpoints {
namespace {

constexpr size_t token_bytes_max = 512;

std::string cookie(bool secure, std::string_view value, std::string_view more) {
  std::string text(cookie_name(secure));
  text.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict");
  if (secure) text.append("; Secure");
  return text.append(more);
}

}  // namespace

void show_session(session& session) {
  session.respond({.status = 200,
                   .content_type = "application/json",
                   .body = R"({"role":"administrator"})",
                   .headers = {{"cache-control", "no-store"}}});
}

void sign_in(session& session) {
  const auto& headers = session.request().headers;
  // A foreign page must not be able to sign a visitor in (login CSRF).
  if (headers.find("origin"))
    if (auto origin = check_origin(headers, session.secure(), session.options().websocket.origins); !origin)
      return session.fail(origin.error());
  auto body = read_object(session);
  if (!body) return session.fail(body.error());
  member_reader members(*body);
  members.require("token");
  const auto token = members.text("token", token_bytes_max);
  if (auto finished = members.finish(); !finished) return session.fail(finished.error());
  auto& access = *session.hub().access;
  const auto now = session.home().now();
  const auto made = access.log_in(*token, now);
  if (made)
    return session.respond(
        {.status = 204,
         .content_type = {},
         .body = {},
         .headers = {{"set-cookie", cookie(session.secure(), *made, {})}, {"cache-control", "no-store"}}});
  if (!access.is_throttled(now))
    return session.fail(make_error(errc::invalid_api_key, "That token is not valid (any more)."));
  auto failure = make_error(errc::rate_limited, "Too many wrong tokens: wait a minute.");
  failure.retry_after = std::chrono::seconds(60);
  session.fail(failure);
}

void sign_out(session& session) {
  const bool secure = session.secure();
  if (const auto cookies = session.request().headers.find("cookie"))
    if (const auto value = find_cookie(*cookies, cookie_name(secure))) session.hub().access->log_out(*value);
  session.respond(
      {.status = 204, .content_type = {}, .body = {}, .headers = {{"set-cookie", cookie(secure, "", "; Max-Age=0")}}});
}

}  // namespace nexus::endpoints
