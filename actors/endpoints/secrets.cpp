// The master key: what is known of it, and its rotation while the hub runs.
#include "actors/audit.hpp"
#include "actors/endpoints/handlers.hpp"
#include "actors/endpoints/team.hpp"
#include "actors/ids.hpp"
#include "actors/secrets_rotation.hpp"

namespace nexus::endpoints {
namespace {

struct key_ring {
  struct key {
    std::string name;
    int64_t created_at;
  };
  std::vector<key> keys;  // the active one first
};

key_ring ring_of(const storage::store& store) {
  key_ring made;
  for (const auto& key : store.master().ring()) made.keys.push_back({key.name(), key.created_at});
  return made;
}

void answer_ring(session& session, const key_ring& ring) {
  json::writer out;
  out.object().key("keys").array();
  for (const auto& key : ring.keys) {
    out.object().key("id").string(key.name).key("state");
    out.string(&key == &ring.keys.front() ? "active" : "decrypt-only").key("created_at");
    if (key.created_at == 0) {
      out.null();
    } else {
      out.number(key.created_at);
    }
    out.end_object();
  }
  out.end_array().end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

/// Batch after batch, each a task of its own, so that exchanges are recorded between them.
void reseal_next(session& session) {
  with_store<int64_t>(
      session, [](storage::store& store) { return store.reseal(rotation_batch_rows); },
      [](nexus::session& session_, int64_t& left) {
        if (left > 0) return reseal_next(session_);
        with_store<key_ring>(
            session_,
            [file = session_.hub().master_key_file](storage::store& store) -> result<key_ring> {
              if (auto ended = end_rotation(store, file); !ended) return ended.error();
              return ring_of(store);
            },
            [](nexus::session& again, key_ring& ring) { answer_ring(again, ring); });
      });
}

}  // namespace

void show_secrets(session& session) {
  with_store<key_ring>(
      session, [](storage::store& store) -> result<key_ring> { return ring_of(store); },
      [](nexus::session& session_, key_ring& ring) { answer_ring(session_, ring); });
}

void rotate_secrets(session& session) {
  auto entry = make_audit(*origin_of(session), "rotate", "master_key", {}, {});
  with_store<bool>(
      session,
      [file = session.hub().master_key_file, entry](storage::store& store) -> result<bool> {
        auto stamped = entry;
        stamped.at = wall_clock_ms();
        const auto begun = store.audited(stamped, [&]() -> result<int64_t> {
          if (auto done = begin_rotation(store, file, stamped.at); !done) return done.error();
          return 0;
        });
        if (!begun) return begun.error();
        return true;
      },
      [](nexus::session& session_, bool&) { reseal_next(session_); });
}

}  // namespace nexus::endpoints
