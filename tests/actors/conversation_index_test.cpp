#include "actors/conversation_index.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace nexus {
namespace {

TEST(ConversationIndex, FindsWhatItRemembers) {
  conversation_index index;
  EXPECT_FALSE(index.find(1));
  index.remember(1, "a");
  index.remember(2, "b");
  EXPECT_EQ(index.find(1), "a");
  EXPECT_EQ(index.find(2), "b");
  EXPECT_FALSE(index.find(3));
  EXPECT_EQ(index.size(), 2U);
}

TEST(ConversationIndex, KeepsTheNewestConversationOfAHistory) {
  conversation_index index;
  index.remember(1, "a");
  index.remember(1, "b");
  EXPECT_EQ(index.find(1), "b");
  EXPECT_EQ(index.size(), 1U);
}

TEST(ConversationIndex, MakesRoomByForgettingTheOldest) {
  conversation_index index(160);
  for (uint64_t i = 1; i <= 100; ++i) index.remember(i, std::to_string(i));  // one stripe
  EXPECT_FALSE(index.find(89));
  EXPECT_EQ(index.find(90), "90");
  EXPECT_EQ(index.find(100), "100");
  EXPECT_EQ(index.size(), 11U);
}

TEST(ConversationIndex, StaysBoundedOverAllItsStripes) {
  conversation_index index(160);
  for (uint64_t i = 1; i <= 10'000; ++i) index.remember(i << 32, "c");
  EXPECT_GE(index.size(), 160U);
  EXPECT_LE(index.size(), 176U);
}

TEST(ConversationIndex, IsUsedFromSeveralThreadsAtOnce) {
  conversation_index index(1'000);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&index, t] {
      for (uint64_t i = 1; i <= 2'000; ++i) {
        index.remember((i << 32) | t, std::to_string(t));
        const auto found = index.find((i << 32) | t);
        EXPECT_EQ(found.value_or(std::to_string(t)), std::to_string(t));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(index.size(), 1'016U);
}

}  // namespace
}  // namespace nexus
