// One stream connection, plain or TLS, without buffers while it idles: wait for readiness, read into the shard's
// scratch buffer, write at once and keep only what the kernel refuses. Owned and used by one shard's thread.
#pragma once

#include "net/edge_wait.hpp"
#include "net/tls.hpp"

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nexus::net {

class connection {
 public:
  /// Adopts an open socket: non-blocking, TCP_NODELAY.
  explicit connection(tcp::socket socket);
  ~connection();
  connection(connection&&) noexcept;
  connection& operator=(connection&&) noexcept;

  void start_tls(std::unique_ptr<tls_session> session) { tls_ = std::move(session); }
  bool encrypted() const { return tls_ != nullptr; }
  /// Runs a step of the TLS handshake; ok at once without TLS.
  io_status handshake();
  std::string tls_failure() const { return tls_ ? tls_->failure() : std::string(); }

  io_result read(std::span<char> into);
  /// Writes the pieces in order behind what is still unsent, as much as the kernel takes now; the rest is kept. Answers
  /// ok, want_read/want_write (something is kept: wait, then flush) or failed.
  io_status write(std::initializer_list<std::string_view> pieces);
  /// Keeps the pieces for a `flush` that is to follow soon, so that what is written meanwhile goes out with them;
  /// writes at once if they are many bytes. Answers as `write`.
  io_status cork(std::initializer_list<std::string_view> pieces);
  /// True if everything unsent waits for `flush`, not for the kernel.
  bool corked() const { return corked_; }
  io_status flush();
  size_t unsent() const { return unsent_.size() - sent_; }

  /// Calls `handler(error_code)` when there may be something to read: at once, though not from within the call, unless
  /// the last read or handshake said want_read. One wait at a time.
  template <class Handler>
  void wait_readable(Handler handler) {
    if (std::exchange(drained_, false)) return socket_.wait_edge(tcp::socket::wait_read, std::move(handler));
    asio::post(socket_.get_executor(), [handler = std::move(handler)]() mutable { handler(error_code()); });
  }
  /// The same for room to write, after want_write. One wait at a time.
  template <class Handler>
  void wait_writable(Handler handler) {
    socket_.wait_edge(tcp::socket::wait_write, std::move(handler));
  }
  /// Ends the waits under way: their handlers are called with operation_aborted.
  void cancel_waits();
  tcp::socket& socket() { return socket_; }
  bool is_open() const { return socket_.is_open(); }
  /// Ends our direction in order (close_notify, FIN); the peer's bytes may still be drained.
  void shutdown_send();
  /// Closes; waiting handlers are called with operation_aborted. Idempotent.
  void close();
  /// "192.0.2.7", or "" once unknown.
  std::string peer_address() const;

 private:
  io_status write_plain(std::initializer_list<std::string_view> pieces);
  void keep(std::initializer_list<std::string_view> pieces);
  edge_socket socket_;
  std::unique_ptr<tls_session> tls_;
  std::string unsent_;
  size_t sent_ = 0;
  bool drained_ = false;  // nothing to read since the last edge
  bool corked_ = false;
};

/// A listening socket with SO_REUSEPORT, so that each shard has its own.
class listener {
 public:
  explicit listener(asio::io_context& io) : acceptor_(io) {}
  /// "HOST:PORT"; the error is one sentence ("... is in use by another program."). Only the first listener of the
  /// process is `exclusive`: it makes sure that no other program shares the port, which SO_REUSEPORT alone would allow.
  result<void> open(const std::string& address, bool exclusive);
  uint16_t port() const;
  template <class Handler>
  void wait(Handler&& handler) {
    acceptor_.async_wait(tcp::acceptor::wait_read, std::forward<Handler>(handler));
  }
  /// Accepts one waiting connection; `ec` is would_block if there is none.
  tcp::socket accept(error_code& ec) { return acceptor_.accept(ec); }
  void close();

 private:
  tcp::acceptor acceptor_;
};

/// Splits "HOST:PORT" ("[::1]:8000" for IPv6); errc::invalid_request if it is neither.
result<std::pair<std::string, uint16_t>> split_address(std::string_view address);

}  // namespace nexus::net
