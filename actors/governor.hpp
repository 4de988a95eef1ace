// What personalized keys may still do: requests and tokens a minute, requests at once, money and tokens of a budget.
// Every request reserves what it may need before it is dispatched and gives back what it did not use, so a bound holds
// however many run at once. Knows no clock, no actors and no database; shared by all shards, one mutex for each key.
#pragma once

#include "conf/error.hpp"
#include "conf/money.hpp"
#include "storage/budget_period.hpp"
#include "storage/records.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>

namespace nexus {

using steady_time = std::chrono::steady_clock::time_point;

/// Sums of the last minute, in slices of a second. A slice counts until the whole of it is a minute old, so no minute
/// ever holds more than its limit.
class minute_window {
 public:
  /// Moves the window to `now` and returns the sum.
  int64_t sum(steady_time now);
  void add(steady_time now, int64_t amount);
  /// Corrects what was added at `then`; nothing if that is out of the window.
  void correct(steady_time now, steady_time then, int64_t amount);
  /// How long until `amount` fits under `limit`. Zero if it does now; a minute if only an empty window has room.
  std::chrono::milliseconds wait(steady_time now, int64_t amount, int64_t limit);

 private:
  static constexpr int64_t slices = 61;
  void advance(steady_time now);
  std::array<int64_t, slices> amounts_{};
  int64_t newest_ = 0;  // seconds
  int64_t sum_ = 0;
};

/// What a request may need.
struct demand {
  int64_t tokens = 0;
  money cost = 0;
};

/// What the answer's headers say of the tightest limits (`x-ratelimit-*`). Absent members have no limit.
struct limit_report {
  struct line {
    int64_t limit = 0;
    int64_t remaining = 0;
    std::chrono::milliseconds reset{0};
  };
  std::optional<line> requests, tokens;
};

class key_account;

/// A request's hold on its key's account. Values; settle it exactly once.
struct reservation {
  std::shared_ptr<key_account> account;  // null: nothing is limited, nothing is counted
  steady_time taken{};
  int64_t period_begin = 0;
  int64_t tokens = 0;
  money cost = 0;
};

class key_account {
 public:
  /// Reserves, or says why not: rate_limited with Retry-After, or insufficient_quota. `report` is filled in either
  /// case.
  result<reservation> admit(const std::shared_ptr<key_account>& self, const storage::key_limits& limits,
                            const demand& demand, int64_t wall_now, steady_time now, limit_report& report);
  /// Reserves more for one that is running; false, and nothing changes, if the budget has no room for it.
  bool extend(reservation& held, const storage::key_limits& limits, const demand& more);
  /// Gives the reservation back and books what was really used.
  void settle(const reservation& held, const demand& used, steady_time now);

  struct balance {
    int64_t tokens = 0;
    money cost = 0;
    int64_t reserved_tokens = 0;
    money reserved_cost = 0;
    int64_t running = 0;
  };
  /// What is spent in the period that begins then (0: in all), and what is reserved now.
  balance look(int64_t period_begin) const;
  /// What the database knows of a period; replaces what is known here.
  void load(const storage::key_spending& row);

 private:
  struct spent {
    int64_t tokens = 0;
    money cost = 0;
  };
  bool has_room(const storage::budget& budget, int64_t period_begin, const demand& demand) const;

  mutable std::mutex mutex_;
  std::unordered_map<int64_t, spent> periods_;  // by their begin; 0 is all time
  int64_t reserved_tokens_ = 0;
  money reserved_cost_ = 0;
  int64_t running_ = 0;
  minute_window requests_, tokens_;
  storage::budget known_budget_;
  storage::period period_;  // the last that a request fell into
};

class governor {
 public:
  /// The account of a key, which is made at its first use and lives as long as the hub. Never null.
  std::shared_ptr<key_account> account(int64_t key_id);
  void load(std::span<const storage::key_spending> rows);
  /// What running requests hold, by key.
  std::unordered_map<int64_t, int64_t> reserved_tokens() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<int64_t, std::shared_ptr<key_account>> accounts_;
};

}  // namespace nexus
