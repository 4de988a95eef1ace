#include "net/stream_relay.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace nexus::net {
namespace {

struct told {
  stream_part part;
  answer_facts facts;
  std::optional<error> failure;
  bool done = false;
};

struct relay_settings {
  delivery mode = delivery::relay;
  bool include_usage = false;
  bool ends = true;  // the upstream's body ends in order
};

told play(std::initializer_list<std::string_view> pieces, relay_settings how) {
  stream_relay relay(how.mode, how.include_usage, history_hasher(1, 2));
  told out;
  for (const auto piece : pieces) {
    stream_part part;
    auto fed = relay.feed(piece, part);
    out.part.append(std::move(part));
    if (!fed) out.failure = fed.error();
    if (out.failure) break;
  }
  if (!out.failure && how.ends)
    if (auto finished = relay.finish(out.part); !finished) out.failure = finished.error();
  out.facts = relay.facts();
  out.done = relay.done();
  return out;
}

void expect_same(const told& left, const told& right, const std::string& where) {
  EXPECT_EQ(left.part.bytes, right.part.bytes) << where;
  EXPECT_EQ(left.part.content, right.part.content) << where;
  EXPECT_EQ(left.part.reasoning, right.part.reasoning) << where;
  EXPECT_EQ(left.part.tool_calls, right.part.tool_calls) << where;
  EXPECT_EQ(left.done, right.done) << where;
  EXPECT_EQ(left.failure.has_value(), right.failure.has_value()) << where;
  if (left.failure && right.failure) {
    EXPECT_EQ(left.failure->code, right.failure->code) << where;
    EXPECT_EQ(left.failure->message, right.failure->message) << where;
  }
  EXPECT_EQ(left.facts.history_hash, right.facts.history_hash) << where;
  EXPECT_EQ(left.facts.finish_reason, right.facts.finish_reason) << where;
  EXPECT_EQ(left.facts.has_text, right.facts.has_text) << where;
  EXPECT_EQ(left.facts.reported.has_value(), right.facts.reported.has_value()) << where;
}

/// Plays a stream whole, byte by byte, and cut at every place: all must lead to the same.
told relay(const std::string& stream, relay_settings how = {}) {
  const auto whole = play({stream}, how);
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    const std::string_view all(stream);
    expect_same(play({all.substr(0, cut), all.substr(cut)}, how), whole, "cut at " + std::to_string(cut));
  }
  stream_relay bytewise(how.mode, how.include_usage, history_hasher(1, 2));
  told out;
  for (const char byte : stream) {
    stream_part part;
    auto fed = bytewise.feed({&byte, 1}, part);
    out.part.append(std::move(part));
    if (fed) continue;
    out.failure = fed.error();
    break;
  }
  if (!out.failure && how.ends)
    if (auto finished = bytewise.finish(out.part); !finished) out.failure = finished.error();
  out.facts = bytewise.facts();
  out.done = bytewise.done();
  expect_same(out, whole, "byte by byte");
  return whole;
}

std::string data(const std::string& json) { return "data: " + json + "\n\n"; }
std::string delta(const std::string& members, const std::string& finish = "null") {
  return data(R"({"choices":[{"index":0,"delta":{)" + members + R"(},"finish_reason":)" + finish + "}]}");
}
const std::string hello = delta(R"("content":"Hel")") + delta(R"("content":"lo 世界")");
const std::string stop = delta("", R"("stop")");
const std::string usage_event =
    data(R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":4,"total_tokens":11}})");
const std::string done = "data: [DONE]\n\n";

TEST(StreamRelay, PassesEventsUnchanged) {
  const auto out = relay(hello + stop + done);
  EXPECT_EQ(out.part.bytes, hello + stop + done);
  EXPECT_FALSE(out.failure);
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.facts.finish_reason, "stop");
  EXPECT_TRUE(out.facts.has_text);
  EXPECT_FALSE(out.facts.reported);
}

TEST(StreamRelay, KeepsTheUsageFromThoseWhoDidNotAskForIt) {
  const auto without = relay(hello + stop + usage_event + done);
  EXPECT_EQ(without.part.bytes, hello + stop + done);
  ASSERT_TRUE(without.facts.reported);
  EXPECT_EQ(without.facts.reported->completion_tokens, 4);
  const auto with = relay(hello + stop + usage_event + done, {.include_usage = true});
  EXPECT_EQ(with.part.bytes, hello + stop + usage_event + done);
  EXPECT_EQ(with.facts.reported->prompt_tokens, 7);
}

TEST(StreamRelay, TakesTheLastUsageThatComes) {
  const auto running = data(
      R"({"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})");
  const auto out = relay(running + stop + usage_event + done);
  EXPECT_EQ(out.part.bytes, running + stop + done);  // its text must not be lost with it
  EXPECT_EQ(out.facts.reported->completion_tokens, 4);
}

TEST(StreamRelay, AddsTheClosingWordToACompleteStream) {
  const auto out = relay(hello + stop);
  EXPECT_EQ(out.part.bytes, hello + stop + done);
  EXPECT_FALSE(out.failure);
  EXPECT_TRUE(out.done);
}

