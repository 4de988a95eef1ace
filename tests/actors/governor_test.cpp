#include "actors/governor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace nexus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr steady_time start{std::chrono::hours(5)};

class KeyAccount : public ::testing::Test {
 protected:
  result<reservation> admit(demand demand = {}, steady_time now = start, int64_t wall = 1'000) {
    return account_->admit(account_, limits_, demand, wall, now, report_);
  }
  errc refusal(demand demand = {}, steady_time now = start) {
    const auto admitted = admit(demand, now);
    EXPECT_FALSE(admitted);
    return admitted ? errc::internal : admitted.error().code;
  }
  std::shared_ptr<key_account> account_ = std::make_shared<key_account>();
  storage::key_limits limits_;
  limit_report report_;
};

TEST_F(KeyAccount, AdmitsEverythingWithoutLimits) {
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(admit({.tokens = 1'000'000'000}));
  EXPECT_FALSE(report_.requests || report_.tokens);
}

TEST_F(KeyAccount, AdmitsExactlyTheRequestsOfAMinute) {
  limits_.requests_per_minute = 60;
  int admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += admit({}, start + milliseconds(i * 100)) ? 1 : 0;
  EXPECT_EQ(admitted, 60);
  EXPECT_EQ(report_.requests->remaining, 0);
}

TEST_F(KeyAccount, HoldsTheLimitInEveryMinuteWhereverItBegins) {
  limits_.requests_per_minute = 50;
  std::vector<int64_t> times;
  for (int64_t ms = 0; ms < 300'000; ms += 137)
    if (admit({}, start + milliseconds(ms))) times.push_back(ms);
  for (size_t first = 0, last = 0; last < times.size(); ++last) {
    while (times[last] - times[first] >= 60'000) ++first;
    EXPECT_LE(last - first + 1, 50U);
  }
  EXPECT_GE(times.size(), 50U * 4) << "and it gives the limit back";
}

TEST_F(KeyAccount, SaysWhenTheNextRequestHasRoom) {
  limits_.requests_per_minute = 2;
  EXPECT_TRUE(admit({}, start));
  EXPECT_TRUE(admit({}, start + seconds(20)));
  const auto refused = admit({}, start + seconds(21));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::rate_limited);
  EXPECT_EQ(refused.error().retry_after, seconds(40));
  EXPECT_FALSE(admit({}, start + seconds(60)));
  EXPECT_TRUE(admit({}, start + seconds(61)));
}

TEST_F(KeyAccount, CountsTokensAsReservedUntilTheyAreSettled) {
  limits_.tokens_per_minute = 100;
  const auto first = admit({.tokens = 80});
  ASSERT_TRUE(first);
  EXPECT_EQ(refusal({.tokens = 30}), errc::rate_limited);
  account_->settle(*first, {.tokens = 20}, start + seconds(1));
  EXPECT_TRUE(admit({.tokens = 80}, start + seconds(1)));
  EXPECT_EQ(report_.tokens->remaining, 0);
}

TEST_F(KeyAccount, ForgetsACorrectionThatComesAfterTheMinute) {
  limits_.tokens_per_minute = 100;
  const auto first = admit({.tokens = 80});
  account_->settle(*first, {.tokens = 0}, start + seconds(70));
  EXPECT_TRUE(admit({.tokens = 100}, start + seconds(70)));
  EXPECT_EQ(report_.tokens->remaining, 0);
}

TEST_F(KeyAccount, SaysThatARequestAboveTheLimitNeverFits) {
  limits_.tokens_per_minute = 100;
  const auto refused = admit({.tokens = 101});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::rate_limited);
  EXPECT_TRUE(refused.error().is_final);
  EXPECT_FALSE(refused.error().retry_after);
}

TEST_F(KeyAccount, BoundsRequestsAtOnce) {
  limits_.concurrent_requests = 2;
  const auto first = admit();
  EXPECT_TRUE(admit());
  EXPECT_EQ(refusal(), errc::rate_limited);
  account_->settle(*first, {}, start);
  EXPECT_TRUE(admit());
}

TEST_F(KeyAccount, NeverPromisesMoreThanTheBudget) {
  limits_.budget = storage::budget{.amount = 100};
  const auto first = admit({.tokens = 60});
  ASSERT_TRUE(first);
  EXPECT_EQ(refusal({.tokens = 41}), errc::insufficient_quota);
  EXPECT_TRUE(admit({.tokens = 40}));
  account_->settle(*first, {.tokens = 10}, start);
  EXPECT_TRUE(admit({.tokens = 50}));
  EXPECT_EQ(refusal({.tokens = 1}), errc::insufficient_quota);
}

TEST_F(KeyAccount, CountsMoneyOnABudgetOfMoney) {
  limits_.budget = storage::budget{.unit = storage::budget_unit::money, .amount = 100};
  EXPECT_TRUE(admit({.tokens = 1'000'000, .cost = 100}));
  EXPECT_EQ(refusal({.tokens = 0, .cost = 1}), errc::insufficient_quota);
}

TEST_F(KeyAccount, BeginsAnewInTheNextPeriodAndKnowsTheLastOne) {
  limits_.budget = storage::budget{.amount = 100, .period = storage::budget_period::day};
  const auto today = admit({.tokens = 100}, start, 86'400'000 * 3 + 5);
  ASSERT_TRUE(today);
  EXPECT_EQ(today->period_begin, 86'400'000 * 3);
  account_->settle(*today, {.tokens = 100}, start);
  EXPECT_FALSE(admit({.tokens = 1}, start, 86'400'000 * 4 - 1));
  EXPECT_TRUE(admit({.tokens = 100}, start, 86'400'000 * 4)) << "tomorrow";
  EXPECT_FALSE(admit({.tokens = 1}, start, 86'400'000 * 3 + 9)) << "the clock was set back";
  EXPECT_EQ(account_->look(0).tokens, 100);
}

TEST_F(KeyAccount, KnowsWhatWasSpentBeforeTheStart) {
  governor governor;
  const storage::key_spending rows[] = {{.key_id = 3, .period_begin = 0, .requests = 1, .tokens = 95, .cost = 2}};
  governor.load(rows);
  account_ = governor.account(3);
  limits_.budget = storage::budget{.amount = 100};
  EXPECT_EQ(refusal({.tokens = 6}), errc::insufficient_quota);
  EXPECT_TRUE(admit({.tokens = 5}));
}

TEST_F(KeyAccount, NeverOversellsHoweverManyAskAtOnce) {
  for (int round = 0; round < 50; ++round) {
    account_ = std::make_shared<key_account>();
    limits_.budget = storage::budget{.amount = 10};
    std::atomic<int> admitted{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([this, &admitted] {
        limit_report report;
        for (int j = 0; j < 25; ++j)
          if (account_->admit(account_, limits_, {.tokens = 1}, 1'000, start, report)) ++admitted;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(admitted, 10);
  }
}

TEST(MinuteWindow, GivesRoomBackSliceBySlice) {
  minute_window window;
  for (int i = 0; i < 60; ++i) window.add(start + seconds(i), 1);
  EXPECT_EQ(window.sum(start + seconds(59)), 60);
  EXPECT_EQ(window.sum(start + seconds(60)), 60) << "the first second is not a whole minute old";
  EXPECT_EQ(window.sum(start + seconds(61)), 59);
  EXPECT_EQ(window.wait(start + seconds(61), 1, 60), milliseconds(0));
  EXPECT_EQ(window.wait(start + seconds(61), 3, 60), milliseconds(2'000));
  EXPECT_EQ(window.wait(start + seconds(61), 61, 60), seconds(60)) << "never";
  EXPECT_EQ(window.sum(start + std::chrono::hours(9)), 0);
}

}  // namespace
}  // namespace nexus
