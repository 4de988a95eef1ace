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

// --- Administrators and their sessions.

storage::administrator person(int64_t id, const std::string& name,
                              storage::admin_role role = storage::admin_role::administrator) {
  storage::administrator row;
  row.id = id;
  row.name = name;
  row.password = "hash of " + name;
  row.role = role;
  return row;
}

TEST_F(AccessControl, KnowsWhoASessionBelongsTo) {
  access_.use_administrators({person(1, "anna"), person(2, "victor", storage::admin_role::viewer)});
  const auto cookie = access_.open_session(2, now_);
  const auto found = access_.find_session(cookie, now_ + milliseconds(400));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->administrator_id, 2);
  EXPECT_EQ(found->name, "victor");
  EXPECT_EQ(found->role, storage::admin_role::viewer);
  EXPECT_EQ(found->digest, access_.session_digest(cookie));
  EXPECT_EQ(found->left, milliseconds(1'000));
  EXPECT_EQ(access_.find_administrator("anna")->id, 1);
  EXPECT_EQ(access_.find_administrator(2)->name, "victor");
  EXPECT_FALSE(access_.find_administrator("Anna") || access_.find_administrator(3));
  EXPECT_EQ(access_.administrators().size(), 2U);
}

TEST_F(AccessControl, ALookKeepsNoSessionAlive) {
  const auto cookie = access_.open_session(0, now_);
  const auto digest = access_.session_digest(cookie);
  EXPECT_TRUE(access_.is_alive(digest, now_ + milliseconds(900)));
  EXPECT_FALSE(access_.is_alive(digest, now_ + milliseconds(1'100)));
  EXPECT_FALSE(access_.is_alive("unknown", now_));
}

TEST_F(AccessControl, EndsTheSessionsOfWhoeverChangedOrIsGone) {
  access_.use_administrators({person(1, "anna"), person(2, "berta"), person(3, "carla"), person(4, "dora")});
  std::vector<std::string> cookies;
  for (int64_t id = 0; id <= 4; ++id) cookies.push_back(access_.open_session(id, now_));
  auto renamed = person(1, "anne");
  renamed.password = "hash of anna";
  auto changed = person(3, "carla");
  changed.password = "another";
  access_.use_administrators({renamed, person(2, "berta", storage::admin_role::viewer), changed});
  EXPECT_TRUE(access_.is_session(cookies[0], now_));
  EXPECT_EQ(access_.find_session(cookies[1], now_)->name, "anne");
  for (const size_t index : {2, 3, 4}) EXPECT_FALSE(access_.is_session(cookies[index], now_)) << index;
}

TEST_F(AccessControl, AFreshHashOfTheSamePasswordEndsNothing) {
  access_.use_administrators({person(1, "anna")});
  const auto cookie = access_.open_session(1, now_);
  access_.note_rehash(1, "of another", "fresh");
  EXPECT_EQ(access_.find_administrator(1)->password, "hash of anna");
  access_.note_rehash(1, "hash of anna", "fresh");
  EXPECT_EQ(access_.find_administrator(1)->password, "fresh");
  auto stored = person(1, "anna");
  stored.password = "fresh";
  access_.use_administrators({stored});
  EXPECT_TRUE(access_.is_session(cookie, now_));
}

TEST_F(AccessControl, RestoresSessionsWithTheirAge) {
  access_.use_administrators({person(1, "anna")});
  const std::string cookies[] = {"fresh", "idle", "old", "of nobody", "of tomorrow"};
  std::vector<storage::admin_session> rows;
  const auto row = [&](const std::string& cookie, int64_t owner, int64_t made, int64_t used) {
    rows.push_back({access_.session_digest(cookie), owner, made, used});
  };
  constexpr int64_t wall = 1'000'000;
  row(cookies[0], 1, wall - 4'000, wall - 500);
  row(cookies[1], 1, wall - 4'000, wall - 1'500);
  row(cookies[2], 1, wall - 5'500, wall - 500);
  row(cookies[3], 9, wall - 100, wall - 100);
  row(cookies[4], 0, wall + 9'000, wall + 9'000);  // the clock was set back
  access_.restore_sessions(rows, now_, wall);
  EXPECT_TRUE(access_.is_alive(rows[0].digest, now_ + milliseconds(400)));
  EXPECT_FALSE(access_.is_alive(rows[0].digest, now_ + milliseconds(600)));
  EXPECT_FALSE(access_.is_session(cookies[1], now_));
  EXPECT_FALSE(access_.is_session(cookies[2], now_));
  EXPECT_FALSE(access_.is_session(cookies[3], now_));
  EXPECT_TRUE(access_.is_session(cookies[4], now_));
}

TEST_F(AccessControl, AsksForANoteOfItsUseOnceAMinute) {
  access_control patient{secret("key"), "t", "", {std::chrono::hours(1), std::chrono::hours(2)}};
  const auto cookie = patient.open_session(0, now_);
  EXPECT_FALSE(patient.find_session(cookie, now_ + seconds(59))->note_use);
  EXPECT_TRUE(patient.find_session(cookie, now_ + seconds(60))->note_use);
  EXPECT_FALSE(patient.find_session(cookie, now_ + seconds(61))->note_use);
  EXPECT_TRUE(patient.find_session(cookie, now_ + seconds(120))->note_use);
}

TEST_F(AccessControl, KnowsTheSetUpTokenUntilItIsDropped) {
  EXPECT_TRUE(access_.is_setup_token("setup-token"));
  EXPECT_FALSE(access_.is_setup_token("") || access_.is_setup_token("admin-token"));
  access_.drop_setup_token();
  EXPECT_FALSE(access_.is_setup_token("setup-token"));
  EXPECT_FALSE(access_.log_in("setup-token", now_));
}

}  // namespace
}  // namespace nexus
