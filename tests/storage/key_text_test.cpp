#include "storage/key_text.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace nexus::storage {
namespace {

TEST(HubKey, HasItsShapeAndIsNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const auto key = make_hub_key();
    const std::string text(key.reveal());
    EXPECT_EQ(text.size(), 55U);
    EXPECT_TRUE(text.starts_with("nxh_u_"));
    EXPECT_TRUE(text.starts_with(hub_key_prefix));
    EXPECT_TRUE(is_hub_key(text)) << text;
    EXPECT_TRUE(seen.insert(text).second);
  }
}

TEST(HubKey, UsesEveryLetterAboutAsOften) {
  std::map<char, int> counts;
  for (int i = 0; i < 500; ++i) {
    const auto key = make_hub_key();
    for (const char c : key.reveal().substr(6, 43)) ++counts[c];
  }
  EXPECT_EQ(counts.size(), 62U);
  // 347 on average with a deviation of 18: six of them either way.
  for (const auto& [letter, count] : counts) EXPECT_TRUE(count > 237 && count < 457) << letter << " " << count;
}

TEST(HubKey, KnowsItsSum) {
  // Bit by bit, where the implementation uses a table.
  const std::string body = "nxh_u_" + std::string(43, '0');
  uint32_t crc = 0xffffffffU;
  for (const unsigned char c : body) {
    crc ^= c;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xedb88320U : crc >> 1;
  }
  crc ^= 0xffffffffU;
  constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string sum;
  for (int i = 0; i < 6; ++i, crc /= 62) sum.insert(sum.begin(), alphabet[crc % 62]);
  EXPECT_TRUE(is_hub_key(body + sum));
}

TEST(HubKey, IsNoneWithAnyLetterChanged) {
  const auto key = make_hub_key();
  for (size_t i = 0; i < key.reveal().size(); ++i) {
    for (const char other : {'0', 'z', '_', ' ', '\0'}) {
      std::string text(key.reveal());
      if (text[i] == other) continue;
      text[i] = other;
      EXPECT_FALSE(is_hub_key(text)) << text;
    }
  }
}

TEST(HubKey, IsNoneIfItIsShorterOrLonger) {
  const auto key = make_hub_key();
  for (size_t size = 0; size < key.reveal().size(); ++size) EXPECT_FALSE(is_hub_key(key.reveal().substr(0, size)));
  EXPECT_FALSE(is_hub_key(std::string(key.reveal()) + "0"));
}

TEST(HubKey, ShowsItsLastLettersAlone) {
  EXPECT_EQ(masked_hub_key("nxh_u_secret3f9a"), "nxh_u_…3f9a");
  EXPECT_EQ(masked_hub_key("x"), "nxh_u_…x");
}

}  // namespace
}  // namespace nexus::storage
