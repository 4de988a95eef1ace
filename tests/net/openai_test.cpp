#include "net/dialects/openai.hpp"

#include "conf/json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace nexus::net::openai {
namespace {

constexpr uint64_t seed = 42;
constexpr uint64_t scope = 7;

const std::string one_message = R"("messages":[{"role":"user","content":"hi"}])";

/// A request with further members.
std::string request(std::string_view members) {
  return R"({"model":"m",)" + one_message + (members.empty() ? "" : ",") + std::string(members) + "}";
}

std::string with_messages(std::string_view messages) {
  return R"({"model":"m","messages":[)" + std::string(messages) + "]}";
}

chat_request accepted(std::string_view body) {
  auto read = read_request(body, seed, scope);
  EXPECT_TRUE(read) << body << (read ? "" : read.error().message);
  return read ? *read : chat_request();
}

error refused(std::string_view body) {
  auto read = read_request(body, seed, scope);
  EXPECT_FALSE(read) << body;
  if (read) return {};
  EXPECT_EQ(read.error().code, errc::invalid_request);
  EXPECT_FALSE(read.error().message.empty());
  return read.error();
}

std::string forwarded(std::string_view body) { return apply_edits(body, accepted(body).edits); }

// Requests: what passes.

TEST(OpenaiRequest, PassesEveryKnownParameterByteForByte) {
  const std::string body = R"( {
    "model" : "gpt-\u0034o", "max_tokens": 10, "max_completion_tokens": 100, "temperature": 1.50, "top_p": 1e-1,
    "n": 2, "seed": -9223372036854775808, "stop": ["\n", "END"], "logprobs": true, "top_logprobs": 5,
    "presence_penalty": -2, "frequency_penalty": 0.0, "logit_bias": {"50256": -100}, "user": "u-1",
    "metadata": {"a": "b"}, "service_tier": "flex", "prompt_cache_key": "k", "reasoning_effort": "low", "store": false,
    "parallel_tool_calls": false, "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "strict": true, "schema": {"type": "object"}}},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "headers": {}}}}],
    "modalities": ["text"], "unknown_member": {"deep": [[[1.0e2, null]]]}, "models": ["x"], "provider": {"order": ["y"]},
    "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false},
    "messages": [
      {"role": "developer", "content": "Be brief."}, {"role": "system", "content": "Be kind.", "name": "s"},
      {"role": "user", "content": [
        {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"file_data": "JVBERi0=", "filename": "a.pdf"}}]},
      {"role": "assistant", "content": null, "refusal": null, "annotations": [], "thought_signature": "c2ln",
       "thinking_blocks": [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}],
       "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                      {"id": "call_2", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
      {"role": "tool", "tool_call_id": "call_1", "content": "1"}, {"role": "tool", "tool_call_id": "call_2", "content": "2"},
      {"role": "function", "name": "f", "content": "3"}]
  } )";
  auto read = accepted(body);
  EXPECT_EQ(forwarded(body), body);
  EXPECT_EQ(read.model, "gpt-4o");
  EXPECT_EQ(body.substr(read.model_value.begin, read.model_value.end - read.model_value.begin), R"("gpt-\u0034o")");
  EXPECT_TRUE(read.stream);
  EXPECT_TRUE(read.include_usage);
  EXPECT_EQ(read.max_tokens, 100);
  EXPECT_EQ(read.messages, 7u);
}

TEST(OpenaiRequest, PassesNullForWhatIsOptional) {
  auto body = request(
      R"("stream":null,"stream_options":null,"max_tokens":null,"n":null,"temperature":null,"top_p":null,"tools":null,"stop":null,
         "seed":null,"user":null,"tool_choice":null,"response_format":null,"logprobs":null,"metadata":null)");
  EXPECT_EQ(forwarded(body), body);
  EXPECT_FALSE(accepted(body).stream);
  EXPECT_FALSE(accepted(body).max_tokens);
}

TEST(OpenaiRequest, PassesBothFormsOfStopAndToolChoice) {
  EXPECT_TRUE(accepted(request(R"("stop":"x","tool_choice":"required")")).edits.empty());
}

