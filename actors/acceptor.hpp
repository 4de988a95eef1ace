// A shard's listener: accepts connections and starts their sessions. Used on the shard's thread only, once it runs.
#pragma once

#include "actors/shard.hpp"
#include "net/socket.hpp"

namespace nexus {

class acceptor {
 public:
  explicit acceptor(shard& home) : home_(home), listener_(home.io()), pause_(home.io()) {}

  /// Before the shard runs. See net::listener::open.
  result<void> open(const std::string& address, bool exclusive) { return listener_.open(address, exclusive); }
  uint16_t port() const { return listener_.port(); }
  /// Null: plain HTTP. New connections use it from the next one on.
  void use_tls(std::shared_ptr<net::tls_context> tls) { tls_ = std::move(tls); }
  void start();
  void close();

 private:
  void accept_waiting();
  void start_session(net::tcp::socket socket);
  shard& home_;
  net::listener listener_;
  net::asio::steady_timer pause_;
  std::shared_ptr<net::tls_context> tls_;
};

}  // namespace nexus
