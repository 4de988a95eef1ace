#include "actors/endpoints/team.hpp"

#include "actors/ids.hpp"
#include "conf/log.hpp"

#include <algorithm>

namespace nexus::endpoints {
namespace {

constexpr size_t name_bytes_max = 100;
constexpr size_t password_bytes_min = 8;
constexpr size_t password_bytes_max = 1'024;
// Eighteen hashes in a row, with room to spare.
constexpr std::chrono::seconds hash_timeout{60};
constexpr std::chrono::seconds busy_retry{2};

const password_hasher_actor& next_hasher(hub& hub) {
  return hub.password_hashers[hub.next_hasher.fetch_add(1, std::memory_order_relaxed) % hub.password_hashers.size()];
}

std::shared_ptr<const hash_permit> take_permit(session& session) {
  auto permit = hash_permit::take();
  if (!permit) {
    auto failure = make_error(errc::rate_limited, "Too many passwords are being checked; try again shortly.");
    failure.retry_after = busy_retry;
    session.fail(failure);
  }
  return permit;
}

error complaint(std::string_view param, std::string message) {
  auto failure = make_error(errc::invalid_request, std::move(message));
  failure.param = param;
  return failure;
}

}  // namespace

void with_hash(session& session, std::shared_ptr<const secret> password,
               std::function<void(nexus::session&, const std::string& hash)> then) {
  auto permit = take_permit(session);
  if (!permit) return;
  session
      .caf::event_based_actor::request(next_hasher(session.hub()), hash_timeout,
                                       hash_password{std::move(password), std::move(permit)})
      .then([&session, then = std::move(then)](const password_hashed& reply) { then(session, reply.hash); },
            [&session](const caf::error&) {
              session.fail(make_error(errc::overloaded, "The password was not hashed in time."));
            });
}

void with_check(session& session, std::shared_ptr<const secret> password, std::string hash,
                std::function<void(nexus::session&, const password_checked&)> then) {
  auto permit = take_permit(session);
  if (!permit) return;
  session
      .caf::event_based_actor::request(next_hasher(session.hub()), hash_timeout,
                                       check_password{std::move(password), std::move(hash), std::move(permit)})
      .then([&session, then = std::move(then)](const password_checked& reply) { then(session, reply); },
            [&session](const caf::error&) {
              session.fail(make_error(errc::overloaded, "The password was not checked in time."));
            });
}

void with_session(session& session, int64_t administrator_id,
                  std::function<void(nexus::session&, net::header_list)> then) {
  keep_session(session, administrator_id, session.hub().access->open_session(administrator_id, session.home().now()),
               std::move(then));
}

void keep_session(session& session, int64_t administrator_id, std::string cookie,
                  std::function<void(nexus::session&, net::header_list)> then) {
  const auto now = wall_clock_ms();
  storage::admin_session row{session.hub().access->session_digest(cookie), administrator_id, now, now};
  with_store<bool>(
      session,
      [row = std::move(row)](storage::store& store) -> result<bool> {
        // In force in any case; if it cannot be written down, it ends with the process.
        if (auto done = store.insert_session(row); !done)
          log::actors().warn("session-note", "A session was not written down: {}", done.error().detail);
        return true;
      },
      [cookie = std::move(cookie), then = std::move(then)](nexus::session& session_, bool&) {
        then(session_, {{"set-cookie", set_cookie(session_.secure(), cookie, {})}, {"cache-control", "no-store"}});
      });
}

std::string set_cookie(bool secure, std::string_view value, std::string_view more) {
  std::string text(cookie_name(secure));
  text.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict");
  if (secure) text.append("; Secure");
  return text.append(more);
}

result<std::shared_ptr<const secret>> read_password(member_reader& members, std::string_view name) {
  members.require(name);
  auto text = members.text(name, password_bytes_max);
  if (!text) return std::shared_ptr<const secret>();
  auto password = std::make_shared<const secret>(std::move(*text));
  if (password->reveal().size() < password_bytes_min)
    return complaint(
        name, "'" + std::string(name) + "' must have at least " + std::to_string(password_bytes_min) + " characters.");
  return password;
}

result<std::string> read_administrator_name(member_reader& members) {
  members.require("name");
  auto name = members.text("name", name_bytes_max).value_or("");
  const bool sound = !name.empty() && name.front() != ' ' && name.back() != ' ' &&
                     std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (!sound)
    return complaint("name", "'name' must not be empty, nor begin or end with a space, nor hold control characters.");
  return name;
}

error too_early(std::chrono::seconds wait) {
  auto failure = make_error(errc::rate_limited, "Too many attempts to sign in: wait before the next one.");
  failure.retry_after = wait;
  return failure;
}

void write_administrator(json::writer& out, const storage::administrator& row) {
  out.object().key("id").number(row.id).key("name").string(row.name);
  out.key("role").string(row.role == storage::admin_role::viewer ? "viewer" : "administrator");
  out.key("created_at").number(row.created_at).key("updated_at").number(row.updated_at).end_object();
}

void announce_access_change(session& session) { caf::anon_send(session.hub().registry, access_changed{}); }

}  // namespace nexus::endpoints