TEST(OpenaiRequest, TakesMaxTokensUnlessThereAreMaxCompletionTokens) {
  EXPECT_EQ(accepted(request(R"("max_tokens":5)")).max_tokens, 5);
  EXPECT_EQ(accepted(request(R"("max_completion_tokens":7,"max_tokens":5)")).max_tokens, 7);
  EXPECT_EQ(accepted(request(R"("max_tokens":2147483647)")).max_tokens, 2147483647);
}

// Requests: what is refused.

TEST(OpenaiRequest, RefusesABodyThatIsNoObject) {
  for (auto body : {"[]", "1", "\"x\"", "null", "true"})
    EXPECT_EQ(refused(body).message, "The request body must be a JSON object.") << body;
  for (auto body : {"", "{", "{}x", R"({"model":"a","model":"b"})"}) refused(body);
}

TEST(OpenaiRequest, NamesTheMemberToBlame) {
  const std::pair<std::string, std::string> cases[] = {
      {"{" + one_message + "}", "model"},
      {R"({"model":"",)" + one_message + "}", "model"},
      {R"({"model":1,)" + one_message + "}", "model"},
      {R"({"model":null,)" + one_message + "}", "model"},
      {R"({"model":"m"})", "messages"},
      {R"({"model":"m","messages":[]})", "messages"},
      {R"({"model":"m","messages":{}})", "messages"},
      {R"({"model":"m","messages":null})", "messages"},
      {with_messages(R"("hi")"), "messages[0]"},
      {with_messages(R"([])"), "messages[0]"},
      {with_messages(R"({"role":"user","content":"a"},null)"), "messages[1]"},
      {with_messages(R"({"content":"a"})"), "messages[0].role"},
      {with_messages(R"({"role":"root","content":"a"})"), "messages[0].role"},
      {with_messages(R"({"role":1,"content":"a"})"), "messages[0].role"},
      {with_messages(R"({"role":"user"})"), "messages[0].content"},
      {with_messages(R"({"role":"user","content":1})"), "messages[0].content"},
      {with_messages(R"({"role":"user","content":{}})"), "messages[0].content"},
      {with_messages(R"({"role":"user","content":[{},"a"]})"), "messages[0].content[1]"},
      {with_messages(R"({"role":"user","content":[[]]})"), "messages[0].content[0]"},
      {with_messages(R"({"role":"user","content":[{"type":"text","text":5}]})"), "messages[0].content[0].text"},
      {with_messages(R"({"role":"user","content":[{"type":"text","text":{}}]})"), "messages[0].content[0].text"},
      {with_messages(R"({"role":"user","content":"a","name":[]})"), "messages[0].name"},
      {with_messages(R"({"role":"assistant","tool_calls":{}})"), "messages[0].tool_calls"},
      {with_messages(R"({"role":"assistant","tool_calls":[1]})"), "messages[0].tool_calls[0]"},
      {with_messages(R"({"role":"assistant","function_call":"f"})"), "messages[0].function_call"},
      {with_messages(R"({"role":"tool","content":"a","tool_call_id":1})"), "messages[0].tool_call_id"},
      {request(R"("stream":"true")"), "stream"},
      {request(R"("stream":1)"), "stream"},
      {request(R"("stream_options":{})"), "stream_options"},
      {request(R"("stream":false,"stream_options":{"include_usage":true})"), "stream_options"},
      {request(R"("stream":true,"stream_options":true)"), "stream_options"},
      {request(R"("stream":true,"stream_options":{"include_usage":"yes"})"), "stream_options.include_usage"},
      {request(R"("stream":true,"stream_options":{"include_usage":[]})"), "stream_options.include_usage"},
      {request(R"("stream":true,"stream_options":{"include_usage":{}})"), "stream_options.include_usage"},
      {request(R"("n":0)"), "n"},
      {request(R"("n":129)"), "n"},
      {request(R"("n":1.5)"), "n"},
      {request(R"("n":"1")"), "n"},
      {request(R"("max_tokens":0)"), "max_tokens"},
      {request(R"("max_tokens":-1)"), "max_tokens"},
      {request(R"("max_tokens":"100")"), "max_tokens"},
      {request(R"("max_tokens":1.0)"), "max_tokens"},
      {request(R"("max_tokens":2147483648)"), "max_tokens"},
      {request(R"("max_completion_tokens":99999999999999999999)"), "max_completion_tokens"},
      {request(R"("temperature":2.1)"), "temperature"},
      {request(R"("temperature":-0.1)"), "temperature"},
      {request(R"("temperature":"hot")"), "temperature"},
      {request(R"("top_p":1.01)"), "top_p"},
      {request(R"("tools":{})"), "tools"},
      {request(R"("stop":1)"), "stop"},
      {request(R"("seed":1.5)"), "seed"},
      {request(R"("logprobs":1)"), "logprobs"},
      {request(R"("user":{})"), "user"},
      {request(R"("metadata":[])"), "metadata"},
  };
  for (auto& [body, param] : cases) EXPECT_EQ(refused(body).param, param) << body;
}

