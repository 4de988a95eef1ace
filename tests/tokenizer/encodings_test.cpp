#include "tokenizer/encodings.hpp"

#include "tokenizer/embedded_tables.hpp"

#include <gtest/gtest.h>

#include <set>

namespace nexus::tokenizer {
namespace {

std::string name_of(std::string_view model) {
  const model_encoding found = find_encoding(model);
  return found.encoding ? std::string(found.encoding->name) + (found.exact ? "" : "?") : "none";
}

TEST(Encodings, HaveNamesOfTheirOwnAndTablesThatExist) {
  std::set<std::string_view> names;
  for (const encoding_info& info : encodings()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(encoding(info.name), &info);
    EXPECT_EQ(info.bundled(), !info.package.empty()) << info.name;
    EXPECT_FALSE(info.licence.empty()) << info.name;
    EXPECT_EQ(info.bundled(), !embedded_table(info.table).empty()) << info.name;
  }
  EXPECT_EQ(encoding("no-such-encoding"), nullptr);
}

TEST(Encodings, AreFoundByModel) {
  EXPECT_EQ(name_of("gpt-4o"), "o200k_base");
  EXPECT_EQ(name_of("gpt-4o-mini-2024-07-18"), "o200k_base");
  EXPECT_EQ(name_of("openai/GPT-4o"), "o200k_base");
  EXPECT_EQ(name_of("ft:gpt-4o:team::1"), "o200k_base");
  EXPECT_EQ(name_of("gpt-4"), "cl100k_base");
  EXPECT_EQ(name_of("gpt-4-turbo"), "cl100k_base");
  EXPECT_EQ(name_of("gpt-4.1-mini"), "o200k_base");
  EXPECT_EQ(name_of("gpt-5"), "o200k_base");
  EXPECT_EQ(name_of("gpt-9"), "o200k_base?");
  EXPECT_EQ(name_of("gpt-oss-120b"), "o200k_harmony");
  EXPECT_EQ(name_of("deepseek-chat"), "deepseek_v3");
  EXPECT_EQ(name_of("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"), "qwen3");
  EXPECT_EQ(name_of("Qwen/Qwen2.5-72B-Instruct"), "qwen3");
  EXPECT_EQ(name_of("qwen3.5-plus"), "qwen3_6");
  EXPECT_EQ(name_of("kimi-k2"), "kimi_k2");
  EXPECT_EQ(name_of("glm-5.1"), "glm5");
  EXPECT_EQ(name_of("glm-4.6"), "glm5?");
  EXPECT_EQ(name_of("meta-llama/Llama-3.3-70B-Instruct"), "llama3");
  EXPECT_EQ(name_of("gemini-2.5-pro"), "gemma3?");
  EXPECT_EQ(name_of("claude-2.1"), "claude_legacy");
}

TEST(Encodings, AreNotInventedForModelsThatNobodyKnows) {
  for (const auto* model : {"claude-sonnet-4.5", "grok-4", "llama-4-scout", "doubao-pro", "", "demo"}) {
    EXPECT_EQ(name_of(model), "none") << model;
  }
}

}  // namespace
}  // namespace nexus::tokenizer
