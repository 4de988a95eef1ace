// Deadlines by the thousand for one thread: coarse (one tick), cheap to move. Pure: the caller brings the time.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace nexus::net {

using steady_time = std::chrono::steady_clock::time_point;

class timer_wheel;

/// A deadline inside its owner. Disarms itself when destroyed; never copied or moved.
class deadline {
 public:
  deadline() = default;
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;
  virtual ~deadline();
  /// Called by the wheel, once per arming, at or up to one tick after the time. May arm or disarm anything.
  virtual void on_deadline() = 0;
  bool armed() const { return armed_; }

 private:
  friend class timer_wheel;
  timer_wheel* wheel_ = nullptr;
  deadline* previous_ = nullptr;
  deadline* next_ = nullptr;
  size_t slot_ = 0;
  steady_time at_{};
  bool armed_ = false;   // fires at at_
  bool linked_ = false;  // stands in a slot, maybe an earlier one than at_
};

/// Hashed wheel of `slots` ticks; a later deadline goes round again. Moving an armed deadline to a later time only
/// stores the time. Must outlive its deadlines' last use, or be destroyed with none linked.
class timer_wheel {
 public:
  explicit timer_wheel(std::chrono::milliseconds tick = std::chrono::milliseconds(50), size_t slots = 512);
  ~timer_wheel();
  void arm(deadline& deadline, steady_time now, std::chrono::milliseconds after);
  void disarm(deadline& deadline);
  /// Fires everything due at `now`; what is armed meanwhile waits for the next call. Not from within `on_deadline`.
  void advance(steady_time now);
  /// True if anything is armed: the owner keeps ticking.
  bool busy() const { return linked_ > 0; }
  std::chrono::milliseconds tick() const { return tick_; }

 private:
  friend class deadline;
  void link(deadline& deadline, size_t slot);
  void unlink(deadline& deadline);
  deadline*& list_of(size_t slot);
  size_t slot_for(const deadline& deadline) const;
  std::chrono::milliseconds tick_;
  std::vector<deadline*> slots_;
  steady_time last_{};
  size_t linked_ = 0;
  bool started_ = false;
};

}  // namespace nexus::net
