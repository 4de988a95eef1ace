#include "actors/secrets_rotation.hpp"

#include "conf/log.hpp"

namespace nexus {

result<void> begin_rotation(storage::store& store, const std::filesystem::path& key_file, int64_t now) {
  if (store.master().ring().size() > 1) return {};
  if (key_file.empty())
    return make_error(errc::conflict,
                      "The master key was given in NEXUS_MASTER_KEY: start the hub with a new key and the present one, "
                      "NEXUS_MASTER_KEY=NEW,PRESENT, rotate again, and leave the former one out from then on.");
  auto ring = store.master().with_fresh_key(now);
  if (auto saved = ring.save(key_file); !saved) return saved;
  store.use_master_key(std::move(ring));
  return {};
}

result<void> end_rotation(storage::store& store, const std::filesystem::path& key_file) {
  if (auto done = store.finish_rotation(); !done) return done;
  auto active = store.master().active_only();
  if (!key_file.empty())
    if (auto saved = active.save(key_file); !saved) return saved;
  store.use_master_key(std::move(active));
  log::actors().info("secrets-rotated", "Every secret is sealed under the master key {} now.",
                     store.master().ring().front().name());
  return {};
}

result<void> rotate_offline(storage::store& store, const std::filesystem::path& key_file, int64_t now) {
  if (auto begun = begin_rotation(store, key_file, now); !begun) return begun;
  for (;;) {
    const auto left = store.reseal(rotation_batch_rows);
    if (!left) return left.error();
    if (*left == 0) return end_rotation(store, key_file);
  }
}

}  // namespace nexus
