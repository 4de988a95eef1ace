#include "net/http_reader.hpp"

#include "conf/limits.hpp"
#include "tests/net/http_corpus.hpp"
#include "tests/net/http_player.hpp"

#include <gtest/gtest.h>

namespace nexus::net {
namespace {

using namespace std::string_literals;

using namespace player;
using corpus::request_case;
using progress = request_reader::progress;

void expect_verdicts(const std::vector<request_case>& cases) {
  for (const auto& sample : cases) {
    SCOPED_TRACE(sample.name);
    const auto seen = run_requests(sample.bytes);
    EXPECT_EQ(seen.messages.size(), sample.requests);
    EXPECT_EQ(seen.refusal, sample.refusal) << seen;
    for (const auto& message : seen.messages) EXPECT_EQ(message.find("/smuggled keep\n"), std::string::npos);
  }
}

result<request> read_one(std::string_view bytes) {
  request_reader reader(corpus::body_bytes_max);
  auto taken = reader.feed(bytes);
  if (!taken) return taken.error();
  EXPECT_EQ(reader.state(), progress::complete);
  return std::move(reader.current());
}

TEST(RequestCorpus, HoldsAtLeast130Cases) {
  EXPECT_GE(corpus::valid_requests().size() + corpus::unfinished_requests().size() +
                corpus::broken_request_lines().size() + corpus::broken_fields().size() +
                corpus::smuggling_attempts().size() + corpus::broken_chunks().size(),
            130u);
}

TEST(RequestReader, AcceptsValidRequestsHoweverTheyAreCut) { expect_verdicts(corpus::valid_requests()); }
TEST(RequestReader, WaitsForTheRestOfUnfinishedRequests) { expect_verdicts(corpus::unfinished_requests()); }
TEST(RequestReader, RefusesBrokenRequestLinesHoweverTheyAreCut) { expect_verdicts(corpus::broken_request_lines()); }
TEST(RequestReader, RefusesBrokenFieldsHoweverTheyAreCut) { expect_verdicts(corpus::broken_fields()); }
TEST(RequestReader, RefusesSmugglingHoweverItIsCut) { expect_verdicts(corpus::smuggling_attempts()); }
TEST(RequestReader, RefusesBrokenChunksHoweverTheyAreCut) { expect_verdicts(corpus::broken_chunks()); }

TEST(RequestReader, GivesMutatedRequestsOneVerdictHoweverTheyAreCut) {
  std::vector<std::string> seeds;
  for (const auto& cases : {corpus::valid_requests(), corpus::smuggling_attempts(), corpus::broken_chunks()}) {
    for (const auto& sample : cases) seeds.push_back(sample.bytes);
  }
  expect_same_however_cut<client_connection>(seeds, 20'000);
}

TEST(RequestReader, GivesMethodTargetFieldsAndBody) {
  const auto got =
      read_one("POST /v1?a=b HTTP/1.1\r\nHOST: h\r\nX-Two:  a b \r\nx-two: c\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->method, "POST");
  EXPECT_EQ(got->target, "/v1?a=b");
  EXPECT_EQ(got->body, "hi");
  EXPECT_EQ(got->headers.find("host"), "h");
  EXPECT_EQ(got->headers.find("x-two"), "a b");
  EXPECT_EQ(got->headers.count("x-two"), 2u);
  EXPECT_EQ(got->headers.find("x-three"), std::nullopt);
  EXPECT_EQ(got->headers.all().size(), 4u);
}

TEST(RequestReader, JoinsChunksIntoTheBody) {
  const auto got = read_one(corpus::chunked("3;x=y\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n"));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->body, "abc0123456789");
}

TEST(RequestReader, KeepsAliveByVersionAndConnectionTokens) {
  const auto keeps = [](const std::string& version, const std::string& lines) {
    const auto got = read_one("GET / HTTP/" + version + "\r\nHost: h\r\n" + lines + "\r\n");
    return got && got->keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x, close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection: closed\r\n"));
  EXPECT_TRUE(keeps("1.1", "Proxy-Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("1.0", "Proxy-Connection: keep-alive\r\n"));
}

TEST(RequestReader, SeesUpgradesOnlyWithBothHeadersInVersion11) {
  const auto upgrades = [](const std::string& version, const std::string& lines) {
    const auto got = read_one("GET / HTTP/" + version + "\r\nHost: h\r\n" + lines + "\r\n");
    return got && got->upgrade;
  };
  EXPECT_TRUE(upgrades("1.1", "Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_FALSE(upgrades("1.1", "Upgrade: websocket\r\n"));
  EXPECT_FALSE(upgrades("1.1", "Connection: upgrade\r\n"));
  EXPECT_FALSE(upgrades("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n"));
}

TEST(RequestReader, LeavesBytesBehindAnUpgradeToTheCaller) {
  const auto head = corpus::get("Connection: upgrade\r\nUpgrade: websocket\r\n");
  request_reader reader(corpus::body_bytes_max);
  const auto taken = reader.feed(head + "\x81\x85");
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, head.size());
  EXPECT_EQ(*reader.feed("\x81"), 0u);
}

TEST(RequestReader, TellsThatAContinueIsExpectedBeforeTheBodyComes) {
  request_reader reader(corpus::body_bytes_max);
  ASSERT_TRUE(reader.feed(corpus::post("Expect: 100-continue\r\nContent-Length: 2\r\n", "")));
  EXPECT_EQ(reader.state(), progress::body);
  EXPECT_TRUE(reader.current().expects_continue);
  ASSERT_TRUE(reader.feed("hi"));
  EXPECT_EQ(reader.state(), progress::complete);
  EXPECT_EQ(reader.current().body, "hi");
}

TEST(RequestReader, ExpectsNoContinueWithoutABodyOrInVersion10) {
  const auto empty = read_one(corpus::get("Expect: 100-continue\r\n"));
  ASSERT_TRUE(empty);
  EXPECT_FALSE(empty->expects_continue);
  request_reader old(corpus::body_bytes_max);
  ASSERT_TRUE(old.feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_FALSE(old.current().expects_continue);
}

TEST(RequestReader, HasStartedOnlyWhileARequestIsUnderWay) {
  request_reader reader(corpus::body_bytes_max);
  EXPECT_FALSE(reader.started());
  ASSERT_TRUE(reader.feed("\r\n"));
  EXPECT_FALSE(reader.started());
  ASSERT_TRUE(reader.feed("POST / HTTP/1.1\r\n"));
  EXPECT_TRUE(reader.started());
  ASSERT_TRUE(reader.feed("Host: h\r\nContent-Length: 2\r\n\r\nh"));
  EXPECT_TRUE(reader.started());
  EXPECT_EQ(reader.state(), progress::body);
  ASSERT_TRUE(reader.feed("i"));
  EXPECT_FALSE(reader.started());
  reader.next();
  EXPECT_FALSE(reader.started());
  EXPECT_EQ(reader.state(), progress::head);
}

TEST(RequestReader, ReservesALargeBodyNoFurtherThanOneMebibyteAhead) {
  request_reader reader(uint64_t{1} << 30);
  ASSERT_TRUE(reader.feed(corpus::post("Content-Length: 1000000000\r\n", "x")));
  EXPECT_LE(reader.current().body.capacity(), size_t{1} << 20);
  request_reader exact(uint64_t{1} << 30);
  ASSERT_TRUE(exact.feed(corpus::post("Content-Length: 5000\r\n", "x")));
  EXPECT_GE(exact.current().body.capacity(), 5000u);
}

TEST(RequestReader, RefusesEverythingAfterAnError) {
  request_reader reader(corpus::body_bytes_max);
  const auto first = reader.feed("GET / HTTP/1.1\r\n\r\n");
  ASSERT_FALSE(first);
  const auto second = reader.feed(corpus::get(""));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, first.error().message);
  reader.next();
  EXPECT_FALSE(reader.feed(corpus::get("")));
}

TEST(RequestReader, NeverRepeatsTheClientsBytesInAnError) {
  for (const auto& sample : corpus::broken_fields()) {
    request_reader reader(corpus::body_bytes_max);
    const auto taken = reader.feed(sample.bytes);
    ASSERT_FALSE(taken) << sample.name;
    EXPECT_EQ(taken.error().message.find("Bearer"), std::string::npos) << sample.name;
  }
}

const std::string ok = "HTTP/1.1 200 OK\r\n";
std::string sized(const std::string& body) {
  return ok + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string chunked_answer(const std::string& body) { return ok + "Transfer-Encoding: chunked\r\n\r\n" + body; }

TEST(ResponseReader, ReadsEveryFramingHoweverItIsCut) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {sized("hello"), {"200 keep\ncontent-length=5\n\nhello"}},
      {sized(""), {"200 keep\ncontent-length=0\n\n"}},
      {sized("a") + sized("b"), {"200 keep\ncontent-length=1\n\na", "200 keep\ncontent-length=1\n\nb"}},
      {chunked_answer("3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"), {"200 keep\ntransfer-encoding=chunked\n\nabcde"}},
      {chunked_answer("0\r\n\r\n") + sized("b"),
       {"200 keep\ntransfer-encoding=chunked\n\n", "200 keep\ncontent-length=1\n\nb"}},
      {chunked_answer("1 ;x\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\n"), {"200 keep\ntransfer-encoding=chunked\n\na"}},
      {ok + "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", {"200 keep\ntransfer-encoding=Chunked\n\n"}},
      {ok + "Content-Length: 2, 2\r\n\r\nhi", {"200 keep\ncontent-length=2, 2\n\nhi"}},
      {ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", {"200 keep\ncontent-length=2\ncontent-length=2\n\nhi"}},
      {"HTTP/1.1 204 No Content\r\n\r\n" + sized("b"), {"204 keep\n\n", "200 keep\ncontent-length=1\n\nb"}},
      {"HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n", {"304 keep\ncontent-length=9\n\n"}},
      {"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + sized("b"),
       {"200 keep\ncontent-length=1\n\nb"}},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", {"200 close\ncontent-length=1\n\nx"}},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
       {"200 keep\nconnection=keep-alive\ncontent-length=1\n\nx"}},
      {ok + "Connection: Close\r\nContent-Length: 1\r\n\r\nx", {"200 close\nconnection=Close\ncontent-length=1\n\nx"}},
      {ok + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
       {"200 keep\ncontent-encoding=gzip\ncontent-length=1\n\nx"}},
      {ok + "X: " + std::string(60'000, 'x') + "\r\nContent-Length: 1\r\n\r\nx",
       {"200 keep\nx=" + std::string(60'000, 'x') + "\ncontent-length=1\n\nx"}},
  };
  for (const auto& [bytes, messages] : cases) {
    SCOPED_TRACE(bytes.substr(0, 200));
    const auto seen = run_responses(bytes);
    EXPECT_EQ(seen.messages, messages);
    EXPECT_EQ(seen.refusal, std::nullopt);
    EXPECT_FALSE(seen.started);
  }
}

TEST(ResponseReader, TakesTheEndOfTheConnectionForTheEndOfAnUnframedAnswer) {
  EXPECT_EQ(run_closed_responses(ok + "X: y\r\n\r\nhello").messages,
            std::vector<std::string>{"200 close\nx=y\n\nhello"});
  EXPECT_EQ(run_closed_responses("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello").messages,
            std::vector<std::string>{"200 close\nconnection=keep-alive\n\nhello"});
  EXPECT_EQ(run_closed_responses(ok + "\r\n").messages, std::vector<std::string>{"200 close\n\n"});
}

TEST(ResponseReader, CallsAnAnswerCutShortAnUpstreamError) {
  for (const auto& bytes : {std::string(), std::string("HTTP/1.1 200 OK\r\nX"), std::string("HTTP/1.1 100 \r\n\r\n"),
                            ok + "Content-Length: 5\r\n\r\nhell", chunked_answer(""), chunked_answer("5\r\nhello\r\n"),
                            chunked_answer("5\r\nhello\r\n0\r\n"), chunked_answer("0\r\nX: y\r\n")}) {
    SCOPED_TRACE(bytes);
    const auto seen = run_closed_responses(bytes);
    EXPECT_TRUE(seen.messages.empty());
    EXPECT_EQ(seen.refusal, errc::upstream_error);
  }
}

TEST(ResponseReader, AcceptsTheEndBehindACompleteAnswer) {
  response_reader reader;
  ASSERT_TRUE(reader.feed(sized("hello")));
  EXPECT_TRUE(reader.complete());
  EXPECT_TRUE(reader.feed_end());
}

TEST(ResponseReader, RefusesWhatIsNoAnswerHoweverItIsCut) {
  const std::vector<std::string> cases{
      "SSH-2.0-OpenSSH_9.2\r\n",
      "\x15\x03\x01\x00\x02\x02\x46"s,
      "HTTP/2 200\r\n\r\n",
      "HTTP/1.2 200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 abc OK\r\n\r\n",
      "HTTP/1.1 099 Low\r\n\r\n",
      "HTTP/1.1 600 High\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
      "HTTP/1.1 200 OK\n\n",
      "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
      "HTTP/1.1 200 O\rK\r\n\r\n",
      ok + "no colon\r\n\r\n",
      ok + "A : b\r\n\r\n",
      ok + "A: \x01\r\n\r\n",
      ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      ok + "Content-Length: 5, 6\r\n\r\nhello",
      ok + "Content-Length: +5\r\n\r\nhello",
      ok + "Content-Length: 99999999999999999999\r\n\r\nhello",
      ok + "Content-Length:\r\n\r\n",
      ok + "Transfer-Encoding: gzip\r\n\r\nhello",
      ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      ok + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
      ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ok + "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      chunked_answer("x\r\n\r\n0\r\n\r\n"),
      chunked_answer("5\r\nhello!\r\n0\r\n\r\n"),
      chunked_answer("0\r\nbroken trailer\r\n\r\n"),
      chunked_answer(std::string(17'000, '0')),
      chunked_answer("0\r\nX: " + std::string(20'000, 'y')),
      chunked_answer("0\r\nX: " + std::string(20'000, 'y') + "\r\n\r\n"),
      ok + "X: " + std::string(limits::upstream_head_bytes_max, 'x'),
      ok + "X: " + std::string(limits::upstream_head_bytes_max, 'x') + "\r\n\r\n",
      corpus::repeat("HTTP/1.1 100 Continue\r\n\r\n", 40),
  };
  for (const auto& bytes : cases) {
    SCOPED_TRACE(bytes.substr(0, 200));
    const auto seen = run_responses(bytes);
    EXPECT_TRUE(seen.messages.empty());
    EXPECT_EQ(seen.refusal, errc::upstream_invalid_response) << seen;
  }
}

TEST(ResponseReader, GivesMutatedAnswersOneVerdictHoweverTheyAreCut) {
  const std::vector<std::string> seeds{
      sized("hello"),
      chunked_answer("3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"),
      chunked_answer("1 ;x\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\n"),
      chunked_answer("0\r\n\r\n"),
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n" + sized("b"),
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello",
  };
  expect_same_however_cut<upstream_connection>(seeds, 20'000);
}

TEST(ResponseReader, ShowsTheHeadBeforeTheBodyAndTheBodyAsItComes) {
  response_reader reader;
  EXPECT_FALSE(reader.has_head());
  ASSERT_TRUE(reader.feed(chunked_answer("5\r\nhe")));
  ASSERT_TRUE(reader.has_head());
  EXPECT_EQ(reader.current().status, 200);
  EXPECT_EQ(reader.body(), "he");
  reader.clear_body();
  ASSERT_TRUE(reader.feed("llo\r\n0\r\n"));
  EXPECT_EQ(reader.body(), "llo");
  EXPECT_FALSE(reader.complete());
  ASSERT_TRUE(reader.feed("\r\n"));
  EXPECT_TRUE(reader.complete());
  reader.next();
  EXPECT_FALSE(reader.has_head());
  EXPECT_FALSE(reader.complete());
  EXPECT_TRUE(reader.body().empty());
}

TEST(ResponseReader, LeavesBytesBehindAnAnswerUnconsumed) {
  response_reader reader;
  const auto taken = reader.feed(sized("hello") + "junk");
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, sized("hello").size());
  EXPECT_EQ(*reader.feed("junk"), 0u);
}

TEST(ResponseReader, RefusesEverythingAfterAnError) {
  response_reader reader;
  ASSERT_FALSE(reader.feed("nonsense"));
  EXPECT_FALSE(reader.feed(sized("hello")));
  const auto ended = reader.feed_end();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::upstream_invalid_response);
}

}  // namespace
}  // namespace nexus::net
