#include "net/timer_wheel.hpp"

#include <algorithm>
#include <limits>

namespace nexus::net {
namespace {

using std::chrono::milliseconds;

/// Marks a deadline that stands in the list of those about to fire.
constexpr size_t firing = std::numeric_limits<size_t>::max();

/// Longer waits are as good as none, and sums must not overflow.
constexpr milliseconds after_max = std::chrono::hours(24 * 365);

size_t tick_of(steady_time time, milliseconds tick) {
  return static_cast<size_t>(std::max<steady_time::rep>(0, time.time_since_epoch() / tick));
}

}  // namespace

// Deadlines stand in slot `slot_ % slots` (`slot_` counts ticks since the clock's epoch); one more list behind the
// slots holds those that an `advance` is about to fire, so that they too can be disarmed, moved or destroyed meanwhile.

deadline::~deadline() {
  if (linked_) wheel_->unlink(*this);
}

timer_wheel::timer_wheel(milliseconds tick, size_t slots)
    : tick_(std::max(tick, milliseconds(1))), slots_(std::max<size_t>(slots, 1) + 1, nullptr) {}

timer_wheel::~timer_wheel() {
  for (auto*& head : slots_) {
    while (head != nullptr) disarm(*head);
  }
}

void timer_wheel::arm(deadline& deadline, steady_time now, milliseconds after) {
  // An idle wheel need not catch up on the ticks it slept through.
  if (!started_ || linked_ == 0) last_ = started_ ? std::max(last_, now) : now;
  started_ = true;
  if (deadline.linked_ && deadline.wheel_ != this) deadline.wheel_->unlink(deadline);
  deadline.at_ = now + std::clamp(after, milliseconds(0), after_max);
  deadline.armed_ = true;
  // Standing in an earlier slot is good enough: `advance` moves it on.
  if (deadline.linked_ && deadline.slot_ <= tick_of(deadline.at_, tick_)) return;
  if (deadline.linked_) unlink(deadline);
  link(deadline, slot_for(deadline));
}

void timer_wheel::disarm(deadline& deadline) {
  deadline.armed_ = false;
  if (deadline.linked_) deadline.wheel_->unlink(deadline);
}

void timer_wheel::advance(steady_time now) {
  if (!started_ || linked_ == 0) return;
  const size_t slots = slots_.size() - 1;
  const size_t begin = tick_of(last_, tick_);
  const size_t end = std::min(std::max(begin, tick_of(now, tick_)), begin + slots - 1);
  last_ = std::max(last_, now);
  for (size_t tick = begin; tick <= end; ++tick) {
    deadline* next = nullptr;
    for (auto* here = slots_[tick % slots]; here != nullptr; here = next) {
      next = here->next_;
      const bool due = here->at_ <= now;
      if (!due && tick_of(here->at_, tick_) == here->slot_) continue;
      unlink(*here);
      link(*here, due ? firing : slot_for(*here));
    }
  }
  while (auto* due = slots_.back()) {
    unlink(*due);
    due->armed_ = false;
    due->on_deadline();
  }
}

void timer_wheel::link(deadline& deadline, size_t slot) {
  auto*& head = list_of(slot);
  deadline.wheel_ = this;
  deadline.slot_ = slot;
  deadline.previous_ = nullptr;
  deadline.next_ = head;
  if (head != nullptr) head->previous_ = &deadline;
  head = &deadline;
  deadline.linked_ = true;
  ++linked_;
}

void timer_wheel::unlink(deadline& deadline) {
  if (deadline.previous_ != nullptr) {
    deadline.previous_->next_ = deadline.next_;
  } else {
    list_of(deadline.slot_) = deadline.next_;
  }
  if (deadline.next_ != nullptr) deadline.next_->previous_ = deadline.previous_;
  deadline.previous_ = nullptr;
  deadline.next_ = nullptr;
  deadline.linked_ = false;
  --linked_;
}

deadline*& timer_wheel::list_of(size_t slot) {
  return slot == firing ? slots_.back() : slots_[slot % (slots_.size() - 1)];
}

size_t timer_wheel::slot_for(const deadline& deadline) const {
  // A time that has passed belongs to the first slot that `advance` will visit.
  return std::max(tick_of(deadline.at_, tick_), tick_of(last_, tick_));
}

}  // namespace nexus::net
