#include "tokenizer/chat_prompt.hpp"
#include "tokenizer/chat_request.hpp"
#include "tokenizer/chat_rules.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nexus::tokenizer {
namespace {

/// A word is what stands between blanks.
int64_t count_words(std::string_view text) {
  int64_t words = 0;
  bool inside = false;
  for (const char letter : text) {
    const bool blank = letter == ' ' || letter == '\n';
    if (!blank && !inside) ++words;
    inside = !blank;
  }
  return words;
}

prompt_count count(std::string_view model, std::string_view body) {
  const auto request = read_chat_request(body);
  EXPECT_TRUE(request.has_value()) << body;
  return count_prompt(chat_rule_for(model), request->prompt, count_words);
}

TEST(ChatPrompt, FollowsTheCookbook) {
  // 3 for each message, its role and text, 3 for the primed answer.
  EXPECT_EQ(count("gpt-4o", R"({"messages":[{"role":"user","content":"a b c"}]})").tokens, 3 + 1 + 3 + 3);
  EXPECT_EQ(count("gpt-4o", R"({"messages":[{"role":"system","content":"x"},{"role":"user","content":"a"}]})").tokens,
            (3 + 2) + (3 + 2) + 3);
  // A name counts one more than its text.
  EXPECT_EQ(count("gpt-4", R"({"messages":[{"role":"user","name":"Ann","content":"a"}]})").tokens, 3 + 2 + 1 + 1 + 3);
}

TEST(ChatPrompt, IsExactWhereTheRuleIsPublished) {
  constexpr auto body = R"({"messages":[{"role":"user","content":"a"}]})";
  EXPECT_TRUE(count("openai/gpt-4o-2024-08-06", body).exact);
  EXPECT_TRUE(count("gpt-3.5-turbo", body).exact);
  EXPECT_FALSE(count("gpt-5", body).exact);
  EXPECT_FALSE(count("claude-sonnet-4.5", body).exact);
  EXPECT_FALSE(count("nobody-knows", body).exact);
  EXPECT_TRUE(count("Qwen/Qwen3-8B", body).exact);
  EXPECT_FALSE(count("qwen-max", body).exact);
  EXPECT_TRUE(count("gpt-oss-20b", body).exact);
}

TEST(ChatPrompt, IsNotExactWithToolsOfHostedModelsImagesOrUnknownRoles) {
  EXPECT_FALSE(count("gpt-4o", R"({"messages":[],"tools":[{"type":"function","function":{"name":"f"}}]})").exact);
  EXPECT_FALSE(
      count("qwen3-8b", R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]}]})").exact);
  EXPECT_FALSE(count("qwen3-8b", R"({"messages":[{"role":"poet","content":"x"}]})").exact);
  // DeepSeek joins system messages; what a token across the seam is cannot be said message by message.
  EXPECT_FALSE(
      count("deepseek-v3.1", R"({"messages":[{"role":"system","content":"x"},{"role":"system","content":"y"}]})")
          .exact);
  EXPECT_TRUE(
      count("deepseek-v3.1", R"({"messages":[{"role":"system","content":"x"},{"role":"user","content":"y"}]})").exact);
}

TEST(ChatPrompt, RendersToolsOfHostedModelsAsTypes) {
  constexpr auto body =
      R"({"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f",)"
      R"("description":"Does it.","parameters":{"type":"object","required":["x"],"properties":{)"
      R"("x":{"type":"string","description":"What"},"y":{"type":"integer","enum":[1,2]}}}}}]})";
  // namespace functions {
  // // Does it.
  // type f = (_: {
  // // What
  // x: string,
  // y?: 1 | 2,
  // }) => any;
  // } // namespace functions
  const int64_t definitions = 3 + 3 + 5 + 2 + 2 + 4 + 3 + 4;
  EXPECT_EQ(count("gpt-4o", body).tokens, (3 + 2) + 3 + definitions + 9);
}

