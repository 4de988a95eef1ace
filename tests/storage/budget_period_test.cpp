#include "storage/budget_period.hpp"

#include <gtest/gtest.h>

namespace nexus::storage {
namespace {

constexpr int64_t hour = 3'600'000;
constexpr int64_t day = 24 * hour;
// 2026-11-25, a Wednesday, 10:00 UTC.
constexpr int64_t now = 1'795'600'800'000;

period of(budget_period what, const char* zone, int64_t time = now) {
  return period_of({.period = what, .time_zone = zone}, time);
}

TEST(BudgetPeriod, ATotalHasOnlyOne) {
  EXPECT_EQ(of(budget_period::total, "UTC").begin, 0);
  EXPECT_TRUE(of(budget_period::total, "UTC").contains(now * 2));
}

TEST(BudgetPeriod, BeginsAtMidnightOfItsZone) {
  EXPECT_EQ(of(budget_period::day, "UTC").begin, now - 10 * hour);
  EXPECT_EQ(of(budget_period::day, "UTC").end, now + 14 * hour);
  EXPECT_EQ(of(budget_period::day, "Asia/Shanghai").begin, now - 18 * hour);
  EXPECT_EQ(of(budget_period::day, "Asia/Kolkata").begin, now - 15 * hour - hour / 2);
  EXPECT_EQ(of(budget_period::day, "America/New_York").begin, now - 5 * hour);
}

TEST(BudgetPeriod, WeeksBeginOnMonday) {
  const auto monday = now - 10 * hour - 2 * day;
  EXPECT_EQ(of(budget_period::week, "UTC").begin, monday);
  EXPECT_EQ(of(budget_period::week, "UTC").end, monday + 7 * day);
  EXPECT_EQ(of(budget_period::week, "UTC", monday).begin, monday);
  EXPECT_EQ(of(budget_period::week, "UTC", monday - 1).begin, monday - 7 * day);
}

TEST(BudgetPeriod, MonthsHaveTheirOwnLength) {
  const auto first = now - 10 * hour - 24 * day;
  EXPECT_EQ(of(budget_period::month, "UTC").begin, first);
  EXPECT_EQ(of(budget_period::month, "UTC").end, first + 30 * day);
  EXPECT_EQ(of(budget_period::month, "UTC", first - 1).begin, first - 31 * day);
}

TEST(BudgetPeriod, DaysOfASummerTimeChangeAreLongerOrShorter) {
  // 2026-10-25 in Berlin has 25 hours, 2026-03-29 has 23.
  constexpr int64_t october = 1'792'922'400'000;
  constexpr int64_t march = 1'774'778'400'000;
  const auto length = [](const period& period) { return period.end - period.begin; };
  EXPECT_EQ(length(of(budget_period::day, "Europe/Berlin", october)), 25 * hour);
  EXPECT_EQ(length(of(budget_period::day, "Europe/Berlin", march)), 23 * hour);
}

TEST(BudgetPeriod, AnUnknownZoneCountsAsUtc) {
  EXPECT_EQ(of(budget_period::day, "Nowhere/Land").begin, of(budget_period::day, "UTC").begin);
}

}  // namespace
}  // namespace nexus::storage
