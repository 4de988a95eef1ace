#include "tokenizer/chat_request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nexus::tokenizer {
namespace {

TEST(ChatRequest, ReadsMessagesWithAllTheirParts) {
  const auto request = read_chat_request(
      R"({"model":"m","messages":[{"role":"user","name":"ann","content":[{"type":"text","text":"a\u00e9"},"b",)"
      R"({"type":"image_url","image_url":{"url":"https://x","detail":"low"}},{"type":"input_audio","input_audio":{}}]},)"
      R"({"role":"assistant","content":null,"reasoning":"r","tool_calls":[{"id":"1","type":"function","function":)"
      R"({"name":"f","arguments":"{}"}}],"function_call":{"name":"g","arguments":"[]"}},)"
      R"({"role":"tool","tool_call_id":"1","content":"c"}],"tools":[{"type":"function","function":{"name":"f"}}],)"
      R"("tool_choice":{"function":{"name":"f"}},"reasoning_effort":"low"})");
  ASSERT_TRUE(request.has_value());
  const auto& prompt = request->prompt;
  ASSERT_EQ(prompt.messages.size(), 3U);
  const auto& user = prompt.messages[0];
  EXPECT_EQ(user.name, "ann");
  ASSERT_EQ(user.parts.size(), 4U);
  EXPECT_EQ(user.parts[0].text, "a\u00e9");
  EXPECT_EQ(user.parts[1].text, "b");
  EXPECT_EQ(user.parts[2].is, prompt_part::kind::image);
  EXPECT_EQ(user.parts[2].detail, "low");
  EXPECT_EQ(user.parts[2].size, std::nullopt);
  EXPECT_EQ(user.parts[3].is, prompt_part::kind::other);
  const auto& answer = prompt.messages[1];
  EXPECT_TRUE(answer.parts.empty());
  EXPECT_EQ(answer.reasoning, "r");
  ASSERT_EQ(answer.calls.size(), 2U);
  EXPECT_EQ(answer.calls[0].name, "g");
  EXPECT_EQ(answer.calls[1].id, "1");
  EXPECT_EQ(answer.calls[1].arguments, "{}");
  EXPECT_EQ(prompt.messages[2].call_id, "1");
  EXPECT_EQ(prompt.tools.size(), 1U);
  EXPECT_EQ(prompt.chosen_tool, "f");
  EXPECT_EQ(prompt.effort, "low");
}

TEST(ChatRequest, StaysValidWhenMoved) {
  auto request = read_chat_request(R"({"messages":[{"role":"user","content":"short"}]})");
  ASSERT_TRUE(request.has_value());
  const chat_request moved = std::move(*request);
  EXPECT_EQ(moved.prompt.messages[0].parts[0].text, "short");
}

TEST(ChatRequest, NamesWhatIsWrong) {
  const struct {
    const char* body;
    const char* param;
  } cases[] = {
      {"[]", "messages"},
      {"{}", "messages"},
      {R"({"messages":{}})", "messages"},
      {R"({"messages":[1]})", "messages.0"},
      {R"({"messages":[{"role":"user","content":"x"},{"content":"x"}]})", "messages.1.role"},
      {R"({"messages":[{"role":1}]})", "messages.0.role"},
      {R"({"messages":[{"role":"user","content":5}]})", "messages.0.content"},
      {R"({"messages":[{"role":"user","content":[5]}]})", "messages.0.content"},
      {R"({"messages":[{"role":"user","tool_calls":5}]})", "messages.0.tool_calls"},
      {R"({"messages":[{"role":"user","tool_calls":[5]}]})", "messages.0.tool_calls"},
      {R"({"messages":[],"tools":5})", "tools"},
      {R"({"messages":[],"tools":[5]})", "tools"},
      {R"({"messages":[],"functions":["f"]})", "functions"},
  };
  for (const auto& one : cases) {
    const auto request = read_chat_request(one.body);
    ASSERT_FALSE(request.has_value()) << one.body;
    EXPECT_EQ(request.error().code, errc::invalid_request) << one.body;
    EXPECT_EQ(request.error().param, one.param) << one.body;
  }
}

TEST(ChatRequest, RefusesWhatIsNoJson) {
  for (const char* body :
       {"", "{", R"({"messages":[]} x)", "{\"messages\":[{\"role\":\"\xff\"}]}", R"({"messages":[],"messages":[]})",
        R"({"messages":[{"role":"user","content":"\ud800"}]})"}) {
    EXPECT_FALSE(read_chat_request(body).has_value()) << body;
  }
  EXPECT_FALSE(read_chat_request(R"({"messages":)" + std::string(100'000, '[')).has_value());
}

TEST(ChatRequest, PassesOddMembersOfTheRightKind) {
  const auto request = read_chat_request(
      R"({"messages":[{"role":"","content":"","name":5,"tool_calls":[{}],"function_call":5}],"tools":null,)"
      R"("tool_choice":5,"response_format":[],"chat_template_kwargs":{"thinking":"yes"}})");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->prompt.messages[0].name, "");
  EXPECT_EQ(request->prompt.messages[0].calls.size(), 1U);
  EXPECT_EQ(request->prompt.thinking, std::nullopt);
}

}  // namespace
}  // namespace nexus::tokenizer
