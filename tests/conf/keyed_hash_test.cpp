#include "conf/keyed_hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace nexus {
namespace {

uint64_t hash(std::string_view text, uint64_t key = 1) {
  keyed_hasher hasher(key);
  hasher.add(text);
  return hasher.value();
}

TEST(KeyedHasher, DoesNotDependOnTheCuts) {
  const std::string text = "The quick brown fox jumps over the lazy dog.";
  for (size_t first = 0; first <= text.size(); ++first)
    for (size_t second = first; second <= text.size(); ++second) {
      keyed_hasher hasher(1);
      hasher.add(text.substr(0, first));
      hasher.add(text.substr(first, second - first));
      hasher.add(text.substr(second));
      ASSERT_EQ(hasher.value(), hash(text));
    }
}

TEST(KeyedHasher, TellsTextsApartToTheByte) {
  std::set<uint64_t> seen;
  for (size_t length = 0; length < 64; ++length) seen.insert(hash(std::string(length, '\0')));
  for (size_t at = 0; at < 64; ++at)
    for (const char c : {' ', '\n', 'b'}) {
      std::string text(64, 'a');
      text[at] = c;
      seen.insert(hash(text));
    }
  EXPECT_EQ(seen.size(), 64U + 64U * 3U);
  EXPECT_FALSE(seen.contains(0));
}

TEST(KeyedHasher, DependsOnItsKey) {
  EXPECT_NE(hash("a", 1), hash("a", 2));
  EXPECT_NE(keyed_hasher(1, 0).value(), keyed_hasher(1, 1).value());
}

}  // namespace
}  // namespace nexus