TEST(OpenaiRequest, SaysWhatIsExpected) {
  EXPECT_EQ(refused("{" + one_message + "}").message, "You must provide a model parameter.");
  EXPECT_EQ(refused(request(R"("n":0)")).message, "'n' must be an integer from 1 to 128 or null.");
  EXPECT_EQ(refused(request(R"("stop":1)")).message, "'stop' must be a string or an array or null.");
}

TEST(OpenaiRequest, RefusesNumbersThatFitNoDouble) { refused(request(R"("temperature":1e400)")); }

// Requests: edits.

TEST(OpenaiRequest, AsksEveryStreamForItsUsage) {
  EXPECT_EQ(forwarded(request(R"("stream":true )")),
            request(R"("stream":true,"stream_options":{"include_usage":true} )"));
  const std::pair<std::string, std::string> options[] = {
      {"{}", R"({"include_usage":true})"},
      {"null", R"({"include_usage":true})"},
      {R"({ "include_usage" : false })", R"({"include_usage":true})"},
      {R"({"include_usage":null})", R"({"include_usage":true})"},
      {R"({ "a" : [1, 2] , "include_usage":false, "b\u0063": {"include_usage":false} })",
       R"({"a" : [1, 2],"b\u0063": {"include_usage":false},"include_usage":true})"},
  };
  for (auto& [from, to] : options) {
    // Whichever comes first.
    EXPECT_EQ(forwarded(request(R"("stream_options":)" + from + R"(,"stream":true)")),
              request(R"("stream_options":)" + to + R"(,"stream":true)"));
    auto body = request(R"("stream":true,"stream_options":)" + from);
    EXPECT_EQ(forwarded(body), request(R"("stream":true,"stream_options":)" + to));
    EXPECT_FALSE(accepted(body).include_usage);
  }
}

TEST(OpenaiRequest, DropsSteeringMembersAtTheRootOnly) {
  EXPECT_EQ(forwarded(R"({"api_base":"x","model":"m",)" + one_message + "}"), request(""));
  EXPECT_EQ(forwarded(request(R"("api_key":"x")")), request(""));
  EXPECT_EQ(forwarded(request(R"("headers":{"a":[1]},"base\u005furl":1, "Api_Base":2,"user":"u")")),
            request(R"("user":"u")"));
  auto nested = request(R"("metadata":{"api_base":"x"},"tools":[{"headers":{}}])");
  EXPECT_EQ(forwarded(nested), nested);
}

