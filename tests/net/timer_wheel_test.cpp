#include "net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace nexus::net {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const steady_time start = steady_time() + 1'000'007ms;

class probe : public deadline {
 public:
  explicit probe(std::function<void(probe&)> action = {}) : action_(std::move(action)) {}
  void on_deadline() override {
    ++fired;
    // Copied, because the action may destroy this object.
    if (auto action = action_) action(*this);
  }
  int fired = 0;

 private:
  std::function<void(probe&)> action_;
};

TEST(TimerWheel, FiresOnceAtItsTimeAndNotBefore) {
  timer_wheel wheel(50ms, 8);
  probe one;
  wheel.arm(one, start, 120ms);
  EXPECT_TRUE(one.armed());
  EXPECT_TRUE(wheel.busy());
  wheel.advance(start + 119ms);
  EXPECT_EQ(one.fired, 0);
  wheel.advance(start + 120ms);
  EXPECT_EQ(one.fired, 1);
  EXPECT_FALSE(one.armed());
  EXPECT_FALSE(wheel.busy());
  wheel.advance(start + 1s);
  EXPECT_EQ(one.fired, 1);
}

TEST(TimerWheel, FiresWithinOneTickIfAdvancedEveryTick) {
  timer_wheel wheel(50ms, 8);
  for (auto after = 0ms; after < 2s; after += 7ms) {
    probe one;
    wheel.arm(one, start, after);
    milliseconds at{0};
    while (one.fired == 0 && at < 3s) wheel.advance(start + (at += 50ms));
    EXPECT_GE(at, after);
    EXPECT_LE(at, after + 50ms);
  }
}

TEST(TimerWheel, LetsALateDeadlineGoRoundAgain) {
  timer_wheel wheel(10ms, 4);
  probe one;
  wheel.arm(one, start, 1s);
  for (auto at = 0ms; at < 1s; at += 10ms) wheel.advance(start + at);
  EXPECT_EQ(one.fired, 0);
  wheel.advance(start + 1s);
  EXPECT_EQ(one.fired, 1);
}

TEST(TimerWheel, CatchesUpAfterALongPause) {
  timer_wheel wheel(10ms, 4);
  probe soon, late, never;
  wheel.arm(soon, start, 15ms);
  wheel.arm(late, start, 999ms);
  wheel.arm(never, start, 1001ms);
  wheel.advance(start + 1s);
  EXPECT_EQ(soon.fired, 1);
  EXPECT_EQ(late.fired, 1);
  EXPECT_EQ(never.fired, 0);
}

TEST(TimerWheel, MovesADeadlineLaterAndEarlier) {
  timer_wheel wheel(50ms, 8);
  probe one;
  wheel.arm(one, start, 100ms);
  wheel.arm(one, start + 90ms, 100ms);
  wheel.advance(start + 110ms);
  EXPECT_EQ(one.fired, 0);
  wheel.advance(start + 190ms);
  EXPECT_EQ(one.fired, 1);
  wheel.arm(one, start + 200ms, 10s);
  wheel.arm(one, start + 200ms, 20ms);
  wheel.advance(start + 220ms);
  EXPECT_EQ(one.fired, 2);
}

TEST(TimerWheel, DisarmsForGood) {
  timer_wheel wheel;
  probe one, idle;
  wheel.arm(one, start, 10ms);
  wheel.disarm(one);
  wheel.disarm(idle);
  EXPECT_FALSE(one.armed());
  EXPECT_FALSE(wheel.busy());
  wheel.advance(start + 1h);
  EXPECT_EQ(one.fired, 0);
}

TEST(TimerWheel, ForgetsADestroyedDeadline) {
  timer_wheel wheel(50ms, 1);
  probe before, after;
  wheel.arm(before, start, 10ms);
  {
    probe gone;
    wheel.arm(gone, start, 10ms);
    wheel.arm(after, start, 10ms);
  }
  wheel.advance(start + 10ms);
  EXPECT_EQ(before.fired, 1);
  EXPECT_EQ(after.fired, 1);
  EXPECT_FALSE(wheel.busy());
}

TEST(TimerWheel, MayBeDestroyedBeforeItsDeadlines) {
  probe one;
  {
    timer_wheel wheel;
    wheel.arm(one, start, 10ms);
  }
  EXPECT_FALSE(one.armed());
  timer_wheel other;
  other.arm(one, start, 10ms);
  other.advance(start + 10ms);
  EXPECT_EQ(one.fired, 1);
}

TEST(TimerWheel, MovesADeadlineFromAnotherWheel) {
  timer_wheel first, second;
  probe one;
  first.arm(one, start, 10ms);
  second.arm(one, start, 10ms);
  EXPECT_FALSE(first.busy());
  first.advance(start + 1s);
  EXPECT_EQ(one.fired, 0);
  second.advance(start + 1s);
  EXPECT_EQ(one.fired, 1);
}

