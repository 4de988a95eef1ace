#include "net/upstream_call.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace nexus::net {
namespace {

enum class ending { open, closed, reset };

struct ended {
  bool over = false;
  stream_part part;
  call_verdict verdict;
  answer_facts facts;
  bool streaming = false;
  std::string text() const {
    std::string out = over ? "over" : "open";
    if (verdict.failure)
      out += " failed " + std::string(info(verdict.failure->code).name) + ": " + verdict.failure->message;
    if (verdict.answer) out += " answer " + std::to_string(verdict.answer->status) + " " + verdict.answer->body;
    out += verdict.reusable ? " reusable" : "";
    out += verdict.elsewhere ? " elsewhere" : "";
    out += " id=" + verdict.upstream_request_id + " bytes=" + part.bytes + " content=" + part.content;
    out += " history=" + std::to_string(facts.history_hash) + " finish=" + facts.finish_reason;
    return out;
  }
};

ended play(const std::vector<std::string_view>& pieces, const call_settings& settings, ending end) {
  upstream_call machine(settings);
  ended out;
  bool goes_on = true;
  for (const auto piece : pieces) {
    if (!goes_on) break;
    if (piece.empty()) continue;
    stream_part part;
    goes_on = machine.feed(piece, part);
    out.part.append(std::move(part));
    EXPECT_NE(goes_on, machine.over());
  }
  if (goes_on && end != ending::open) {
    machine.feed_end(end == ending::reset, out.part);
    EXPECT_TRUE(machine.over());
  }
  out.over = machine.over();
  out.facts = machine.facts();
  out.streaming = machine.streaming();
  if (out.over) out.verdict = machine.take_verdict();
  return out;
}

/// Plays an answer whole, byte by byte, and cut at every place: all must lead to the same. Bytes behind the end are
/// seen only by the read that brings the end, so `surplus` tests play whole.
ended call(const std::string& answer, call_settings settings = {}, ending end = ending::open) {
  if (settings.answer_bytes_max == 0) settings.answer_bytes_max = 1'000;
  const std::string_view all(answer);
  const auto whole = play({all}, settings, end);
  for (size_t cut = 1; cut < all.size(); ++cut)
    EXPECT_EQ(play({all.substr(0, cut), all.substr(cut)}, settings, end).text(), whole.text()) << "cut at " << cut;
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < all.size(); ++i) bytes.push_back(all.substr(i, 1));
  EXPECT_EQ(play(bytes, settings, end).text(), whole.text()) << "byte by byte";
  return whole;
}

std::string http(int status, const std::string& body,
                 const std::string& headers = "content-type: application/json\r\n") {
  return "HTTP/1.1 " + std::to_string(status) + " Some Reason\r\n" + headers +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
const std::string good_body =
    R"({"id":"x","choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})";
const std::string stream_headers = "content-type: text/event-stream; charset=utf-8\r\n";
const std::string first_event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const std::string last_event = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const std::string done_event = "data: [DONE]\n\n";
const call_settings streaming{.stream = true};

std::string chunked(const std::vector<std::string>& chunks, const std::string& headers = stream_headers) {
  std::string out = "HTTP/1.1 200 OK\r\n" + headers + "transfer-encoding: chunked\r\n\r\n";
  for (const auto& chunk : chunks) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    out += size + chunk + "\r\n";
  }
  return out;
}

void expect_failure(const ended& out, errc code, bool elsewhere) {
  ASSERT_TRUE(out.over && out.verdict.failure) << out.text();
  EXPECT_EQ(out.verdict.failure->code, code) << out.text();
  EXPECT_EQ(out.verdict.elsewhere, elsewhere) << out.text();
  EXPECT_FALSE(out.verdict.failure->message.empty());
}

TEST(UpstreamCall, TakesAWholeAnswer) {
  const auto out = call(http(200, good_body, "x-request-id: up-1\r\n"));
  ASSERT_TRUE(out.over && out.verdict.answer) << out.text();
  EXPECT_FALSE(out.verdict.failure);
  EXPECT_EQ(out.verdict.answer->status, 200);
  EXPECT_EQ(out.verdict.answer->body, good_body);
  EXPECT_TRUE(out.verdict.reusable);
  EXPECT_EQ(out.verdict.upstream_request_id, "up-1");
  EXPECT_EQ(out.facts.reported->prompt_tokens, 3);
  EXPECT_EQ(out.facts.finish_reason, "stop");
  EXPECT_TRUE(out.facts.has_text);
  EXPECT_FALSE(out.streaming);
}