TEST(ChatPrompt, CountsALegacyFunctionAndTheChoiceOfOne) {
  constexpr auto plain = R"({"messages":[{"role":"user","content":"a"}],"functions":[{"name":"f"}]})";
  constexpr auto chosen = R"({"messages":[{"role":"user","content":"a"}],"functions":[{"name":"f"}],)"
                          R"("tool_choice":{"type":"function","function":{"name":"f"}}})";
  constexpr auto none =
      R"({"messages":[{"role":"user","content":"a"}],"functions":[{"name":"f"}],"tool_choice":"none"})";
  EXPECT_EQ(count("gpt-4o", chosen).tokens, count("gpt-4o", plain).tokens + 1 + 4);
  EXPECT_EQ(count("gpt-4o", none).tokens, count("gpt-4o", plain).tokens + 1);
}

TEST(ChatPrompt, CountsCallsAndTheirResults) {
  constexpr auto body =
      R"({"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f",)"
      R"("arguments":"{ }"}}]},{"role":"tool","tool_call_id":"1","content":"done it"}]})";
  // 3 for the message, its role, 3 around the call with its name and two words; then role, id and two words.
  EXPECT_EQ(count("gpt-4o", body).tokens, (3 + 1 + 3 + 1 + 2) + (3 + 1 + 1 + 2) + 3);
}

TEST(ChatPrompt, UsesFittedConstantsForHostedModels) {
  // claude-sonnet-4.5: 6 a request, 2 a message; tools 549, then 53 each; 5 a description, 13 and 12 a property.
  EXPECT_EQ(count("anthropic/claude-sonnet-4.5", R"({"messages":[{"role":"user","content":"a b"}]})").tokens,
            6 + (2 + 1 + 2));
  constexpr auto tools =
      R"({"messages":[],"tools":[{"function":{"name":"f","description":"d e","parameters":{"properties":{)"
      R"("a":{"type":"string"},"b":{"description":"x","enum":["p","q"]},"c":{"properties":{"d":{}}},)"
      R"("e":{"items":{"properties":{"g":{}}}}}}}},{"function":{"name":"h"}}]})";
  const int64_t first =
      1 + (5 + 2) + (13 + 1) + (12 + 1 + 5 + 1 + 9 + 2) + (12 + 1 + 12 + 13 + 1) + (12 + 1 + 13 + 13 + 1);
  EXPECT_EQ(count("claude-sonnet-4-5-20250929", tools).tokens, 6 + 549 + first + 53 + 1);
}

TEST(ChatPrompt, FindsFittedConstantsByTheLongestName) {
  EXPECT_EQ(chat_overheads_for("claude-3-5-sonnet-20240620").model, "anthropic/claude-3.5-sonnet-20240620");
  EXPECT_EQ(chat_overheads_for("xai/grok-4-fast-reasoning").model, "xai/grok-4-fast-reasoning");
  EXPECT_EQ(chat_overheads_for("claude-opus-9").model, "anthropic/claude-sonnet-4.5");  // its kin
  EXPECT_EQ(chat_overheads_for("who-knows").model, "");
}

TEST(ChatPrompt, AddsImagesBySizeOrByTheDefault) {
  constexpr auto body = R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},)"
                        R"({"type":"image_url","image_url":{"url":"https://example.org/x.png","detail":"low"}}]}]})";
  const auto counted = count("gpt-4o", body);
  EXPECT_EQ(counted.images, 85);
  EXPECT_EQ(counted.tokens, 3 + 2 + 3 + 85);
}

TEST(ChatPrompt, CountsAHistoryOnce) {
  auto request = read_chat_request(R"({"messages":[{"role":"system","content":"one"},{"role":"user","content":"two"},)"
                                   R"({"role":"assistant","content":"three"},{"role":"user","content":"four"}]})");
  auto& messages = request->prompt.messages;
  for (size_t i = 0; i < messages.size(); ++i) messages[i].hash = 1000 + i;
  for (const std::string_view model :
       {"gpt-4o", "qwen3-8b", "claude-sonnet-4.5", "gemma-3", "mistral-nemo", "kimi-k3"}) {
    std::string seen;
    const auto counter = [&](std::string_view text) {
      seen += text;
      return count_words(text);
    };
    const auto rule = chat_rule_for(model);
    count_cache cache(1024);
    const auto first = count_prompt(rule, request->prompt, counter, &cache);
    EXPECT_NE(seen.find("three"), std::string::npos) << model;
    seen.clear();
    const auto again = count_prompt(rule, request->prompt, counter, &cache);
    EXPECT_EQ(again.tokens, first.tokens) << model;
    EXPECT_EQ(again.exact, first.exact) << model;
    for (const auto* word : {"one", "two", "three", "four"}) {
      EXPECT_EQ(seen.find(word), std::string::npos) << model << ": " << word;
    }
  }
}

