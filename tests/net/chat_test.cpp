#include "net/chat.hpp"

#include <gtest/gtest.h>

namespace nexus::net {
namespace {

uint64_t hash(std::vector<std::string> pieces, uint64_t seed = 7, uint64_t history = 3, std::string role = "user") {
  history_hasher hasher(seed, history);
  hasher.role(role);
  for (auto& piece : pieces) hasher.text(piece);
  return hasher.value();
}

TEST(ApplyEdits, ReplacesInsertsAndErases) {
  EXPECT_EQ(apply_edits("abcdef", {}), "abcdef");
  EXPECT_EQ(apply_edits("abcdef", {{{0, 1}, "X"}, {{2, 4}, ""}, {{4, 4}, "YZ"}, {{6, 6}, "!"}}), "XbYZef!");
  EXPECT_EQ(apply_edits("abc", {{{0, 3}, ""}}), "");
}

TEST(HistoryHasher, DoesNotDependOnThePieces) {
  std::string text = "Hello, 世界! How are you?";
  for (size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(hash({text.substr(0, cut), text.substr(cut)}), hash({text}));
}

TEST(HistoryHasher, IgnoresWhiteSpaceAroundATextButNotWithin) {
  EXPECT_EQ(hash({" \r\n\ta b\v\f "}), hash({"a b"}));
  EXPECT_EQ(hash({" ", "\n", " a", " ", "", " b", "\n", " "}), hash({"a  b"}));
  EXPECT_EQ(hash({" \n"}), hash({}));
  EXPECT_NE(hash({"a b"}), hash({"ab"}));
  EXPECT_NE(hash({"a\xC2\xA0"}), hash({"a"}));
}

TEST(HistoryHasher, KeepsCallsApartFromText) {
  history_hasher calls(1, 2);
  calls.role("assistant");
  calls.text("a ");
  auto text = calls;
  calls.call_ids("b");
  text.text("b");
  EXPECT_NE(calls.value(), text.value());
  auto none = text;
  none.call_ids("");
  EXPECT_EQ(none.value(), text.value());
}

TEST(HistoryHasher, DependsOnSeedHistoryRoleAndText) {
  auto base = hash({"a"});
  EXPECT_NE(hash({"a"}, 8), base);
  EXPECT_NE(hash({"a"}, 7, 4), base);
  EXPECT_NE(hash({"a"}, 7, 3, "assistant"), base);
  EXPECT_NE(hash({"b"}), base);
  EXPECT_NE(hash({"aa"}), base);
  EXPECT_NE(hash({}), base);
  EXPECT_NE(base, 0u);
}

TEST(HistoryHasher, KeepsRoleAndTextApart) { EXPECT_NE(hash({"ab"}, 7, 3, "x"), hash({"b"}, 7, 3, "xa")); }

TEST(ChatDelta, ClearsEverythingButKeepsItsRoom) {
  chat_delta delta;
  delta.content.assign(1000, 'x');
  delta.reasoning = delta.tool_calls = delta.finish_reason = delta.error_message = "x";
  delta.tool_call_ids.emplace_back("x");
  delta.usage.emplace();
  delta.has_choices = delta.is_error = true;
  auto capacity = delta.content.capacity();
  delta.clear();
  EXPECT_EQ(delta.content + delta.reasoning + delta.tool_calls + delta.finish_reason + delta.error_message, "");
  EXPECT_TRUE(delta.tool_call_ids.empty());
  EXPECT_FALSE(delta.usage || delta.has_choices || delta.is_error);
  EXPECT_EQ(delta.content.capacity(), capacity);
}

TEST(Usage, IsCompleteWithPromptAndCompletion) {
  usage usage;
  EXPECT_FALSE(usage.complete());
  usage.prompt_tokens = 0;
  EXPECT_FALSE(usage.complete());
  usage.completion_tokens = 0;
  EXPECT_TRUE(usage.complete());
}

}  // namespace
}  // namespace nexus::net
