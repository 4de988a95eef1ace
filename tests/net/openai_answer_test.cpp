#include "conf/json.hpp"
#include "net/dialects/openai.hpp"

#include <gtest/gtest.h>

namespace nexus::net::openai {
namespace {

chat_delta chunk(std::string_view data) {
  chat_delta out;
  auto read = read_chunk(data, out);
  EXPECT_TRUE(read) << data;
  return out;
}

/// Returns a chunk whose one choice has this delta.
chat_delta delta(std::string_view delta) {
  return chunk(R"({"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":)" + std::string(delta) +
               R"(,"finish_reason":null}],"usage":null})");
}

usage usage_of(std::string_view usage) {
  auto out = chunk(R"({"choices":[],"usage":)" + std::string(usage) + "}");
  return out.usage.value_or(net::usage());
}

// Answers read.

TEST(OpenaiChunk, TakesTheContent) {
  auto out = delta(R"({"role":"assistant","content":"Hel\"lo\n\u4e16 \ud83d\ude00"})");
  EXPECT_EQ(out.content, "Hel\"lo\n世 😀");
  EXPECT_TRUE(out.has_choices);
  EXPECT_FALSE(out.usage || out.is_error);
  EXPECT_EQ(out.finish_reason + out.reasoning + out.tool_calls, "");
}

TEST(OpenaiChunk, TakesContentInParts) {
  EXPECT_EQ(
      delta(R"({"content":[{"type":"text","text":"a"},{"type":"x","x":["no"]},{"type":"text","text":"b"}]})").content,
      "ab");
}

TEST(OpenaiChunk, TakesReasoningUnderEitherNameOnce) {
  EXPECT_EQ(delta(R"({"content":null,"reasoning_content":"hm"})").reasoning, "hm");
  EXPECT_EQ(delta(R"({"reasoning":"hm"})").reasoning, "hm");
  EXPECT_EQ(delta(R"({"reasoning":"hm","reasoning_content":"hm"})").reasoning, "hm");
  EXPECT_EQ(delta(R"({"reasoning":"","reasoning_content":"hm"})").reasoning, "hm");
}

TEST(OpenaiChunk, TakesToolCallsAsReceived) {
  EXPECT_EQ(delta(R"({"tool_calls": [ {"index":0, "function":{"arguments":"[{\"content\":1}]"}} ] })").tool_calls,
            R"([ {"index":0, "function":{"arguments":"[{\"content\":1}]"}} ])");
  EXPECT_EQ(delta(R"({"tool_calls":[]})").tool_calls, "");
  EXPECT_EQ(delta(R"({"tool_calls":null,"content":"a"})").content, "a");
  EXPECT_EQ(delta(R"({"tool_calls":[{"content":"no"},[1]],"content":"a"})").content, "a");
}

TEST(OpenaiChunk, AppendsAllChoicesButFinishesWithTheFirst) {
  auto out = chunk(R"({"choices":[{"index":0,"delta":{"content":"a","tool_calls":[{"a":1}]},"finish_reason":"length"},
                                  {"delta":{"content":"b","reasoning":"r","tool_calls":[{"b":2}]},"index":1,"finish_reason":"stop"}]})");
  EXPECT_EQ(out.content, "ab");
  EXPECT_EQ(out.reasoning, "r");
  EXPECT_EQ(out.tool_calls, R"([{"a":1},{"b":2}])");
  EXPECT_EQ(out.finish_reason, "length");
  EXPECT_EQ(chunk(R"({"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]})").finish_reason, "stop");
  EXPECT_EQ(chunk(R"({"choices":[{"finish_reason":null,"delta":{}},{"finish_reason":"stop"}]})").finish_reason, "");
}

TEST(OpenaiChunk, TakesTheUsage) {
  auto usage = usage_of(R"({"prompt_tokens":10,"completion_tokens":20,"total_tokens":30,
      "prompt_tokens_details":{"cached_tokens":4,"audio_tokens":9},"completion_tokens_details":{"reasoning_tokens":5,"cached_tokens":8}})");
  EXPECT_EQ(usage.prompt_tokens, 10);
  EXPECT_EQ(usage.completion_tokens, 20);
  EXPECT_EQ(usage.total_tokens, 30);
  EXPECT_EQ(usage.cached_tokens, 4);
  EXPECT_EQ(usage.reasoning_tokens, 5);
  EXPECT_FALSE(chunk(R"({"choices":[],"usage":{"prompt_tokens":1}})").has_choices);
}

TEST(OpenaiChunk, IgnoresNumbersThatAreNoCounts) {
  for (auto number : {"-1", "100000001", "1e300", "99999999999999999999", "1.5", "null", "\"7\"", "true", "{}", "[3]",
                      "0.0000000001e-2147483639"}) {
    auto usage = usage_of(R"({"prompt_tokens":)" + std::string(number) + R"(,"completion_tokens":100000000})");
    EXPECT_EQ(usage.prompt_tokens, -1) << number;
    EXPECT_EQ(usage.completion_tokens, 100'000'000) << number;
  }
  EXPECT_FALSE(chunk(R"({"usage":{}})").usage);
  EXPECT_FALSE(chunk(R"({"usage":{"queue_ms":-5}})").usage);
  EXPECT_FALSE(chunk(R"({"usage":null,"x":{"prompt_tokens":5},"choices":[{"usage":{"prompt_tokens":5}}]})").usage);
}