/// Documents with all subsets of steering members at all places, in two layouts, with and without a stream.
TEST(OpenaiRequest, LeavesValidJsonWhicheverMembersAreDropped) {
  const std::vector<std::string> kept = {R"("model":"a,b")", one_message, R"("x":[1,{"y":","}])"};
  const std::vector<std::string> steering = {R"("api_base":"a,\"}")", R"("headers":{"x":[1,2]})", R"("fallbacks":[])",
                                             R"("litellm_params":null)"};
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    auto members = kept;
    auto stream = random() % 4;
    if (stream > 0) members.push_back(R"("stream":true)");
    if (stream == 2) members.push_back(R"("stream_options":{"include_usage":true})");
    if (stream == 3) members.push_back(R"("stream_options":{"z":1})");
    std::ranges::shuffle(members, random);
    auto comma = round % 2 ? "," : " ,\n ";
    std::string expected;
    for (auto& member : members) {
      if (!expected.empty()) expected += ',';
      expected += member;
    }
    for (auto& member : steering)
      if (random() % 2) members.insert(members.begin() + random() % (members.size() + 1), member);
    std::string body = round % 2 ? "{" : "\n{ ";
    for (auto& member : members) body += (&member == &members[0] ? "" : comma) + member;
    body += round % 2 ? "}" : "\n}\n";
    if (stream == 1) expected += R"(,"stream_options":{"include_usage":true})";
    if (auto at = expected.find(R"({"z":1})"); at != expected.npos)
      expected.replace(at, 7, R"({"z":1,"include_usage":true})");
    // The caller's own edit of the model goes between.
    auto read = accepted(body);
    read.edits.push_back({read.model_value, R"("c,d")"});
    std::ranges::sort(read.edits, {}, [](const edit& edit) { return edit.where.begin; });
    expected.replace(expected.find(R"("a,b")"), 5, R"("c,d")");
    auto result = apply_edits(body, read.edits);
    ASSERT_TRUE(json::parse(result)) << body << '\n' << result;
    // The layout between members aside, the bytes are the same.
    std::erase_if(result, [](char c) { return c == ' ' || c == '\n'; });
    ASSERT_EQ(result, "{" + expected + "}") << body;
  }
}

TEST(OpenaiRequest, KeepsTheLayoutOfWhatStays) {
  EXPECT_EQ(forwarded(R"({ "api_key" : 1 , "headers":2, "model" : "m" , "api_base":3, )" + one_message + " }"),
            R"({ "model" : "m", )" + one_message + " }");
}

// Requests: history.

const std::string question = R"({"role":"system","content":"Be kind."},{"role":"user","content":"Hello"})";

TEST(OpenaiRequest, RecognisesAContinuedHistory) {
  auto first = accepted(with_messages(question));
  EXPECT_EQ(first.continued_hash, 0u);
  history_hasher answer(seed, first.history_hash);
  answer.role("assistant");
  for (auto piece : {"Hel", "lo ", "", "世界", "!\n"}) answer.text(piece);
  auto next = accepted(
      with_messages(question + R"(,{"role":"assistant","content":"Hello 世界!"},{"role":"user","content":"b"})"));
  EXPECT_EQ(next.continued_hash, answer.value());
  // As parts, with the role behind the content.
  auto parts = accepted(with_messages(
      question +
      R"(,{"content":[{"text":"Hello ","type":"text"},{"type":"text","text":"世界!"}],"role":"assistant"},{"content":"b","role":"user"})"));
  EXPECT_EQ(parts.continued_hash, answer.value());
  EXPECT_EQ(parts.history_hash, next.history_hash);
}

TEST(OpenaiRequest, RecognisesToolCallsByTheirIds) {
  auto first = accepted(with_messages(question));
  history_hasher answer(seed, first.history_hash);
  answer.role("assistant");
  answer.call_ids("call_1call_2");
  for (auto content : {R"("content":null,)", R"("content":"",)", ""}) {
    auto next = accepted(with_messages(question + R"(,{"role":"assistant",)" + content +
                                       R"("tool_calls":[{"id":"call_1","function":{"name":"f","arguments":"{ }"}},
                                          {"function":{"name":"g","id":"no"},"id":"call_2"}]},
                                          {"role":"tool","tool_call_id":"call_1","content":"1"})"));
    EXPECT_EQ(next.continued_hash, answer.value());
  }
}

