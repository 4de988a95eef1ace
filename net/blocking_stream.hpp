// One connection for code that may wait: resolves, connects, speaks TLS, sends and reads, each step within a deadline.
// Only for threads of their own, never a shard's. Whoever writes over TLS must have SIGPIPE ignored.
#pragma once

#include "net/tls.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::net {

/// How long a step may take.
struct patience {
  std::chrono::steady_clock::time_point until;
  std::chrono::milliseconds allowed{0};     // what `until` was made from, for the message
  const std::atomic<bool>* stop = nullptr;  // ends the wait early with errc::shutting_down once true; must outlive it

  static patience lasting(std::chrono::milliseconds time, const std::atomic<bool>* stop = nullptr) {
    return {std::chrono::steady_clock::now() + time, time, stop};
  }
};

struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  /// "192.0.2.7"
  std::string text() const;
};

/// Resolves a name, or takes an address as it is. The system's resolver knows no deadline: when ours passes, its thread
/// is left to end by itself.
result<std::vector<socket_address>> resolve(const std::string& host, uint16_t port, const patience& patience);

class blocking_stream {
 public:
  blocking_stream() = default;
  ~blocking_stream() { close(); }
  blocking_stream(const blocking_stream&) = delete;
  blocking_stream& operator=(const blocking_stream&) = delete;

  /// Connects to the first address that accepts, and returns it.
  result<socket_address> connect(const std::vector<socket_address>& addresses, const patience& patience);
  result<void> start_tls(const std::shared_ptr<tls_context>& context, const std::string& host,
                         const patience& patience);
  /// Sends all of it. errc::upstream_error if the peer takes no more: it may have answered nevertheless.
  result<void> write(std::string_view bytes, const patience& patience);
  /// Returns how many bytes came, 0 at the end of the stream.
  result<size_t> read(std::span<char> into, const patience& patience);
  bool is_open() const { return socket_ >= 0; }
  void close();

 private:
  result<void> connect_one(const socket_address& address, const patience& patience);
  io_result write_some(std::string_view bytes);
  io_result read_some(std::span<char> into);
  int socket_ = -1;
  std::unique_ptr<tls_session> tls_;
};

/// "10 s", "250 ms".
std::string time_text(std::chrono::milliseconds time);

}  // namespace nexus::net