TEST(ChatPrompt, KeepsNothingWithoutAHashAndTellsCountersApart) {
  auto request = read_chat_request(R"({"messages":[{"role":"user","content":"word"}]})");
  const auto rule = chat_rule_for("qwen3-8b");
  count_cache cache(16);
  const auto ten = [](std::string_view text) { return text.find("word") == std::string_view::npos ? 0 : 10; };
  const auto twenty = [](std::string_view text) { return text.find("word") == std::string_view::npos ? 0 : 20; };
  const auto difference = [&](uint64_t salt) {
    return count_prompt(rule, request->prompt, twenty, &cache, salt).tokens -
           count_prompt(rule, request->prompt, ten, nullptr, salt).tokens;
  };
  EXPECT_EQ(count_prompt(rule, request->prompt, ten, &cache).tokens, count_prompt(rule, request->prompt, ten).tokens);
  EXPECT_EQ(difference(0), 10);
  request->prompt.messages[0].hash = 7;
  EXPECT_EQ(count_prompt(rule, request->prompt, ten, &cache, 1).tokens,
            count_prompt(rule, request->prompt, ten).tokens);
  EXPECT_EQ(difference(1), 0);  // the kept count
  EXPECT_EQ(difference(2), 10);
}

TEST(ChatPrompt, AMessageInAnotherPlaceIsCountedAnew) {
  // Qwen 3 drops the reasoning of answers before the last question, so the same message counts differently.
  constexpr auto open =
      R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"long long"}]})";
  constexpr auto closed =
      R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"long long"},)"
      R"({"role":"user","content":"q"}]})";
  count_cache cache(64);
  const auto rule = chat_rule_for("qwen3-8b");
  for (const auto* body : {open, closed, open}) {
    auto request = read_chat_request(body);
    for (size_t i = 0; i < request->prompt.messages.size(); ++i) request->prompt.messages[i].hash = 50 + i;
    EXPECT_EQ(count_prompt(rule, request->prompt, count_words, &cache).tokens,
              count_prompt(rule, request->prompt, count_words).tokens);
  }
}

TEST(ChatPrompt, CountsAResponseSchemaOfHostedModels) {
  constexpr auto with =
      R"({"messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}}})";
  EXPECT_GT(count("gpt-4o", with).tokens, count("gpt-4o", R"({"messages":[]})").tokens);
  EXPECT_FALSE(count("gpt-4o", with).exact);
}

TEST(CountCache, KeepsTheNewerOfThreeThatShareAPlace) {
  count_cache cache(2);
  cache.keep(1ULL << 40, 11);
  cache.keep(2ULL << 40, 22);
  EXPECT_EQ(cache.find(1ULL << 40), 11U);
  EXPECT_EQ(cache.find(2ULL << 40), 22U);
  cache.keep(3ULL << 40, 33);
  EXPECT_EQ(cache.find(1ULL << 40), std::nullopt);
  EXPECT_EQ(cache.find(2ULL << 40), 22U);
  EXPECT_EQ(cache.find(3ULL << 40), 33U);
  cache.keep(3ULL << 40, 34);
  EXPECT_EQ(cache.find(2ULL << 40), 22U);
  EXPECT_EQ(cache.find(3ULL << 40), 34U);
  cache.keep(0, 5);
  EXPECT_EQ(cache.find(0), std::nullopt);
}

}  // namespace
}  // namespace nexus::tokenizer
