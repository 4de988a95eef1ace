// Whether a provider may be tried: closed while it works, open for a growing pause after failures in a row, then
// half-open for one trial. Pure: the caller brings the time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace nexus::net {

class circuit_breaker {
 public:
  using time = std::chrono::steady_clock::time_point;
  using milliseconds = std::chrono::milliseconds;

  circuit_breaker(uint32_t failures_before_open, milliseconds backoff_min, milliseconds backoff_max)
      : failures_before_open_(failures_before_open), backoff_min_(backoff_min), backoff_max_(backoff_max) {}

  /// True if a call may go out now. After the pause, one call at a time is let through as the trial.
  bool admit(time now) {
    if (!open_) return true;
    if (now < open_until_ || trial_running_) return false;
    trial_running_ = true;
    return true;
  }

  /// A call reached the upstream: it works.
  void on_success() {
    failures_ = 0;
    open_ = trial_running_ = false;
    pause_ = milliseconds(0);
  }

  /// A call failed for the upstream's sake. True if the circuit opened with it.
  bool on_failure(time now) {
    ++failures_;
    const bool was_trial = std::exchange(trial_running_, false);
    if (open_ && !was_trial) return false;  // a straggler from before it opened
    if (!open_ && failures_ < failures_before_open_) return false;
    const bool opened = !open_;
    open_ = true;
    pause_ = pause_.count() == 0 ? backoff_min_ : std::min(pause_ * 2, backoff_max_);
    open_until_ = now + pause_;
    return opened;
  }

  /// A trial ended without a verdict (its caller left).
  void on_abandoned() { trial_running_ = false; }

  bool is_open() const { return open_; }
  /// How long until the next trial.
  milliseconds retry_after(time now) const {
    if (!open_) return milliseconds(0);
    return std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(open_until_ - now));
  }

 private:
  uint32_t failures_before_open_;
  milliseconds backoff_min_;
  milliseconds backoff_max_;
  uint32_t failures_ = 0;
  milliseconds pause_{0};
  time open_until_{};
  bool open_ = false;
  bool trial_running_ = false;
};

}  // namespace nexus::net