TEST(UpstreamCall, TakesAnAnswerInChunksAndOneThatEndsWithTheConnection) {
  const auto in_chunks = call(chunked({good_body.substr(0, 20), good_body.substr(20), ""}, ""));
  ASSERT_TRUE(in_chunks.verdict.answer) << in_chunks.text();
  EXPECT_EQ(in_chunks.verdict.answer->body, good_body);
  EXPECT_TRUE(in_chunks.verdict.reusable);
  const auto to_the_end = call("HTTP/1.1 200 OK\r\n\r\n" + good_body, {}, ending::closed);
  ASSERT_TRUE(to_the_end.verdict.answer) << to_the_end.text();
  EXPECT_EQ(to_the_end.verdict.answer->body, good_body);
  EXPECT_FALSE(to_the_end.verdict.reusable);
}

TEST(UpstreamCall, SkipsInterimAnswers) {
  const auto out =
      call("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + http(200, good_body));
  ASSERT_TRUE(out.verdict.answer) << out.text();
}

TEST(UpstreamCall, DoesNotReuseAConnectionThatIsClosedOrSaidMore) {
  EXPECT_FALSE(call(http(200, good_body, "connection: close\r\n")).verdict.reusable);
  const auto surplus = http(200, good_body) + "HTTP/1.1 200 OK\r\n";
  const auto out = play({surplus}, {.answer_bytes_max = 1'000}, ending::open);
  EXPECT_TRUE(out.verdict.answer);
  EXPECT_FALSE(out.verdict.reusable);
}

TEST(UpstreamCall, FailsElsewhereWhenTheConnectionEndsBeforeAnAnswer) {
  expect_failure(call("", {}, ending::closed), errc::upstream_error, true);
  expect_failure(call("", {}, ending::reset), errc::upstream_error, true);
  EXPECT_NE(call("", {}, ending::closed).verdict.failure->message,
            call("", {}, ending::reset).verdict.failure->message);
}

TEST(UpstreamCall, FailsElsewhereWhenAnAnswerBreaksOff) {
  const auto answer = http(200, good_body);
  for (size_t cut = 1; cut < answer.size(); ++cut)
    for (const auto end : {ending::closed, ending::reset})
      expect_failure(play({std::string_view(answer).substr(0, cut)}, {.answer_bytes_max = 1'000}, end),
                     errc::upstream_error, true);
}

TEST(UpstreamCall, RefusesAnAnswerThatIsNoChatCompletion) {
  for (const auto* body : {"{}", R"({"choices":[]})"})
    expect_failure(call(http(200, body)), errc::upstream_invalid_response, true);
  for (const auto* body : {"", "oops", "[1]", "{\"choices\":"})
    expect_failure(call(http(200, body)), errc::upstream_invalid_response, true);
  expect_failure(call("SSH-2.0-OpenSSH_9\r\n\r\n"), errc::upstream_invalid_response, true);
}

TEST(UpstreamCall, TakesAnErrorInAnAnswerOfSuccess) {
  const auto out = call(http(200, R"({"error":{"message":"overheated"}})"));
  expect_failure(out, errc::upstream_error, true);
  EXPECT_EQ(out.verdict.failure->message, "overheated");
  expect_failure(call(http(200, R"({"error":{}})")), errc::upstream_error, true);
}

TEST(UpstreamCall, BoundsAnAnswer) {
  const std::string body = R"({"choices":[{"message":{"content":")" + std::string(300, 'x') + R"("}}]})";
  EXPECT_TRUE(call(http(200, body), {.answer_bytes_max = body.size()}).verdict.answer);
  expect_failure(call(http(200, body), {.answer_bytes_max = body.size() - 1}), errc::upstream_invalid_response, false);
}

TEST(UpstreamCall, PassesAnErrorAnswerOn) {
  const std::string body = R"({"error":{"message":"slow down","type":"t"}})";
  const auto out = call(http(429, body, "retry-after: 7\r\n"));
  expect_failure(out, errc::upstream_status, true);
  EXPECT_EQ(out.verdict.failure->message, "slow down");
  EXPECT_EQ(out.verdict.failure->http_status(), 429);
  EXPECT_EQ(out.verdict.failure->retry_after, std::chrono::seconds(7));
  ASSERT_TRUE(out.verdict.answer);
  EXPECT_EQ(out.verdict.answer->status, 429);
  EXPECT_EQ(out.verdict.answer->body, body);
  EXPECT_TRUE(out.verdict.reusable);
  EXPECT_FALSE(out.facts.has_text);
}

TEST(UpstreamCall, PassesOnHowItsCallerIsToRetry) {
  const auto out = call(http(429, "{}", "x-should-retry: false\r\nretry-after-ms: 1500\r\nx-internal: 1\r\n"));
  const std::vector<std::pair<std::string, std::string>> hints{{"retry-after-ms", "1500"}, {"x-should-retry", "false"}};
  EXPECT_EQ(out.verdict.hints, hints);
}

TEST(UpstreamCall, TriesElsewhereOnlyWhatAnotherProviderMayDoBetter) {
  for (const int status : {408, 429, 500, 502, 503, 529})
    expect_failure(call(http(status, "{}")), errc::upstream_status, true);
  for (const int status : {400, 404, 413, 422}) expect_failure(call(http(status, "{}")), errc::upstream_status, false);
}

TEST(UpstreamCall, KeepsAnErrorPageToItself) {
  const auto out = call(http(502, "<html>Bad gateway</html>", "content-type: text/html\r\n"));
  expect_failure(out, errc::upstream_status, true);
  EXPECT_FALSE(out.verdict.answer);
  EXPECT_EQ(out.verdict.failure->message, "The upstream answered with status 502.");
}

TEST(UpstreamCall, BoundsAnErrorAnswer) {
  const auto answer = http(500, std::string(70'000, 'x'));
  const auto out = play({answer}, {.answer_bytes_max = 1'000'000}, ending::open);
  expect_failure(out, errc::upstream_status, true);
  EXPECT_FALSE(out.verdict.answer);
  EXPECT_FALSE(out.verdict.reusable);
}

TEST(UpstreamCall, SaysThatTheHubsCredentialsWereRejected) {
  for (const int status : {401, 403}) {
    const auto out = call(http(status, R"({"error":{"message":"Incorrect API key: sk-secret"}})"));
    expect_failure(out, errc::upstream_credentials_rejected, true);
    EXPECT_FALSE(out.verdict.answer);
    EXPECT_EQ(out.verdict.failure->message.find("sk-secret"), std::string::npos);
  }
}

TEST(UpstreamCall, FollowsNoRedirect) {
  expect_failure(call(http(302, "", "location: http://elsewhere.example/\r\n")), errc::upstream_redirect, true);
}

TEST(UpstreamCall, RefusesACompressedAnswer) {
  expect_failure(call(http(200, good_body, "content-encoding: gzip\r\n")), errc::upstream_invalid_response, true);
  EXPECT_TRUE(call(http(200, good_body, "content-encoding: identity\r\n")).verdict.answer);
}

TEST(UpstreamCall, StreamsEventsAndReusesTheConnection) {
  const auto out = call(chunked({first_event, last_event + done_event, ""}), streaming);
  ASSERT_TRUE(out.over) << out.text();
  EXPECT_FALSE(out.verdict.failure || out.verdict.answer);
  EXPECT_EQ(out.part.bytes, first_event + last_event + done_event);
  EXPECT_TRUE(out.streaming);
  EXPECT_TRUE(out.verdict.reusable);
}

TEST(UpstreamCall, StreamsTextsForAWebSocket) {
  const auto out =
      call(chunked({first_event, last_event + done_event, ""}), {.stream = true, .mode = delivery::deltas});
  EXPECT_EQ(out.part.content, "Hi");
  EXPECT_EQ(out.part.bytes, "");
  EXPECT_FALSE(out.verdict.failure);
}

TEST(UpstreamCall, IsDoneWithTheClosingWordWhateverBecomesOfTheConnection) {
  const auto answer = chunked({first_event, last_event + done_event});  // the last chunk never comes
  for (const auto end : {ending::closed, ending::reset}) {
    const auto out = call(answer, streaming, end);
    EXPECT_FALSE(out.verdict.failure) << out.text();
    EXPECT_FALSE(out.verdict.reusable);
  }
  EXPECT_FALSE(call(answer, streaming).over);
}

TEST(UpstreamCall, TakesAStreamThatEndsWithTheConnection) {
  const std::string head = "HTTP/1.1 200 OK\r\n" + stream_headers + "\r\n";
  const auto complete = call(head + first_event + last_event, streaming, ending::closed);
  EXPECT_FALSE(complete.verdict.failure) << complete.text();
  EXPECT_EQ(complete.part.bytes, first_event + last_event + done_event);
  EXPECT_FALSE(complete.verdict.reusable);
  expect_failure(call(head + first_event, streaming, ending::closed), errc::upstream_error, false);
}

TEST(UpstreamCall, FailsHereOnceSomethingReachedTheCaller) {
  const auto out = call(chunked({first_event}), streaming, ending::reset);
  expect_failure(out, errc::upstream_error, false);
  EXPECT_EQ(out.part.bytes, first_event);
  EXPECT_TRUE(out.facts.has_text);
  expect_failure(call(chunked({": comment\n\n"}), streaming, ending::reset), errc::upstream_error, true);
  expect_failure(call(chunked({first_event, ""}), streaming), errc::upstream_error, false);
}

TEST(UpstreamCall, FailsElsewhereOnAnErrorAsTheFirstEvent) {
  const std::string error_event = "data: {\"error\":{\"message\":\"full\"}}\n\n";
  expect_failure(call(chunked({error_event}), streaming), errc::upstream_error, true);
  const auto later = play({chunked({first_event}), "24\r\n" + error_event + "\r\n"}, streaming, ending::open);
  expect_failure(later, errc::upstream_error, false);
}

TEST(UpstreamCall, RefusesAStreamThatIsNone) {
  expect_failure(call(http(200, good_body), streaming), errc::upstream_invalid_response, true);
  expect_failure(call(http(200, "", ""), streaming), errc::upstream_invalid_response, true);
}

TEST(UpstreamCall, TakesAnErrorAnswerToAStreamingRequest) {
  const auto out = call(http(400, R"({"error":{"message":"bad"}})"), streaming);
  expect_failure(out, errc::upstream_status, false);
  EXPECT_TRUE(out.verdict.answer);
}

TEST(UpstreamCall, AgreesOnTheHistoryWhetherStreamedOrWhole) {
  const call_settings seeded{.answer_bytes_max = 1'000, .history_seed = 8, .history_hash = 9};
  auto as_stream = seeded;
  as_stream.stream = true;
  const auto whole = call(http(200, R"({"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]})"), seeded);
  const auto streamed = call(chunked({first_event, last_event + done_event, ""}), as_stream);
  EXPECT_EQ(whole.facts.history_hash, streamed.facts.history_hash);
  EXPECT_NE(whole.facts.history_hash, 0U);
}

TEST(UpstreamCall, NotesProgress) {
  upstream_call machine(streaming);
  stream_part part;
  EXPECT_FALSE(machine.answered() || machine.head_arrived());
  const auto answer = chunked({first_event, last_event + done_event});
  const auto head = answer.find("\r\n\r\n") + 4;
  EXPECT_TRUE(machine.feed(std::string_view(answer).substr(0, 4), part));
  EXPECT_TRUE(machine.answered() && !machine.head_arrived());
  EXPECT_TRUE(machine.feed(std::string_view(answer).substr(4, head - 4), part));
  EXPECT_TRUE(machine.head_arrived() && !machine.streaming());
  EXPECT_TRUE(machine.feed(std::string_view(answer).substr(head), part));
  EXPECT_TRUE(machine.streaming() && machine.done() && !machine.over());
  machine.feed_end(false, part);
  EXPECT_TRUE(machine.over());
}

TEST(RetryAfter, IsSecondsOrADate) {
  const int64_t now = 1'445'412'000;  // Wed, 21 Oct 2015 07:20:00 GMT
  EXPECT_EQ(parse_retry_after("120", now), std::chrono::seconds(120));
  EXPECT_EQ(parse_retry_after("0", now), std::chrono::seconds(0));
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), std::chrono::seconds(480));
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), std::chrono::seconds(0));
  for (const auto* text : {"", "-1", "1.5", "soon", "12 s", "99999999999999999999"})
    EXPECT_FALSE(parse_retry_after(text, now)) << text;
}

}  // namespace
}  // namespace nexus::net
