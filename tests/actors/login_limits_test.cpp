#include "actors/login_limits.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

using namespace std::chrono_literals;

class LoginLimits : public testing::Test {
 protected:
  bool may(std::string_view account, std::string_view address) { return !limits_.begin(account, address, now_); }
  void fill(std::string_view account, int attempts = 5) {
    for (int i = 0; i < attempts; ++i) EXPECT_TRUE(may(account, "192.0.2.1")) << i;
  }
  login_limits limits_;
  login_limits::time now_{std::chrono::hours(1)};
};

TEST_F(LoginLimits, GiveAnAccountFiveAttemptsAMinute) {
  fill("anna");
  EXPECT_EQ(limits_.begin("anna", "192.0.2.1", now_), 60s);
  EXPECT_EQ(limits_.begin("anna", "198.51.100.9", now_ + 30s), 30s);  // from wherever
  EXPECT_TRUE(may("berta", "192.0.2.1"));
  now_ += 60s;
  EXPECT_TRUE(may("anna", "192.0.2.1"));
}

TEST_F(LoginLimits, ForgetAttemptsAfterTheirMinute) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(may("anna", "192.0.2.1")) << i;
    now_ += 15s;
  }
}

TEST_F(LoginLimits, DoubleTheWaitUpToAQuarterOfAnHour) {
  for (const auto expected : {60s, 120s, 240s, 480s, 900s, 900s, 900s}) {
    fill("anna");
    EXPECT_EQ(limits_.begin("anna", "192.0.2.1", now_), expected);
    now_ += expected;
  }
}

TEST_F(LoginLimits, ForgetStrikesAfterAnHourOfPeace) {
  fill("anna");
  EXPECT_EQ(limits_.begin("anna", "192.0.2.1", now_), 60s);
  now_ += 2h;
  fill("anna");
  EXPECT_EQ(limits_.begin("anna", "192.0.2.1", now_), 60s);
}

TEST_F(LoginLimits, GiveAnAddressTwentyAttemptsAMinute) {
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(may("account " + std::to_string(i), "192.0.2.1"));
  EXPECT_FALSE(may("another", "192.0.2.1"));
  EXPECT_TRUE(may("another", "198.51.100.9"));
}

TEST_F(LoginLimits, GiveEverybodyAHundredAttemptsAMinute) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(may("account " + std::to_string(i), "address " + std::to_string(i)));
  EXPECT_FALSE(may("another", "another"));
  now_ += 60s;
  EXPECT_TRUE(may("another", "another"));
}

TEST_F(LoginLimits, DoNotCountAttemptsThatAreRight) {
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(may("anna", "192.0.2.1")) << i;
    limits_.succeed("anna", "192.0.2.1");
  }
  limits_.succeed("nobody", "nowhere");
  fill("anna");
  EXPECT_FALSE(may("anna", "192.0.2.1"));
}

TEST_F(LoginLimits, RememberABoundedNumberOfNames) {
  for (int i = 0; i < 10'000; ++i) {
    if (i % 50 == 0) now_ += 61s;
    EXPECT_TRUE(may("account " + std::to_string(i), "address " + std::to_string(i)));
  }
}

}  // namespace
}  // namespace nexus