TEST(OpenaiChunk, SaysWhatWasImpossible) {
  EXPECT_TRUE(usage_of(R"({"prompt_tokens":-5})").had_negative);
  EXPECT_TRUE(usage_of(R"({"completion_tokens":1e300})").had_absurd);
  const auto sound = usage_of(R"({"prompt_tokens":5,"queue_ms":-1})");
  EXPECT_FALSE(sound.had_negative || sound.had_absurd);
}

TEST(OpenaiChunk, TakesErrors) {
  EXPECT_EQ(chunk(R"({"error":{"message":"no","code":429,"details":{"message":"x"}}})").error_message, "no");
  EXPECT_EQ(chunk(R"({"error":"no"})").error_message, "no");
  EXPECT_EQ(chunk(R"({"message":"no","object":"error","code":1})").error_message, "no");
  for (auto error : {R"({"error":{}})", R"({"error":"x"})", R"({"object":"error"})"})
    EXPECT_TRUE(chunk(error).is_error) << error;
  for (auto fine : {R"({"error":null})", R"({"choices":[{"error":{}}]})", R"({"message":"x","object":"list"})"})
    EXPECT_FALSE(chunk(fine).is_error) << fine;
}

TEST(OpenaiChunk, ReplacesWhatTheDeltaHeld) {
  chat_delta out;
  ASSERT_TRUE(read_chunk(R"({"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],"error":"x"})", out));
  ASSERT_TRUE(read_chunk("{}", out));
  EXPECT_EQ(out.content + out.finish_reason + out.error_message, "");
  EXPECT_FALSE(out.has_choices || out.is_error);
}

TEST(OpenaiChunk, IgnoresMembersOfTheSameNameElsewhere) {
  auto out = chunk(R"({"content":"no","delta":{"content":"no"},"x":[{"delta":{"content":"no"},"finish_reason":"no"}],
      "choices":[{"content":"no","logprobs":{"content":[{"text":"no"}]},"delta":{"audio":{"content":"no"},"x":[{"text":"no"}]}}]})");
  EXPECT_EQ(out.content + out.finish_reason, "");
}

TEST(OpenaiChunk, RefusesWhatIsNoObject) {
  for (std::string data : {"", "[]", "1", "1.5", "\"a\"", "null", "true", "{", "{}}", "{\"a\":}", "[DONE]",
                           "{\"a\":\"\\x\"}", "{\"a\":\"\\ud800\"}"}) {
    chat_delta out;
    auto read = read_chunk(data, out);
    ASSERT_FALSE(read) << data;
    EXPECT_EQ(read.error().code, errc::upstream_invalid_response);
  }
}

TEST(OpenaiChunk, RefusesDeepNestingWithoutHarm) {
  for (auto bracket : {"[", "{\"choices\":"}) {
    std::string deep = "{\"x\":";
    for (int i = 0; i < 100'000; ++i) deep += bracket;
    chat_delta out;
    EXPECT_FALSE(read_chunk(deep, out));
  }
}

TEST(OpenaiChunk, RefusesAChunkCutAnywhere) {
  std::string data =
      R"({"choices":[{"delta":{"content":"a\n","tool_calls":[{"x":1}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":12}})";
  for (size_t end = 0; end < data.size(); ++end) {
    // Memory of its own, so that a read behind the end is seen.
    std::vector<char> cut(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(end));
    chat_delta out;
    EXPECT_FALSE(read_chunk({cut.data(), cut.size()}, out)) << end;
  }
}

TEST(OpenaiAnswer, TakesMessageUsageAndCalls) {
  chat_delta out;
  ASSERT_TRUE(
      read_answer(R"({"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":
      {"role":"assistant","content":"Hi","reasoning_content":"hm","tool_calls":[{"id":"c1"},{"function":{"id":"no"},"id":"c2"}],"refusal":null},
      "logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})",
                  out));
  EXPECT_EQ(out.content, "Hi");
  EXPECT_EQ(out.reasoning, "hm");
  EXPECT_EQ(out.tool_calls, R"([{"id":"c1"},{"function":{"id":"no"},"id":"c2"}])");
  EXPECT_EQ(out.tool_call_ids, (std::vector<std::string>{"c1", "c2"}));
  EXPECT_EQ(out.finish_reason, "tool_calls");
  EXPECT_TRUE(out.usage && out.usage->complete());
  EXPECT_FALSE(read_answer("<html>", out));
}

// Errors.

