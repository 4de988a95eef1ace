// The socket client, against a server in the test's own thread.
#include "actors/socket_client.hpp"

#include "tests/actors/client_fixture.hpp"

#include <boost/asio/write.hpp>

#include <string_view>

namespace nexus {
namespace {

namespace asio = net::asio;

constexpr std::string_view answer_body =
    R"({"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})";

std::string answer_text(std::string_view body = answer_body, int status = 200) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: keep-alive\r\n\r\n";
constexpr std::string_view event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n";

class SocketClient : public ClientFixture {
 protected:
  SocketClient() {
    listener_.set_option(asio::socket_base::reuse_address(true));
    timeouts_.connect_timeout = milliseconds(1'000);
    timeouts_.head_timeout = milliseconds(2'000);
    timeouts_.first_token_timeout = milliseconds(3'000);
    timeouts_.idle_timeout = milliseconds(4'000);
    timeouts_.total_timeout = milliseconds(20'000);
    timeouts_.pool_idle_timeout = milliseconds(5'000);
  }
  void connect_to_server() { connect_to("127.0.0.1", listener_.local_endpoint().port()); }
  void connect_to(const std::string& host, uint16_t port) {
    auto row = make_row(3);
    row->server_key = secret("sk-upstream-0123456789");
    auto config = std::make_shared<provider_config>(*make_config(row, timeouts_));
    config->chat = {false, host, port, "/v1/chat/completions", host + ":" + std::to_string(port)};
    config->call_headers = with_call_headers({{"x-team", "blue"}});
    start<socket_client>(config);
  }
  void accept() {
    peer_.emplace(io_);
    until([&] {
      listener_.non_blocking(true);
      net::error_code ec;
      listener_.accept(*peer_, ec);
      return !ec;
    });
    peer_->non_blocking(true);
  }
  /// Reads one whole request.
  std::string request() {
    std::string text;
    until([&] {
      char bytes[4096];
      net::error_code ec;
      const auto got = peer_->read_some(asio::buffer(bytes), ec);
      text.append(bytes, got);
      return text.ends_with("}]}");
    });
    return text;
  }
  void say(std::string_view text) {
    asio::write(*peer_, asio::buffer(text.data(), text.size()));
    run();
  }
  /// Connects, and brings a call as far as its request.
  std::shared_ptr<heard> begin_call(bool stream = false) {
    auto what = make_call();
    what->settings.stream = stream;
    what->settings.mode = net::delivery::deltas;
    connect_to_server();
    const auto into = begin(what);
    accept();
    request();
    return into;
  }
  void expect_timeout(const std::shared_ptr<heard>& into, std::string_view words) {
    ASSERT_EQ(into->ends.size(), 1U);
    EXPECT_EQ(into->failure(), errc::upstream_timeout);
    EXPECT_NE(into->ends[0].verdict.failure->message.find(words), std::string::npos)
        << into->ends[0].verdict.failure->message;
    ASSERT_EQ(owner_state_->done.size(), 1U);
    EXPECT_EQ(owner_state_->done[0].outcome, client_done::verdict::failed);
    EXPECT_EQ(owner_state_->down, 1);
  }

  asio::io_context io_;
  net::tcp::acceptor listener_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::optional<net::tcp::socket> peer_;
  upstream_options timeouts_;
};

TEST_F(SocketClient, SendsTheRequestWithItsCredentials) {
  connect_to_server();
  const auto what = make_call();
  const auto into = begin(what);
  accept();
  const auto sent = request();
  EXPECT_TRUE(sent.starts_with("POST /v1/chat/completions HTTP/1.1\r\n")) << sent;
  for (const auto* line :
       {"\r\nx-team: blue\r\n", "\r\naccept-encoding: identity\r\n", "\r\naccept: application/json\r\n",
        "\r\nx-request-id: label\r\n", "\r\nauthorization: Bearer sk-upstream-0123456789\r\n\r\n"})
    EXPECT_NE(sent.find(line), std::string::npos) << line;
  EXPECT_TRUE(sent.ends_with("\r\n\r\n" + what->body));
  say(answer_text());
  until([&] { return !into->ends.empty(); });
  EXPECT_FALSE(into->failure());
  EXPECT_EQ(into->ends[0].verdict.answer->body, answer_body);
}

TEST_F(SocketClient, KeepsItsConnectionForTheNextCall) {
  const auto first = begin_call();
  say(answer_text());
  until([&] { return !first->ends.empty(); });
  EXPECT_TRUE(owner_state_->done.back().idle);
  const auto second = begin(make_call());
  request();  // on the same connection
  say(answer_text());
  until([&] { return !second->ends.empty(); });
  EXPECT_FALSE(second->failure());
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].prompt_tokens, 3);
  EXPECT_EQ(rows[1].completion_tokens, 2);
}

TEST_F(SocketClient, EndsWithAConnectionThatTheUpstreamCloses) {
  const auto into = begin_call();
  say("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: " + std::to_string(answer_body.size()) + "\r\n\r\n" +
      std::string(answer_body));
  until([&] { return owner_state_->down == 1; });
  EXPECT_FALSE(into->failure());
  EXPECT_FALSE(owner_state_->done[0].idle);
}

TEST_F(SocketClient, ReportsThatItsIdleConnectionIsGone) {
  const auto into = begin_call();
  say(answer_text());
  until([&] { return !into->ends.empty(); });
  peer_->close();
  until([&] { return owner_state_->expired.size() == 1; });
  EXPECT_EQ(owner_state_->down, 0);  // its owner decides
  // A call that was on its way already is made on a new connection.
  const auto next = begin(make_call());
  accept();
  request();
  say(answer_text());
  until([&] { return !next->ends.empty(); });
  EXPECT_FALSE(next->failure());
}

TEST_F(SocketClient, GivesUpAnIdleConnectionAfterItsTime) {
  const auto into = begin_call();
  say(answer_text());
  until([&] { return !into->ends.empty(); });
  advance(milliseconds(4'900));
  EXPECT_TRUE(owner_state_->expired.empty());
  past(milliseconds(100));
  EXPECT_EQ(owner_state_->expired.size(), 1U);
}

TEST_F(SocketClient, MakesACallOnAStaleConnectionOnceMore) {
  const auto first = begin_call();
  say(answer_text());
  until([&] { return !first->ends.empty(); });
  now_ += milliseconds(2'000);
  // The upstream closes just as the request is on its way: it read it, and answered nothing.
  const auto second = begin(make_call());
  request();
  peer_->close();
  accept();
  request();
  EXPECT_TRUE(second->ends.empty());
  peer_->close();  // a fresh connection that fails has no such excuse
  until([&] { return !second->ends.empty(); });
  EXPECT_EQ(second->failure(), errc::upstream_error);
  EXPECT_EQ(owner_state_->done.size(), 2U);
}

TEST_F(SocketClient, DoesNotRepeatACallOnAConnectionJustUsed) {
  const auto first = begin_call();
  say(answer_text());
  until([&] { return !first->ends.empty(); });
  now_ += milliseconds(500);
  const auto second = begin(make_call());
  request();
  peer_->close();
  until([&] { return !second->ends.empty(); });
  EXPECT_EQ(second->failure(), errc::upstream_error);
  EXPECT_TRUE(second->ends[0].verdict.elsewhere);
}

TEST_F(SocketClient, DoesNotRepeatACallThatWasAnsweredInPart) {
  const auto first = begin_call();
  say(answer_text());
  until([&] { return !first->ends.empty(); });
  now_ += milliseconds(2'000);
  const auto second = begin(make_call());
  request();
  say("HTTP/1.1 200");
  peer_->close();
  until([&] { return !second->ends.empty(); });
  EXPECT_EQ(second->failure(), errc::upstream_error);
}

TEST_F(SocketClient, StreamsAndEndsWithTheStream) {
  const auto into = begin_call(true);
  say(stream_head);
  say(event);
  until([&] { return into->content() == "Hel"; });
  say("data: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
  peer_->close();
  until([&] { return !into->ends.empty(); });
  EXPECT_FALSE(into->failure());
  EXPECT_EQ(into->content(), "Hello");
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome + " " + rows[0].source, "delivered estimated");
}

TEST_F(SocketClient, TakesACompleteStreamWhoseEndLingers) {
  const auto into = begin_call(true);
  say(stream_head);
  say(std::string(event) + "data: [DONE]\n\n");
  until([&] { return into->content() == "Hel"; });
  EXPECT_TRUE(into->ends.empty());
  past(milliseconds(1'000));
  ASSERT_EQ(into->ends.size(), 1U);
  EXPECT_FALSE(into->failure());
  EXPECT_FALSE(owner_state_->done[0].idle);
}

TEST_F(SocketClient, BooksABrokenStreamAsTruncated) {
  const auto into = begin_call(true);
  say(stream_head);
  say(event);
  until([&] { return !into->parts.empty(); });
  peer_->close();
  until([&] { return !into->ends.empty(); });
  EXPECT_EQ(into->failure(), errc::upstream_error);
  EXPECT_FALSE(into->ends[0].verdict.elsewhere);
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome + " " + rows[0].source, "truncated partial");
}

TEST_F(SocketClient, PassesAnErrorAnswerOnWithoutBlamingTheUpstream) {
  const auto into = begin_call();
  say(answer_text(R"({"error":{"message":"no such key sk-upstream-0123456789 here"}})", 429));
  until([&] { return !into->ends.empty(); });
  EXPECT_EQ(into->failure(), errc::upstream_status);
  EXPECT_EQ(into->ends[0].verdict.failure->http_status(), 429);
  for (const auto& text : {into->ends[0].verdict.failure->message, into->ends[0].verdict.answer->body}) {
    EXPECT_EQ(text.find("sk-upstream-0123456789"), std::string::npos) << text;
    EXPECT_NE(text.find("no such key"), std::string::npos) << text;
  }
  EXPECT_EQ(owner_state_->done[0].outcome, client_done::verdict::worked);
  EXPECT_TRUE(owner_state_->done[0].idle);
  EXPECT_TRUE(booked().empty());
}

TEST_F(SocketClient, ReusesNoConnectionWhoseRequestIsNotAllSent) {
  connect_to_server();
  auto what = make_call();
  what->body = std::string(32 * 1024 * 1024, ' ') + what->body;
  const auto into = begin(what);
  accept();
  say(answer_text(R"({"error":{"message":"too large"}})", 413));
  until([&] { return !into->ends.empty(); });
  EXPECT_EQ(into->failure(), errc::upstream_status);
  ASSERT_EQ(owner_state_->done.size(), 1U);
  EXPECT_FALSE(owner_state_->done[0].idle);
}

TEST_F(SocketClient, FailsWhenTheUpstreamRefusesTheConnection) {
  const auto port = listener_.local_endpoint().port();
  listener_.close();
  connect_to("127.0.0.1", port);
  const auto into = begin(make_call());
  until([&] { return !into->ends.empty(); });
  EXPECT_EQ(into->failure(), errc::upstream_error);
  EXPECT_TRUE(into->ends[0].verdict.elsewhere);
  EXPECT_EQ(owner_state_->done[0].outcome, client_done::verdict::failed);
  EXPECT_TRUE(booked().empty());
}

TEST_F(SocketClient, ResolvesTheNameOfTheUpstream) {
  connect_to("localhost", listener_.local_endpoint().port());
  const auto into = begin(make_call());
  accept();
  request();
  say(answer_text());
  until([&] { return !into->ends.empty(); });
  EXPECT_FALSE(into->failure());
}

TEST_F(SocketClient, FailsWhenTheUpstreamDoesNotAnswerInTime) {
  const auto into = begin_call();
  advance(milliseconds(1'900));
  EXPECT_TRUE(into->ends.empty());
  past(milliseconds(100));
  expect_timeout(into, "did not answer within 2 s");
  EXPECT_TRUE(into->ends[0].verdict.elsewhere);
  EXPECT_TRUE(booked().empty());
}

TEST_F(SocketClient, FailsWhenNoTokenComesInTimeWhateverCommentsDo) {
  const auto into = begin_call(true);
  say(stream_head);
  run();
  for (int i = 0; i < 3; ++i) {
    advance(milliseconds(900));
    say(": still here\n\n");
    run();
  }
  EXPECT_TRUE(into->ends.empty());
  past(milliseconds(400));
  expect_timeout(into, "no token within 3 s");
}

TEST_F(SocketClient, FailsWhenAStreamFallsSilent) {
  const auto into = begin_call(true);
  say(std::string(stream_head) + std::string(event));
  until([&] { return !into->parts.empty(); });
  past(milliseconds(4'000));
  expect_timeout(into, "fell silent for 4 s");
  EXPECT_EQ(booked().size(), 1U);
}

TEST_F(SocketClient, FailsWhenAnAnswerTakesTooLongInAll) {
  timeouts_.total_timeout = milliseconds(6'000);
  const auto into = begin_call(true);
  say(std::string(stream_head) + std::string(event));
  until([&] { return into->parts.size() == 1; });
  advance(milliseconds(3'000));
  say(event);
  until([&] { return into->parts.size() == 2; });
  past(milliseconds(3'000));
  expect_timeout(into, "did not finish its answer within 6 s");
}

TEST_F(SocketClient, ReadsNothingWhilePaused) {
  const auto into = begin_call(true);
  say(std::string(stream_head) + std::string(event));
  until([&] { return into->parts.size() == 1; });
  caf::anon_send(client_, call_pause{attempt_});
  run();
  say(event);
  for (int i = 0; i < 50; ++i) run();
  EXPECT_EQ(into->parts.size(), 1U);
  past(milliseconds(4'000));  // the client is slow, not the upstream
  EXPECT_TRUE(into->ends.empty());
  caf::anon_send(client_, call_resume{attempt_});
  until([&] { return into->parts.size() == 2; });
}

TEST_F(SocketClient, BooksNothingForACallThatIsCancelledBeforeItWasSent) {
  timeouts_.connect_timeout = milliseconds(60'000);
  connect_to_server();
  const auto into = std::make_shared<heard>();
  caf::anon_send(client_, route_call{make_call(), ++attempt_, {}, consumer(into)});
  caf::anon_send(client_, call_cancel{attempt_});
  run();
  ASSERT_EQ(owner_state_->done.size(), 1U);
  EXPECT_EQ(owner_state_->done[0].outcome, client_done::verdict::abandoned);
  EXPECT_TRUE(into->ends.empty());
  EXPECT_TRUE(booked().empty());
  EXPECT_EQ(owner_state_->down, 1);
}

TEST_F(SocketClient, BooksACallThatIsCancelledAfterItWasSent) {
  const auto into = begin_call();
  caf::anon_send(client_, call_cancel{attempt_});
  run();
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome, "client_cancelled");
  EXPECT_EQ(rows[0].prompt_tokens, 11);
  EXPECT_EQ(rows[0].completion_tokens, 0);
  EXPECT_TRUE(into->ends.empty());
  until([&] {  // the upstream sees us leave
    char byte = 0;
    net::error_code ec;
    peer_->read_some(asio::buffer(&byte, 1), ec);
    return ec == asio::error::eof || ec == asio::error::connection_reset;
  });
}

TEST_F(SocketClient, BooksACallOnceWhenItIsKilledOverIt) {
  begin_call(true);
  say(std::string(stream_head) + std::string(event));
  kill(client_);
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome, "interrupted");
}

TEST_F(SocketClient, BooksNothingWhenItIsKilledWhileConnecting) {
  connect_to_server();
  const auto into = std::make_shared<heard>();
  caf::anon_send(client_, route_call{make_call(), ++attempt_, {}, consumer(into)});
  caf::anon_send_exit(client_, caf::exit_reason::kill);
  run();
  EXPECT_TRUE(booked().empty());
}

}  // namespace
}  // namespace nexus
