// How a supervisor restarts: a growing pause after each failure, and a limit past which it gives up. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>

namespace nexus {

class restart_policy {
 public:
  using time = std::chrono::steady_clock::time_point;
  using milliseconds = std::chrono::milliseconds;

  /// More than `restarts` failures within `window` mean that restarting does not help.
  explicit restart_policy(size_t restarts = 5, milliseconds window = milliseconds(10'000))
      : restarts_(restarts), window_(window) {}

  /// Records a failure. Returns the pause before the restart, or nothing if the limit is passed: escalate.
  struct decision {
    bool escalate = false;
    milliseconds pause{0};
  };
  decision on_failure(time now) {
    while (!failures_.empty() && now - failures_.front() > window_) failures_.pop_front();
    failures_.push_back(now);
    if (failures_.size() > restarts_) return {.escalate = true, .pause = {}};
    return {.escalate = false,
            .pause = std::min(milliseconds(50) * (1 << (failures_.size() - 1)), milliseconds(1'000))};
  }

 private:
  size_t restarts_;
  milliseconds window_;
  std::deque<time> failures_;
};

}  // namespace nexus