TEST(TimerWheel, MayArmItselfWhileItFires) {
  timer_wheel wheel(50ms, 4);
  probe one([&](probe& self) { wheel.arm(self, start + 50ms, 0ms); });
  wheel.arm(one, start, 50ms);
  wheel.advance(start + 50ms);
  EXPECT_EQ(one.fired, 1) << "armed again for the past, it waits for the next call";
  EXPECT_TRUE(one.armed());
  wheel.advance(start + 50ms);
  EXPECT_EQ(one.fired, 2);
}

TEST(TimerWheel, MayDisarmOrMoveAnotherThatIsDueToo) {
  timer_wheel wheel(50ms, 4);
  int fired = 0;
  std::vector<std::unique_ptr<probe>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<probe>([&](probe& self) {
      if (fired++ > 0) return;
      std::vector<probe*> others;
      for (auto& other : all) {
        if (other.get() != &self) others.push_back(other.get());
      }
      wheel.disarm(*others[0]);
      wheel.arm(*others[1], start + 50ms, 100ms);
    }));
    wheel.arm(*all.back(), start, 50ms);
  }
  wheel.advance(start + 50ms);
  EXPECT_EQ(fired, 1);
  wheel.advance(start + 150ms);
  EXPECT_EQ(fired, 2);
  EXPECT_FALSE(wheel.busy());
}

TEST(TimerWheel, MayDestroyItselfAndOthersThatAreDueToo) {
  timer_wheel wheel(50ms, 4);
  int fired = 0;
  std::vector<std::unique_ptr<probe>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::make_unique<probe>([&](probe&) {
      ++fired;
      all.clear();
    }));
    wheel.arm(*all.back(), start, i % 2 == 0 ? 50ms : 10s);
  }
  wheel.advance(start + 60ms);
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(wheel.busy());
}

TEST(TimerWheel, SurvivesTimesAtTheEdge) {
  timer_wheel wheel(0ms, 0);
  EXPECT_EQ(wheel.tick(), 1ms);
  probe forever, past;
  wheel.arm(forever, start, milliseconds::max());
  wheel.arm(past, start, -5ms);
  wheel.advance(start - 1ms);
  EXPECT_EQ(past.fired, 0) << "the time has gone back";
  wheel.advance(start);
  EXPECT_EQ(past.fired, 1);
  wheel.advance(start + 24h);
  EXPECT_EQ(forever.fired, 0);
}

/// A wheel of lists of one: the plainest thing that does the same.
class model {
 public:
  explicit model(size_t count) : at_(count) {}
  void arm(size_t index, steady_time at) { at_[index] = at; }
  void disarm(size_t index) { at_[index].reset(); }
  bool armed(size_t index) const { return at_[index].has_value(); }
  bool busy() const {
    return std::any_of(at_.begin(), at_.end(), [](const auto& at) { return at.has_value(); });
  }
  std::vector<size_t> advance(steady_time now) {
    std::vector<size_t> due;
    for (size_t i = 0; i < at_.size(); ++i) {
      if (!at_[i] || *at_[i] > now) continue;
      at_[i].reset();
      due.push_back(i);
    }
    return due;
  }

 private:
  std::vector<std::optional<steady_time>> at_;
};

void compare_with_model(unsigned seed, milliseconds tick, size_t slots) {
  constexpr size_t count = 24;
  std::mt19937 random(seed);
  const auto below = [&](unsigned limit) { return static_cast<int>(random() % limit); };
  timer_wheel wheel(tick, slots);
  model reference(count);
  std::vector<size_t> fired;
  std::vector<std::unique_ptr<probe>> deadlines(count);
  const auto renew = [&](size_t i) {
    deadlines[i] = std::make_unique<probe>([&fired, i](probe&) { fired.push_back(i); });
  };
  for (size_t i = 0; i < count; ++i) renew(i);
  auto now = start;
  for (int step = 0; step < 5000; ++step) {
    const auto i = static_cast<size_t>(below(count));
    switch (below(8)) {
      case 0:
        wheel.disarm(*deadlines[i]);
        reference.disarm(i);
        break;
      case 1:
        renew(i);
        reference.disarm(i);
        break;
      case 2:
      case 3:
        now += milliseconds(below(10) == 0 ? below(5000) : below(80));
        fired.clear();
        wheel.advance(now);
        std::sort(fired.begin(), fired.end());
        ASSERT_EQ(fired, reference.advance(now)) << "seed " << seed << " step " << step;
        break;
      case 4:
        now += milliseconds(below(60));
        [[fallthrough]];
      default: {
        const auto after = milliseconds(below(below(4) == 0 ? 6000 : 200));
        wheel.arm(*deadlines[i], now, after);
        reference.arm(i, now + after);
      }
    }
    ASSERT_EQ(deadlines[i]->armed(), reference.armed(i)) << "seed " << seed << " step " << step;
    ASSERT_EQ(wheel.busy(), reference.busy()) << "seed " << seed << " step " << step;
  }
}

TEST(TimerWheel, AgreesWithAPlainModelOnRandomOperations) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    compare_with_model(seed, 50ms, 16);
    compare_with_model(seed, 7ms, 3);
    compare_with_model(seed, 1ms, 1);
    compare_with_model(seed, 50ms, 512);
  }
}

}  // namespace
}  // namespace nexus::net
