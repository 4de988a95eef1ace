#include "actors/ids.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace nexus {
namespace {

TEST(Ids, AreTwentySixCharactersOfCrockfordsAlphabet) {
  const auto id = make_ulid();
  EXPECT_EQ(id.size(), 26U);
  EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), std::string::npos) << id;
  EXPECT_TRUE(make_request_id().starts_with("req_"));
  EXPECT_TRUE(make_conversation_id().starts_with("conv_"));
}

TEST(Ids, AreNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(make_ulid());
  EXPECT_EQ(seen.size(), 10'000U);
}

TEST(Ids, BeginWithTheirTime) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const auto before = wall_clock_ms();
  const auto id = make_ulid();
  const auto after = wall_clock_ms();
  int64_t time = 0;
  for (const char c : id.substr(0, 10)) time = time * 32 + static_cast<int64_t>(alphabet.find(c));
  EXPECT_LE(std::min(before, after), time);
  EXPECT_GE(std::max(before, after), time);
}

}  // namespace
}  // namespace nexus