TEST(OpenaiRequest, HashesToolCallsBehindTheContentWhereverTheyStand) {
  auto calls = std::string(R"("tool_calls":[{"id":"c1"}])");
  auto before = accepted(with_messages(R"({)" + calls + R"(,"role":"assistant","content":"a"})"));
  auto behind = accepted(with_messages(R"({"role":"assistant","content":"a",)" + calls + "}"));
  EXPECT_EQ(before.history_hash, behind.history_hash);
}

TEST(OpenaiRequest, ContinuesAtTheLastAnswerThatMessagesFollow) {
  auto a1 = question + R"(,{"role":"assistant","content":"1"})";
  auto u2 = a1 + R"(,{"role":"user","content":"x"})";
  auto a2 = u2 + R"(,{"role":"assistant","content":"2"})";
  EXPECT_EQ(accepted(with_messages(a1)).continued_hash, 0u);
  EXPECT_EQ(accepted(with_messages(u2)).continued_hash, accepted(with_messages(a1)).history_hash);
  EXPECT_EQ(accepted(with_messages(a2)).continued_hash, accepted(with_messages(a1)).history_hash);
  EXPECT_EQ(accepted(with_messages(a2 + R"(,{"role":"user","content":"y"})")).continued_hash,
            accepted(with_messages(a2)).history_hash);
}

TEST(OpenaiRequest, KeepsHistoriesOfSeedsAndScopesApart) {
  auto body = with_messages(question);
  auto base = read_request(body, seed, scope)->history_hash;
  EXPECT_NE(read_request(body, seed, scope + 1)->history_hash, base);
  EXPECT_NE(read_request(body, seed + 1, scope)->history_hash, base);
  EXPECT_NE(
      accepted(with_messages(R"({"role":"user","content":"Be kind."},{"role":"user","content":"Hello"})")).history_hash,
      base);
}

TEST(OpenaiRequest, RefusesARequestCutAnywhere) {
  auto body = request(R"("stream":true,"tools":[{"a":1}],"api_key":"x")");
  for (size_t end = 0; end < body.size(); ++end) refused(body.substr(0, end));
}

// Requests: made.

TEST(OpenaiMakeRequest, BuildsAStreamThatPassesUnchanged) {
  for (auto params :
       {"", "{}", " ", R"({ "temperature":0.5,"x":{"model":1} })", R"("temperature":0.5,"x":{"model":1} )"}) {
    auto body = make_request("a\"b", R"([{"role":"user","content":"hi"}])", params);
    ASSERT_TRUE(body) << params;
    EXPECT_EQ(forwarded(*body), *body);
    EXPECT_EQ(accepted(*body).model, "a\"b");
    EXPECT_TRUE(accepted(*body).include_usage);
    EXPECT_EQ(body->find("\"temperature\":0.5,\"x\":{\"model\":1},\"stream\":true") != body->npos,
              std::string_view(params).find("temp") != std::string_view::npos);
  }
}

TEST(OpenaiMakeRequest, RefusesMembersOfItsOwn) {
  for (std::string own : {"model", "messages", "stream", "stream_options"}) {
    auto made = make_request("m", "[]", R"({"n":1,")" + own + R"(":null})");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::invalid_request);
    EXPECT_EQ(made.error().param, "params." + own);
  }
  EXPECT_FALSE(make_request("m", "[]", R"({"\u006dodel":"x"})"));
}

TEST(OpenaiMakeRequest, RefusesTextThatWouldBreakOut) {
  for (auto params : {R"("a":1},"b":{"c":1)", "[]", "1", "{", R"({}},{)", R"("a":1,)"}) {
    auto made = make_request("m", "[]", params);
    ASSERT_FALSE(made) << params;
    EXPECT_EQ(made.error().param, "params");
  }
  for (auto messages : {R"([],"model":"x")", "{}", "", "\"a\""}) {
    auto made = make_request("m", messages, "");
    ASSERT_FALSE(made) << messages;
    EXPECT_EQ(made.error().param, "messages");
  }
}

}  // namespace
}  // namespace nexus::net::openai
