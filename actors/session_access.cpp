// Who a session's request comes from, and whether that may be: keys, administrators, viewers.
#include "actors/ids.hpp"
#include "actors/session.hpp"
#include "conf/log.hpp"
#include "storage/key_text.hpp"
#include "storage/secrets.hpp"
#include "storage/store.hpp"

namespace nexus {
namespace {

// How late the store may know that a key was used.
constexpr int64_t note_interval_ms = 60'000;

void note_key_use(hub& hub, const principal& key, int64_t now) {
  auto& noted = key.terms->last_used;
  auto before = noted.load(std::memory_order_relaxed);
  if (now - before < note_interval_ms || !noted.compare_exchange_strong(before, now)) return;
  caf::anon_send(hub.stats_writer, store_task{[id = key.key_id, now](storage::store& store) {
                   if (auto done = store.touch_key(id, now); !done)
                     log::actors().warn("key-note", "The use of a key was not written down: {}", done.error().detail);
                 }});
}

}  // namespace

result<void> session::check_access(const endpoint& endpoint) {
  caller_ = {};
  if (endpoint.level == access::anyone) return {};
  if (endpoint.level != access::key) {
    auto found = find_team_member(*hub().access, request().headers, secure(), home().now());
    if (found.known()) return check_member(endpoint, std::move(found));
    if (endpoint.level != access::chat)
      return make_error(errc::invalid_api_key,
                        "Sign in, or send the administrator token as 'Authorization: Bearer ...'.");
  }
  auto principal = find_principal();
  if (!principal) return principal.error();
  caller_.principal = std::move(*principal);
  return {};
}

result<void> session::check_member(const endpoint& endpoint, team_member&& found) {
  const bool changes = request().method != "GET" && request().method != "HEAD";
  if (found.how == team_member::by::cookie) {
    if (endpoint.level == access::chat || changes)
      if (auto origin = check_origin(request().headers, secure(), options().websocket.origins); !origin) return origin;
    // A form of a foreign page cannot declare JSON; DELETE, which has no body, it cannot send at all.
    if (changes && request().method != "DELETE" && !is_json(request().headers.find("content-type").value_or("")))
      return make_error(errc::unsupported_media_type, "A change must be sent as 'Content-Type: application/json'.");
    if (found.who.note_use)
      caf::anon_send(
          hub().stats_writer, store_task{[digest = found.who.digest, now = received_at_](storage::store& store) {
            if (auto done = store.touch_session(digest, now); !done)
              log::actors().warn("session-note", "The use of a session was not written down: {}", done.error().detail);
          }});
  }
  if (endpoint.level != access::viewer && found.role() == storage::admin_role::viewer)
    return make_error(errc::forbidden, "A viewer reads everything and changes nothing.");
  caller_.member = std::move(found);
  caller_.principal = home().snapshot->administrator;
  return {};
}

result<principal_ptr> session::find_principal() {
  auto shown = find_credential(request().headers, target_.query);
  if (!shown) return shown.error();
  const auto& snapshot = *home().snapshot;
  if (!known_principal_ || known_version_ != snapshot.version || known_credential_.reveal() != *shown) {
    known_principal_ = nullptr;
    const auto unknown = [] { return make_error(errc::invalid_api_key, "Incorrect API key provided."); };
    if (shown->starts_with(storage::hub_key_prefix) && !storage::is_hub_key(*shown)) return unknown();
    known_digest_ = storage::keyed_digest(hub().pepper, *shown);
    const auto found = snapshot.keys.find(known_digest_);
    if (found == snapshot.keys.end()) return unknown();
    known_credential_ = secret(std::string(*shown));
    known_version_ = snapshot.version;
    known_principal_ = found->second;
  }
  const auto& key = *known_principal_;
  if (auto usable = check_key(key, received_at_); !usable) return usable.error();
  if (!key.terms->addresses.empty())
    if (auto usable = check_address(key, connection_->peer_address()); !usable) return usable.error();
  note_key_use(hub(), key, received_at_);
  return known_principal_;
}

credential session::shown() {
  if (!caller_.administrator()) return {known_digest_, {}, connection_->peer_address()};
  return {{}, caller_.member.who.digest, {}};
}

result<void> session::check_running(int64_t provider_id, std::string_view model) {
  return nexus::check_running(shown(), *home().snapshot, *hub().access, wall_clock_ms(), home().now(), provider_id,
                              model);
}

}  // namespace nexus
