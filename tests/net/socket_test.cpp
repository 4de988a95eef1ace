#include "net/socket.hpp"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <optional>

namespace nexus::net {
namespace {

// A connection over loopback, and the peer's end of it.
class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    tcp::acceptor acceptor(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    peer_.connect(acceptor.local_endpoint());
    ours_.emplace(acceptor.accept());
  }

  void say(std::string_view text) { asio::write(peer_, asio::buffer(text)); }

  // Everything there is; the last status says why it ended.
  std::pair<io_status, std::string> read_all() {
    std::string text;
    std::array<char, 64> buffer;
    for (;;) {
      const auto [status, bytes] = ours_->read(buffer);
      if (status != io_status::ok) return {status, text};
      text.append(buffer.data(), bytes);
    }
  }

  // Starts a wait; `calls_` counts what it brings.
  void wait_to_read() {
    ours_->wait_readable([this](error_code ec) {
      ++calls_;
      ec_ = ec;
    });
  }

  // Runs what is ready now. A byte over loopback is there as soon as its write returns.
  void run_ready() {
    io_.restart();
    io_.poll();
  }

  asio::io_context io_;
  tcp::socket peer_{io_};
  std::optional<connection> ours_;
  int calls_ = 0;
  error_code ec_;
};

TEST_F(ConnectionTest, AnswersAtOnceUntilTheSocketWasSeenEmpty) {
  wait_to_read();
  EXPECT_EQ(calls_, 0);
  run_ready();
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(read_all(), std::pair(io_status::want_read, std::string()));
  wait_to_read();  // the reactor does not know yet that it is empty
  run_ready();
  const auto before = calls_;
  EXPECT_EQ(read_all().first, io_status::want_read);
  wait_to_read();
  run_ready();
  EXPECT_EQ(calls_, before);
}

TEST_F(ConnectionTest, CallsOnceForEachTimeThatBytesArrive) {
  read_all();
  for (const auto* const text : {"one", "two", "three"}) {
    do {  // until it sleeps
      read_all();
      calls_ = 0;
      wait_to_read();
      run_ready();
    } while (calls_ > 0);
    say(text);
    run_ready();
    EXPECT_EQ(calls_, 1);
    EXPECT_FALSE(ec_);
    EXPECT_EQ(read_all().second, text);
  }
}

TEST_F(ConnectionTest, SeesBytesThatArriveBetweenTheReadAndTheWait) {
  read_all();
  say("late");
  run_ready();  // the edge passes while nobody waits
  wait_to_read();
  run_ready();
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(read_all().second, "late");
}

TEST_F(ConnectionTest, SeesBytesOfAnEdgeThatWasNotReadAfter) {
  read_all();
  wait_to_read();
  run_ready();
  read_all();
  wait_to_read();
  say("left");
  run_ready();
  calls_ = 0;
  wait_to_read();  // without a read before
  run_ready();
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(read_all().second, "left");
}

TEST_F(ConnectionTest, SeesAnEndThatCameTogetherWithBytes) {
  wait_to_read();
  run_ready();
  read_all();
  say("last");
  peer_.shutdown(tcp::socket::shutdown_send);
  wait_to_read();
  run_ready();
  EXPECT_EQ(read_all(), std::pair(io_status::closed, std::string("last")));
}

TEST_F(ConnectionTest, EndsAWaitWhenItIsCancelledOrClosed) {
  do {
    read_all();
    calls_ = 0;
    wait_to_read();
    run_ready();
  } while (calls_ > 0);
  ours_->cancel_waits();
  run_ready();
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(ec_, asio::error::operation_aborted);
  read_all();
  wait_to_read();
  ours_->close();
  run_ready();
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(ec_, asio::error::operation_aborted);
}

TEST_F(ConnectionTest, KeepsWhatTheKernelRefusesAndWritesItWhenThereIsRoom) {
  const std::string block(256 * 1024, 'x');
  size_t sent = 0;
  while (ours_->write({block}) == io_status::ok) sent += block.size();
  sent += block.size();
  ASSERT_GT(ours_->unsent(), 0U);
  std::string got;
  std::array<char, 64 * 1024> buffer;
  while (got.size() < sent) {
    bool writable = false;
    if (ours_->unsent() > 0) ours_->wait_writable([&](error_code ec) { writable = !ec; });
    got.append(buffer.data(), peer_.read_some(asio::buffer(buffer)));
    run_ready();
    if (writable) ours_->flush();
    if (!writable && ours_->unsent() > 0) ours_->cancel_waits();
    run_ready();
  }
  EXPECT_EQ(got.size(), sent);
  EXPECT_EQ(got.find_first_not_of('x'), std::string::npos);
  EXPECT_EQ(ours_->unsent(), 0U);
}

TEST_F(ConnectionTest, CorksUntilItIsFlushedAndKeepsTheOrder) {
  EXPECT_EQ(ours_->cork({"a", "b"}), io_status::ok);
  EXPECT_TRUE(ours_->corked());
  EXPECT_EQ(ours_->cork({"c"}), io_status::ok);
  EXPECT_EQ(ours_->unsent(), 3U);
  EXPECT_EQ(peer_.available(), 0U);
  EXPECT_EQ(ours_->flush(), io_status::ok);
  EXPECT_FALSE(ours_->corked());
  EXPECT_EQ(peer_.available(), 3U);
  ours_->cork({"d"});
  const std::string large(64 * 1024, 'e');
  EXPECT_EQ(ours_->cork({large}), io_status::ok);  // too much to be copied for it
  EXPECT_FALSE(ours_->corked());
  std::string got(4 + large.size(), '\0');
  asio::read(peer_, asio::buffer(got));
  EXPECT_EQ(got, "abcd" + large);
}

TEST_F(ConnectionTest, CorksNothingBehindWhatTheKernelRefused) {
  const std::string block(256 * 1024, 'x');
  while (ours_->write({block}) == io_status::ok) {
  }
  const auto before = ours_->unsent();
  EXPECT_NE(ours_->cork({"y"}), io_status::ok);
  EXPECT_FALSE(ours_->corked());
  EXPECT_EQ(ours_->unsent(), before + 1);
}

}  // namespace
}  // namespace nexus::net
