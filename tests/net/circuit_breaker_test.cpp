#include "net/circuit_breaker.hpp"

#include <gtest/gtest.h>

namespace nexus::net {
namespace {

using std::chrono::milliseconds;

class CircuitBreaker : public testing::Test {
 protected:
  void fail(int times) {
    for (int i = 0; i < times; ++i) breaker_.on_failure(now_);
  }
  circuit_breaker breaker_{3, milliseconds(100), milliseconds(350)};
  circuit_breaker::time now_{std::chrono::hours(1)};
};

TEST_F(CircuitBreaker, AdmitsEverythingWhileItIsClosed) {
  EXPECT_TRUE(breaker_.admit(now_) && breaker_.admit(now_));
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.retry_after(now_), milliseconds(0));
}

TEST_F(CircuitBreaker, OpensOnceAfterFailuresInARow) {
  EXPECT_FALSE(breaker_.on_failure(now_));
  EXPECT_FALSE(breaker_.on_failure(now_));
  EXPECT_TRUE(breaker_.admit(now_));
  EXPECT_TRUE(breaker_.on_failure(now_));
  EXPECT_TRUE(breaker_.is_open());
  EXPECT_FALSE(breaker_.admit(now_));
}

TEST_F(CircuitBreaker, StartsToCountAnewAfterASuccess) {
  fail(2);
  breaker_.on_success();
  fail(2);
  EXPECT_FALSE(breaker_.is_open());
}

TEST_F(CircuitBreaker, AdmitsOneTrialAfterThePause) {
  fail(3);
  EXPECT_EQ(breaker_.retry_after(now_), milliseconds(100));
  now_ += milliseconds(99);
  EXPECT_FALSE(breaker_.admit(now_));
  EXPECT_EQ(breaker_.retry_after(now_), milliseconds(1));
  now_ += milliseconds(1);
  EXPECT_TRUE(breaker_.admit(now_));
  EXPECT_FALSE(breaker_.admit(now_));
  EXPECT_EQ(breaker_.retry_after(now_ + milliseconds(50)), milliseconds(1));  // while the trial runs
}

TEST_F(CircuitBreaker, DoublesThePauseUpToItsBound) {
  fail(3);
  for (const int pause : {100, 200, 350, 350}) {
    EXPECT_EQ(breaker_.retry_after(now_), milliseconds(pause));
    now_ += milliseconds(pause);
    EXPECT_TRUE(breaker_.admit(now_));
    EXPECT_FALSE(breaker_.on_failure(now_));  // it was open
  }
}

TEST_F(CircuitBreaker, ClosesWithASuccessAndForgetsThePause) {
  fail(3);
  now_ += milliseconds(100);
  EXPECT_TRUE(breaker_.admit(now_));
  fail(1);
  now_ += milliseconds(200);
  EXPECT_TRUE(breaker_.admit(now_));
  breaker_.on_success();
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_TRUE(breaker_.admit(now_) && breaker_.admit(now_));
  fail(3);
  EXPECT_EQ(breaker_.retry_after(now_), milliseconds(100));
}

TEST_F(CircuitBreaker, IgnoresFailuresOfCallsFromBeforeItOpened) {
  fail(3);
  now_ += milliseconds(50);
  EXPECT_FALSE(breaker_.on_failure(now_));
  EXPECT_EQ(breaker_.retry_after(now_), milliseconds(50));
}

TEST_F(CircuitBreaker, AdmitsAnotherTrialWhenOneIsAbandoned) {
  fail(3);
  now_ += milliseconds(100);
  EXPECT_TRUE(breaker_.admit(now_));
  breaker_.on_abandoned();
  EXPECT_TRUE(breaker_.admit(now_));
  EXPECT_TRUE(breaker_.is_open());
}

TEST(CircuitBreakerOfOne, OpensWithTheFirstFailure) {
  circuit_breaker breaker(1, milliseconds(100), milliseconds(100));
  EXPECT_TRUE(breaker.on_failure({}));
  EXPECT_TRUE(breaker.is_open());
}

}  // namespace
}  // namespace nexus::net
