#include "tokenizer/estimator.hpp"
#include "tests/tokenizer/conversation_texts.hpp"
#include "tokenizer/tokenizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace nexus::tokenizer {
namespace {

TEST(Estimator, IsUnder4PercentOffOnConversations) {
  const struct {
    const char* family;
    const char* encoding;
  } cases[] = {
      {"o200k", "o200k_base"}, {"deepseek", "deepseek_v3"}, {"qwen3", "qwen3"}, {"llama3", "llama3"}, {"glm5", "glm5"}};
  for (const auto& one : cases) {
    const auto truth = load(*encoding(one.encoding));
    ASSERT_TRUE(truth.has_value()) << one.encoding;
    test::conversations talks;
    double error = 0;
    constexpr int count = 100;
    for (int i = 0; i < count; ++i) {
      const std::string text = talks.next();
      const auto exact = static_cast<double>((*truth)->count(text));
      error += std::fabs(static_cast<double>(estimate(estimator_family_named(one.family), text)) / exact - 1);
    }
    EXPECT_LT(error / count, 0.04) << one.family;
  }
}

TEST(Estimator, EstimatesNothingOnlyForNothing) {
  for (const auto& family : estimator_families()) {
    EXPECT_EQ(estimate(family, ""), 0);
    for (const char* text : {"a", " ", "\n", "中", "\x80", "\xff", "😀"})
      EXPECT_GE(estimate(family, text), 1) << family.name;
    // No text of one kind is nearly free, however long.
    for (const char* unit : {"a", "A", "7", "!?", "中", "ж", "😀", "\xe9"}) {
      std::string text;
      for (int i = 0; i < 10'000; ++i) text += unit;
      EXPECT_GE(estimate(family, text), 100) << family.name << " of " << unit;
      EXPECT_LE(estimate(family, text), 4 * static_cast<int64_t>(text.size())) << family.name << " of " << unit;
    }
  }
}

TEST(Estimator, GrowsWithTheText) {
  const auto& family = estimator_family_named("o200k");
  std::string text;
  int64_t last = 0;
  for (int i = 0; i < 50; ++i) {
    text += "A sentence, 中文混合 and foo_bar(1);\n";
    const int64_t now = estimate(family, text);
    EXPECT_GT(now, last);
    last = now;
  }
}

TEST(Estimator, KnowsFamiliesByModel) {
  EXPECT_EQ(estimator_family_for("anthropic/claude-opus-4.7").name, "claude_4_7");
  EXPECT_EQ(estimator_family_for("claude-opus-4-5-20251101").name, "claude");
  EXPECT_EQ(estimator_family_for("claude-sonnet-4.5").name, "claude");
  EXPECT_EQ(estimator_family_for("gemini-2.5-pro").name, "gemini");
  EXPECT_EQ(estimator_family_for("GPT-4o").name, "o200k");
  EXPECT_EQ(estimator_family_for("gpt-4-turbo").name, "cl100k");
  EXPECT_EQ(estimator_family_for("grok-4").name, "default");
  EXPECT_EQ(estimator_family_named("no such").name, "default");
}

TEST(Estimator, EveryModelRowNamesAFamily) {
  for (const char* model : {"qwen3.5", "qwen3", "qwq", "deepseek-r1", "glm-5", "kimi-k3", "moonshot-v1", "llama-2-7b",
                            "llama-3.1", "meta-llama-3", "mistral-7b", "mistral-large", "pixtral", "o1", "o3", "o4"}) {
    EXPECT_NE(estimator_family_for(model).name, "default") << model;
  }
}

}  // namespace
}  // namespace nexus::tokenizer
