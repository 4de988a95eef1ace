#include "conf/money.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace nexus {
namespace {

TEST(Money, ReadsDecimals) {
  EXPECT_EQ(*parse_money("0"), 0);
  EXPECT_EQ(*parse_money("12.5"), 12'500'000'000);
  EXPECT_EQ(*parse_money("0.000000001"), 1);
  EXPECT_EQ(*parse_money("9000000000"), 9'000'000'000'000'000'000);
}

TEST(Money, RefusesWhatIsNoAmount) {
  for (const auto* text : {"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1 ", "0.0000000001", "9000000000.1",
                           "9000000001", "99999999999999999999", "NaN"})
    EXPECT_EQ(parse_money(text).error().code, errc::invalid_request) << text;
}

TEST(Money, WritesTheShortestDecimal) {
  for (const auto* text : {"0", "1", "12.5", "0.000000001", "9000000000", "3.1415"})
    EXPECT_EQ(to_text(*parse_money(text)), text);
  EXPECT_EQ(to_text(-1'500'000'000), "-1.5");
  EXPECT_EQ(to_text(std::numeric_limits<money>::min()), "-9223372036.854775808");
}

TEST(Cost, PricesEachKindOfToken) {
  const token_prices prices{.input = 2'000'000, .output = 8'000'000, .cached = 1'000'000, .reasoning = 10'000'000};
  EXPECT_EQ(cost_of({.prompt = 100, .completion = 10, .cached = 40, .reasoning = 4}, prices),
            60 * 2 + 40 * 1 + 6 * 8 + 4 * 10);
}

TEST(Cost, KindsWithoutAPriceCostAsTheirWhole) {
  const token_prices prices{.input = 2'000'000, .output = 8'000'000};
  EXPECT_EQ(cost_of({.prompt = 100, .completion = 10, .cached = 40, .reasoning = 4}, prices), 100 * 2 + 10 * 8);
}

TEST(Cost, RoundsHalfUpOnceForTheSum) {
  EXPECT_EQ(cost_of({.prompt = 1}, {.input = 499'999}), 0);
  EXPECT_EQ(cost_of({.prompt = 1}, {.input = 500'000}), 1);
  EXPECT_EQ(cost_of({.prompt = 1, .completion = 1}, {.input = 250'000, .output = 250'000}), 1);
}

TEST(Cost, IsNeverNegativeAndNeverOverflows) {
  constexpr auto most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(cost_of({.prompt = -5, .completion = -5, .cached = 9, .reasoning = 9}, {.input = 1'000'000}), 0);
  EXPECT_EQ(cost_of({.prompt = most, .completion = most}, {.input = most, .output = most}), most);
  EXPECT_EQ(cost_of({.prompt = 10, .cached = 90}, {.input = 1'000'000, .cached = 0}), 0)
      << "cached is at most the prompt";
}

}  // namespace
}  // namespace nexus