TEST(OpenaiError, ReadsTheFormsOfUpstreams) {
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {R"({"error":{"message":"no","type":"t","code":"c"}})", "no", "c"},
      {R"({"error":{"message":"no","code":400}})", "no", "400"},
      {R"([{"error":{"message":"no","code":400}}])", "no", "400"},
      {R"({"error":"no"})", "no", ""},
      {R"({"error":null,"message":"no"})", "no", ""},
      {R"({"message":"no","code":"c"})", "no", "c"},
      {R"({"detail":"no"})", "no", ""},
      {R"({"detail":[{"loc":["body"],"msg":"no"}]})", "no", ""},
      {R"({"error":{}})", "", ""},
      {R"({"error":7})", "7", ""},
      {R"({"error":{"message":{},"code":null}})", "", ""},
      {"{}", "", ""},
      {"[]", "", ""},
      {"", "", ""},
      {"<html>", "", ""},
      {"\"x\"", "", ""},
  };
  for (auto& [body, message, code] : cases) {
    auto read = read_error(body);
    EXPECT_EQ(read.message, message) << body;
    EXPECT_EQ(read.code, code) << body;
  }
}

TEST(OpenaiError, WritesTheTablesTypeAndCode) {
  EXPECT_EQ(error_body(make_error(errc::model_not_found, "No \"x\".")),
            R"({"error":{"message":"No \"x\".","type":")" + std::string(info(errc::model_not_found).type) +
                R"(","param":null,"code":"model_not_found"}})");
  auto error = make_error(errc::invalid_request, "Bad.", "secret detail");
  error.param = "n";
  EXPECT_EQ(error_body(error), R"({"error":{"message":"Bad.","type":")" +
                                   std::string(info(errc::invalid_request).type) + R"(","param":"n","code":")" +
                                   std::string(info(errc::invalid_request).name) + R"("}})");
}

// Answers made.

const identity someone{"chatcmpl-1", "demo \"x\"", 1700000000};

/// Reads back what was made.
json::document parsed(std::string_view text) {
  auto document = json::parse(text);
  EXPECT_TRUE(document) << text;
  EXPECT_EQ(json::string_member(*document, "id"), "chatcmpl-1");
  EXPECT_EQ(json::string_member(*document, "model"), "demo \"x\"");
  EXPECT_EQ((*document)["created"].GetInt64(), 1700000000);
  return std::move(*document);
}

TEST(OpenaiMake, WritesAWholeAnswer) {
  auto text = make_answer(someone, "a\n\"世\"", "stop", {.prompt_tokens = 3, .completion_tokens = 4});
  auto answer = parsed(text);
  EXPECT_EQ(json::string_member(answer, "object"), "chat.completion");
  EXPECT_EQ(answer["choices"][0]["index"].GetInt(), 0);
  EXPECT_EQ(json::string_member(answer["choices"][0]["message"], "role"), "assistant");
  EXPECT_EQ(answer["usage"]["total_tokens"].GetInt(), 7);
  EXPECT_FALSE(answer["usage"].HasMember("prompt_tokens_details"));
  chat_delta out;
  ASSERT_TRUE(read_answer(text, out));
  EXPECT_EQ(out.content, "a\n\"世\"");
  EXPECT_EQ(out.finish_reason, "stop");
}

TEST(OpenaiMake, WritesTheRoleOnTheFirstChunkOnly) {
  auto first = parsed(make_chunk(someone, "", true));
  EXPECT_EQ(json::string_member(first, "object"), "chat.completion.chunk");
  EXPECT_EQ(json::string_member(first["choices"][0]["delta"], "role"), "assistant");
  auto text = make_chunk(someone, "hi", false);
  auto second = parsed(text);
  EXPECT_FALSE(second["choices"][0]["delta"].HasMember("role"));
  EXPECT_TRUE(second["choices"][0]["finish_reason"].IsNull());
  EXPECT_FALSE(second.HasMember("usage"));
  EXPECT_EQ(chunk(text).content, "hi");
}

TEST(OpenaiMake, WritesTheEndOfAStream) {
  auto finish = make_finish_chunk(someone, "stop");
  EXPECT_TRUE(parsed(finish)["choices"][0]["delta"].ObjectEmpty());
  EXPECT_EQ(chunk(finish).finish_reason, "stop");
  auto text = make_usage_chunk(someone, {1, 2, 4, 1, 0});
  EXPECT_TRUE(parsed(text)["choices"].Empty());
  auto out = chunk(text);
  EXPECT_FALSE(out.has_choices);
  ASSERT_TRUE(out.usage);
  EXPECT_EQ(out.usage->total_tokens, 4);
  EXPECT_EQ(out.usage->cached_tokens, 1);
  EXPECT_EQ(out.usage->reasoning_tokens, 0);
}

TEST(OpenaiMake, WritesUnknownCountsAsZero) {
  auto out = chunk(make_usage_chunk(someone, {}));
  ASSERT_TRUE(out.usage);
  EXPECT_EQ(out.usage->prompt_tokens, 0);
  EXPECT_EQ(out.usage->total_tokens, 0);
}

}  // namespace
}  // namespace nexus::net::openai
