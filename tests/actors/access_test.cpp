#include "actors/access.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class AccessControl : public testing::Test {
 protected:
  access_control access_{secret("key"), "admin-token", "setup-token", {milliseconds(1'000), milliseconds(5'000)}};
  access_control::time now_{std::chrono::hours(1)};
};

TEST_F(AccessControl, KnowsTheAdministratorTokenAlone) {
  EXPECT_TRUE(access_.is_admin_token("admin-token"));
  for (const auto* token : {"", "admin-tokeN", "admin-token ", "setup-token"})
    EXPECT_FALSE(access_.is_admin_token(token)) << token;
}

TEST_F(AccessControl, TakesTheSetUpTokenOnce) {
  EXPECT_TRUE(access_.log_in("setup-token", now_));
  EXPECT_FALSE(access_.log_in("setup-token", now_));
  EXPECT_TRUE(access_.log_in("admin-token", now_));
  EXPECT_TRUE(access_.log_in("admin-token", now_));
}

TEST_F(AccessControl, HasNoSetUpTokenWithoutOne) {
  access_control without{secret("key"), "admin-token", "", {milliseconds(1'000), milliseconds(5'000)}};
  EXPECT_FALSE(without.log_in("", now_));
  EXPECT_TRUE(without.log_in("admin-token", now_));
}

TEST_F(AccessControl, GivesEverySessionACookieOfItsOwn) {
  const auto first = access_.log_in("admin-token", now_);
  const auto second = access_.log_in("admin-token", now_);
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_GE(first->size(), 43U);
  EXPECT_TRUE(access_.is_session(*first, now_) && access_.is_session(*second, now_));
  EXPECT_FALSE(access_.is_session("", now_) || access_.is_session(*first + "x", now_));
  access_.log_out(*first);
  EXPECT_FALSE(access_.is_session(*first, now_));
  EXPECT_TRUE(access_.is_session(*second, now_));
}

TEST_F(AccessControl, EndsASessionThatIsNotUsed) {
  const auto cookie = access_.log_in("admin-token", now_);
  EXPECT_TRUE(access_.is_session(*cookie, now_ + milliseconds(1'000)));
  EXPECT_TRUE(access_.is_session(*cookie, now_ + milliseconds(2'000)));
  EXPECT_FALSE(access_.is_session(*cookie, now_ + milliseconds(3'001)));
  EXPECT_FALSE(access_.is_session(*cookie, now_ + milliseconds(2'000)));  // once gone, gone
}

TEST_F(AccessControl, EndsASessionAtItsAgeHoweverMuchItIsUsed) {
  const auto cookie = access_.log_in("admin-token", now_);
  for (int i = 1; i <= 10; ++i) EXPECT_TRUE(access_.is_session(*cookie, now_ + milliseconds(500 * i)));
  EXPECT_FALSE(access_.is_session(*cookie, now_ + milliseconds(5'001)));
}

TEST_F(AccessControl, RefusesLogInsForAMinuteAfterTooManyWrongTokens) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(access_.is_throttled(now_)) << i;
    EXPECT_FALSE(access_.log_in("wrong", now_));
  }
  EXPECT_TRUE(access_.is_throttled(now_));
  EXPECT_FALSE(access_.log_in("admin-token", now_));
  EXPECT_FALSE(access_.log_in("setup-token", now_ + seconds(59)));
  EXPECT_TRUE(access_.is_admin_token("admin-token"));  // scripts go on
  EXPECT_FALSE(access_.is_throttled(now_ + seconds(60)));
  EXPECT_TRUE(access_.log_in("setup-token", now_ + seconds(60)));
}

TEST_F(AccessControl, CountsWrongTokensByTheMinute) {
  for (int i = 0; i < 19; ++i) access_.log_in("wrong", now_);
  now_ += seconds(61);
  for (int i = 0; i < 19; ++i) access_.log_in("wrong", now_);
  EXPECT_FALSE(access_.is_throttled(now_));
  EXPECT_TRUE(access_.log_in("admin-token", now_));
}

TEST_F(AccessControl, BoundsItsSessionsByTheLeastUsed) {
  const auto first = access_.log_in("admin-token", now_);
  const auto second = access_.log_in("admin-token", now_);
  for (int i = 2; i < 1'024; ++i) access_.log_in("admin-token", now_ + milliseconds(1));
  EXPECT_TRUE(access_.is_session(*first, now_ + milliseconds(2)));
  access_.log_in("admin-token", now_ + milliseconds(3));
  EXPECT_TRUE(access_.is_session(*first, now_ + milliseconds(4)));
  EXPECT_FALSE(access_.is_session(*second, now_ + milliseconds(4)));
}

TEST(Cookies, AreFoundByTheirWholeName) {
  EXPECT_EQ(find_cookie("nxh=abc", "nxh"), "abc");
  EXPECT_EQ(find_cookie("a=1; nxh=abc; b=2", "nxh"), "abc");
  EXPECT_EQ(find_cookie("a=1;nxh=a=b", "nxh"), "a=b");
  EXPECT_EQ(find_cookie("xnxh=1; nxh=2", "nxh"), "2");
  EXPECT_EQ(find_cookie("nxh=", "nxh"), "");
  for (const auto* header : {"", ";", "nxh", "NXH=1", "nxhh=1", "a=nxh=1", "nxh =1"})
    EXPECT_FALSE(find_cookie(header, "nxh")) << header;
}

}  // namespace
}  // namespace nexus
