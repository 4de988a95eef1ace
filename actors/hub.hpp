// What every shard of the process shares. Made by main before the shards, outlives them. Members are immutable, atomic,
// or say themselves how they are shared.
#pragma once

#include "actors/access.hpp"
#include "actors/conversation_index.hpp"
#include "actors/ledger.hpp"
#include "actors/login_limits.hpp"
#include "actors/protocols.hpp"

#include <array>
#include <atomic>

namespace nexus {

/// Live actors and exchanges: tests and the drain watch them return to zero.
struct hub_counters {
  std::atomic<uint32_t> connections{0};
  std::atomic<uint32_t> exchanges{0};
  std::atomic<uint32_t> provider_clients{0};
  std::atomic<uint32_t> chats{0};
};

/// Which providers rest behind an open circuit, on how many shards. Written when a circuit changes, read by the control
/// plane.
class provider_health {
 public:
  void add(int64_t provider_id, int change) {
    const std::lock_guard lock(mutex_);
    if ((open_[provider_id] += change) <= 0) open_.erase(provider_id);
  }
  bool is_failing(int64_t provider_id) const {
    const std::lock_guard lock(mutex_);
    return open_.contains(provider_id);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<int64_t, int> open_;
};

struct hub {
  hub(secret pepper_key, std::unique_ptr<storage::journal> journal)
      : pepper(std::move(pepper_key)), ledger(std::move(journal)) {}

  const secret pepper;  // keys the digests of personalized keys
  uint64_t history_seed = 0;
  std::filesystem::path master_key_file;  // empty if the key was given otherwise
  nexus::ledger ledger;
  model_calibrations calibrations;
  hub_counters counters;
  conversation_index conversations;
  provider_health health;
  std::unique_ptr<access_control> access;
  login_limits logins;
  std::array<password_hasher_actor, 2> password_hashers;
  std::atomic<uint32_t> next_hasher{0};
  registry_actor registry;
  stats_writer_actor stats_writer;
  stats_reader_actor stats_reader;
  stats_reader_actor auditor;  // another one: an audit takes its time
  token_counter_actor token_counter;
  chat_directory_actor chat_directory;
  std::atomic<bool> draining{false};
  std::atomic<bool> is_degraded{false};  // the database refuses; settled requests wait in the journal
  std::atomic<int> exit_code{0};
};

}  // namespace nexus
