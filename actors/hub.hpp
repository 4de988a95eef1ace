// What every shard of the process shares. Made by main before the shards, outlives them. Members are immutable, atomic,
// or say themselves how they are shared.
#pragma once

#include "actors/access.hpp"
#include "actors/conversation_index.hpp"
#include "actors/login_limits.hpp"
#include "actors/protocols.hpp"
#include "actors/stats_outbox.hpp"

#include <array>
#include <atomic>

namespace nexus {

/// Exchanges on their way to the disk. Whoever starts an exchange takes a credit first; it goes with the exchange's
/// record and is given back after the commit, or with the call if there is nothing to record. Without a credit there is
/// no new exchange: that bounds the writer's mailbox.
class stats_credits {
 public:
  explicit stats_credits(uint32_t limit) : limit_(limit) {}
  /// Null if none is left.
  std::shared_ptr<const stats_credit> take();
  uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  friend class stats_credit;
  std::atomic<uint32_t> taken_{0};
  const uint32_t limit_;
};

class stats_credit {
 public:
  explicit stats_credit(stats_credits& owner) : owner_(owner) {}
  ~stats_credit() { owner_.taken_.fetch_sub(1, std::memory_order_relaxed); }
  stats_credit(const stats_credit&) = delete;
  stats_credit& operator=(const stats_credit&) = delete;

 private:
  stats_credits& owner_;
};

inline std::shared_ptr<const stats_credit> stats_credits::take() {
  if (taken_.fetch_add(1, std::memory_order_relaxed) < limit_) return std::make_shared<const stats_credit>(*this);
  taken_.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

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
  hub(secret pepper_key, uint32_t credits) : pepper(std::move(pepper_key)), credits(credits) {}

  const secret pepper;  // keys the digests of personalized keys
  uint64_t history_seed = 0;
  stats_credits credits;
  stats_outbox outbox;
  hub_counters counters;
  conversation_index conversations;
  provider_health health;
  std::unique_ptr<access_control> access;
  login_limits logins;
  std::array<password_hasher_actor, 2> password_hashers;
  std::atomic<uint32_t> next_hasher{0};
  registry_actor registry;
  stats_writer_actor stats_writer;
  chat_directory_actor chat_directory;
  std::atomic<bool> draining{false};
  std::atomic<int> exit_code{0};
};

}  // namespace nexus
