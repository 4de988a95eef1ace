// A provider-client over HTTP/1.1, plain or TLS: resolves, connects, sends, reads; keeps its connection for the next
// call.
#pragma once

#include "actors/provider_client.hpp"

namespace nexus {

class socket_client final : public provider_client {
 public:
  socket_client(caf::actor_config& config, shard& home, caf::actor owner, provider_ptr settings);

 protected:
  void on_call() override;
  void on_event(shard_event::kind what) override;
  void on_flow(bool paused) override;
  bool can_rest() const override { return connection_ && connection_->unsent() == 0; }
  void drop() override;
  void on_left(std::chrono::milliseconds time) override;
  void on_flush() override;

 private:
  // What the client waits for, each with its own deadline.
  enum class phase { idle, connecting, handshaking, awaiting_head, awaiting_first, streaming };

  void connect();
  void try_next_endpoint();
  void on_connected();
  void handshake();
  void send_request();
  net::io_status write_request();
  void flush();
  void read();
  void watch_idle();
  void expire();
  void on_closed(bool reset);
  void on_deadline();
  void await_readable();
  void await_writable();
  void enter(phase next);
  void rest();
  bool may_retry_stale() const;

  net::tcp::resolver resolver_;
  std::vector<net::tcp::endpoint> endpoints_;
  size_t endpoint_ = 0;
  std::optional<net::connection> connection_;
  net::error_code connect_error_;
  own_deadline deadline_;
  net::steady_time phase_end_{};
  net::steady_time total_end_{};
  net::steady_time idle_since_{};
  std::chrono::milliseconds idle_before_{0};  // how long the connection rested before this call
  phase phase_ = phase::idle;
  bool reused_ = false;
  bool request_due_ = false;  // it goes out with the shard's next flush
  bool waiting_read_ = false;
  bool waiting_write_ = false;
};

}  // namespace nexus
