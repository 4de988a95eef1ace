// GET and POST /setup, and POST, GET, DELETE /session: the first administrator, and a browser's way in and out.
#include "actors/audit.hpp"
#include "actors/endpoints/handlers.hpp"
#include "actors/endpoints/team.hpp"
#include "actors/ids.hpp"
#include "actors/setup_token.hpp"
#include "conf/log.hpp"

#include <algorithm>

namespace nexus::endpoints {
namespace {

constexpr size_t token_bytes_max = 512;
constexpr size_t name_bytes_max = 100;
constexpr size_t password_bytes_max = 1'024;

error wrong_name_or_password() { return make_error(errc::invalid_api_key, "The name or the password is wrong."); }
error wrong_token() { return make_error(errc::invalid_api_key, "That token is not valid (any more)."); }

void answer_signed_in(session& session, net::header_list headers) {
  session.respond({.status = 204, .content_type = {}, .body = {}, .headers = std::move(headers)});
}

// A foreign page must not be able to sign a visitor in (login CSRF).
result<json::document> read_sign_in(session& session) {
  if (session.request().headers.find("origin"))
    if (auto origin = check_origin(session.request().headers, session.secure(), session.options().websocket.origins);
        !origin)
      return origin.error();
  return read_object(session);
}

void sign_in_with_token(session& session, const std::string& token) {
  auto& access = *session.hub().access;
  const auto now = session.home().now();
  auto made = access.log_in(token, now);
  if (made) return keep_session(session, 0, std::move(*made), answer_signed_in);
  session.fail(access.is_throttled(now) ? too_early(std::chrono::seconds(60)) : wrong_token());
}

void sign_in_with_password(session& session, const std::string& name, std::shared_ptr<const secret> password) {
  auto& hub = session.hub();
  const auto address = session.peer_address();
  if (const auto wait = hub.logins.begin(name, address, session.home().now())) return session.fail(too_early(*wait));
  const auto found = hub.access->find_administrator(name).value_or(storage::administrator());
  with_check(session, std::move(password), found.password,
             [name, address, found](nexus::session& session_, const password_checked& checked) {
               auto& hub_ = session_.hub();
               const auto present = hub_.access->find_administrator(found.id);
               // The account may have changed while its password was checked.
               if (!checked.right || !present || present->password != found.password) {
                 log::actors().info("sign-in-refused", "A log-in as '{}' from {} was refused.", name, address);
                 return session_.fail(wrong_name_or_password());
               }
               hub_.logins.succeed(name, address);
               if (!checked.fresh_hash.empty()) {
                 hub_.access->note_rehash(found.id, found.password, checked.fresh_hash);
                 caf::anon_send(
                     hub_.stats_writer, store_task{[found, fresh = checked.fresh_hash](storage::store& store) {
                       if (auto done = store.rehash_password(found.id, found.password, fresh); !done)
                         log::actors().warn("rehash", "A password's hash was not renewed: {}", done.error().detail);
                     }});
               }
               with_session(session_, found.id, answer_signed_in);
             });
}

/// Makes the administrator, or gives an existing one of this name the password and the role, and spends the token.
result<storage::administrator> make_first(hub& hub, storage::store& store, const std::filesystem::path& data_dir,
                                          const std::string& token, storage::administrator row,
                                          const change_origin& by) {
  if (!hub.access->is_setup_token(token) && !is_reset_token(data_dir, token)) return wrong_token();
  const auto rows = store.administrators();
  if (!rows) return rows.error();
  const auto known = std::find_if(rows->begin(), rows->end(), [&](const auto& one) { return one.name == row.name; });
  const bool is_known = known != rows->end();
  if (is_known) row.id = known->id;
  const auto entry = make_audit(by, is_known ? "update" : "create", "administrator",
                                is_known ? describe_row(*known) : std::string(), describe_row(row));
  auto made = change_administrator(hub, store, entry, [&] {
    return is_known ? store.update_administrator(row, {}, wall_clock_ms())
                    : store.insert_administrator(row, wall_clock_ms());
  });
  if (!made) return made;
  hub.access->drop_setup_token();
  drop_reset_token(data_dir);
  return made;
}

struct setup_request {
  std::string token;
  std::string name;
  std::shared_ptr<const secret> password;
};

result<setup_request> read_setup(session& session) {
  auto body = read_sign_in(session);
  if (!body) return body.error();
  member_reader members(*body);
  members.require("setup_token");
  setup_request made;
  made.token = members.text("setup_token", token_bytes_max).value_or("");
  auto name = read_administrator_name(members);
  auto password = read_password(members, "password");
  if (auto finished = members.finish(); !finished) return finished.error();
  if (!name) return name.error();
  if (!password) return password.error();
  made.name = std::move(*name);
  made.password = std::move(*password);
  return made;
}

void answer_set_up(session& session, const storage::administrator& made) {
  log::actors().info("set-up", "The set-up token made '{}' an administrator.", made.name);
  announce_access_change(session);
  with_session(session, made.id, [made](nexus::session& session_, net::header_list headers) {
    json::writer out;
    write_administrator(out, made);
    session_.respond(
        {.status = 201, .content_type = "application/json", .body = out.take(), .headers = std::move(headers)});
  });
}

void set_up_checked(session& session, const setup_request& asked) {
  with_hash(session, asked.password, [asked](nexus::session& session_, const std::string& hash) {
    storage::administrator row;
    row.name = asked.name;
    row.password = hash;
    const change_origin by{"set-up token", session_.peer_address(), session_.label()};
    with_store<storage::administrator>(
        session_,
        [hub = &session_.hub(), data_dir = std::filesystem::path(session_.options().server.data_dir), asked, row,
         by](storage::store& store) { return make_first(*hub, store, data_dir, asked.token, row, by); },
        [](nexus::session& again, storage::administrator& made) { answer_set_up(again, made); });
  });
}

}  // namespace

// Whether the page is to begin with the first run. It tells a stranger no more than that POST /setup would be refused.
void show_setup(session& session) {
  json::writer out;
  out.object().key("needed").boolean(session.hub().access->administrators().empty()).end_object();
  session.respond({.status = 200,
                   .content_type = "application/json",
                   .body = out.take(),
                   .headers = {{"cache-control", "no-store"}}});
}

void set_up(session& session) {
  auto asked = read_setup(session);
  if (!asked) return session.fail(asked.error());
  const auto address = session.peer_address();
  if (const auto wait = session.hub().logins.begin("set-up from " + address, address, session.home().now()))
    return session.fail(too_early(*wait));
  // The token first: a hash is too dear for whoever has none.
  with_store<bool>(
      session,
      [hub = &session.hub(), data_dir = std::filesystem::path(session.options().server.data_dir),
       token = asked->token](storage::store&) -> result<bool> {
        return hub->access->is_setup_token(token) || is_reset_token(data_dir, token);
      },
      [asked = *asked, address](nexus::session& session_, bool& right) {
        if (!right) return session_.fail(wrong_token());
        session_.hub().logins.succeed("set-up from " + address, address);
        set_up_checked(session_, asked);
      });
}

void show_session(session& session) {
  const auto& member = session.who().member;
  json::writer out;
  out.object().key("role").string(member.role() == storage::admin_role::viewer ? "viewer" : "administrator");
  out.key("name");
  if (member.who.name.empty()) {
    out.null();
  } else {
    out.string(member.who.name);
  }
  out.key("administrator_id");
  if (member.who.administrator_id == 0) {
    out.null();
  } else {
    out.number(member.who.administrator_id);
  }
  out.key("expires_at");
  if (member.how == team_member::by::cookie) {
    out.number(wall_clock_ms() + member.who.left.count());
  } else {
    out.null();
  }
  out.end_object();
  session.respond({.status = 200,
                   .content_type = "application/json",
                   .body = out.take(),
                   .headers = {{"cache-control", "no-store"}}});
}

void sign_in(session& session) {
  auto body = read_sign_in(session);
  if (!body) return session.fail(body.error());
  member_reader members(*body);
  if (json::find(*body, "name") == nullptr) {
    members.require("token");
    const auto token = members.text("token", token_bytes_max);
    if (auto finished = members.finish(); !finished) return session.fail(finished.error());
    return sign_in_with_token(session, *token);
  }
  members.require("name");
  members.require("password");
  const auto name = members.text("name", name_bytes_max);
  auto password = members.text("password", password_bytes_max);
  if (auto finished = members.finish(); !finished) return session.fail(finished.error());
  sign_in_with_password(session, *name, std::make_shared<const secret>(std::move(*password)));
}

void sign_out(session& session) {
  net::header_list headers{{"set-cookie", set_cookie(session.secure(), "", "; Max-Age=0")}};
  const auto cookies = session.request().headers.find("cookie").value_or("");
  const auto value = find_cookie(cookies, cookie_name(session.secure()));
  if (!value) return answer_signed_in(session, std::move(headers));
  auto& access = *session.hub().access;
  access.log_out(*value);
  announce_access_change(session);
  with_store<bool>(
      session,
      [digest = access.session_digest(*value)](storage::store& store) -> result<bool> {
        // Signed out is signed out, here and now; but the caller must learn if a restart would bring it back.
        if (auto done = store.delete_session(digest); !done) return done.error();
        return true;
      },
      [headers](nexus::session& session_, bool&) { answer_signed_in(session_, headers); });
}

}  // namespace nexus::endpoints