TEST(StreamRelay, FailsAStreamThatEndsBeforeItIsComplete) {
  for (const auto& stream : {std::string(), hello, hello + "data: [DO", hello + stop + "data: {\"cho"}) {
    const auto out = relay(stream);
    ASSERT_TRUE(out.failure) << stream;
    EXPECT_EQ(out.failure->code, errc::upstream_error);
    EXPECT_EQ(out.part.bytes.find("[DONE]"), std::string::npos);
    EXPECT_FALSE(out.done);
  }
}

TEST(StreamRelay, SendsNoClosingWordWhileTheUpstreamMayGoOn) {
  const auto out = relay(hello + stop, {.ends = false});
  EXPECT_EQ(out.part.bytes, hello + stop);
  EXPECT_FALSE(out.done);
}

TEST(StreamRelay, IgnoresWhateverFollowsTheClosingWord) {
  const auto out = relay(hello + stop + done + hello + "data: {broken\n\n" + done);
  EXPECT_EQ(out.part.bytes, hello + stop + done);
  EXPECT_FALSE(out.failure);
}

TEST(StreamRelay, DropsCommentsAndEmptyEvents) {
  const auto out = relay(": wait\n\n" + hello + "data:\n\n: x\n\nevent: ping\n\n" + stop + done);
  EXPECT_EQ(out.part.bytes, hello + stop + done);
}

TEST(StreamRelay, EndsWithAnErrorOfTheUpstream) {
  const auto named = relay(hello + data(R"({"error":{"message":"out of memory"}})") + done);
  ASSERT_TRUE(named.failure);
  EXPECT_EQ(named.failure->code, errc::upstream_error);
  EXPECT_EQ(named.failure->message, "out of memory");
  EXPECT_EQ(named.part.bytes, hello);
  const auto nameless = relay(data(R"({"error":{}})"));
  ASSERT_TRUE(nameless.failure);
  EXPECT_EQ(nameless.failure->message, "The upstream failed in mid-stream.");
}

TEST(StreamRelay, EndsWithAnEventThatIsNoChunk) {
  for (const auto* text : {"{broken", "[1]", "null", R"({"choices":[{"delta":{"content":1e999}}]})"}) {
    const auto out = relay(hello + data(text));
    ASSERT_TRUE(out.failure) << text;
    EXPECT_EQ(out.failure->code, errc::upstream_invalid_response) << text;
    EXPECT_EQ(out.part.bytes, hello) << text;
  }
}

TEST(StreamRelay, GathersTextsForAWebSocket) {
  const std::string stream = delta(R"("reasoning_content":"hm","content":"")") + hello +
                             delta(R"("tool_calls":[{"index":0,"id":"c1"}])") +
                             delta(R"("tool_calls":[{"index":1,"id":"c2"},{"index":2}])") + stop + usage_event + done;
  const auto out = relay(stream, {.mode = delivery::deltas});
  EXPECT_EQ(out.part.bytes, "");
  EXPECT_EQ(out.part.content, "Hello 世界");
  EXPECT_EQ(out.part.reasoning, "hm");
  EXPECT_EQ(out.part.tool_calls, R"({"index":0,"id":"c1"},{"index":1,"id":"c2"},{"index":2})");
  EXPECT_TRUE(out.facts.reported);
}

TEST(StreamRelay, HashesTheAnswerLikeTheRequestThatResendsIt) {
  history_hasher expected(1, 2);
  expected.role("assistant");
  expected.text("Hello 世界");
  EXPECT_EQ(relay(hello + stop + done).facts.history_hash, expected.value());
  expected.call_ids("c1c2");
  const auto calls = delta(R"("tool_calls":[{"index":0,"id":"c1","function":{"arguments":"{"}}])") +
                     delta(R"("tool_calls":[{"index":0,"id":"c1","function":{"arguments":"}"}}])") +
                     delta(R"("tool_calls":[{"index":1,"id":"c2"}])");
  EXPECT_EQ(relay(hello + calls + stop + done).facts.history_hash, expected.value());
}

TEST(StreamRelay, RefusesAnEventWithoutEnd) {
  stream_relay relay(delivery::relay, false, history_hasher(1, 2));
  stream_part part;
  const std::string block(64 * 1024, 'x');
  bool refused = !relay.feed("data: ", part);
  for (int i = 0; i < 64 && !refused; ++i) refused = !relay.feed(block, part);
  EXPECT_TRUE(refused);
  EXPECT_TRUE(part.empty());
}

TEST(StreamPart, JoinsToolCallsWithCommas) {
  stream_part part;
  part.append({.bytes = "a", .content = "b", .reasoning = "c", .tool_calls = "{1}"});
  EXPECT_EQ(part.size(), 6U);
  part.append({.bytes = "A", .content = "", .reasoning = "", .tool_calls = ""});
  part.append({.bytes = "", .content = "B", .reasoning = "C", .tool_calls = "{2}"});
  EXPECT_EQ(part.bytes + part.content + part.reasoning + part.tool_calls, "aAbBcC{1},{2}");
  EXPECT_TRUE(stream_part().empty());
}

}  // namespace
}  // namespace nexus::net
