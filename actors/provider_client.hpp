// The PROVIDER-CLIENT actors: one per upstream connection in use. The base runs a call through the state machine of
// net/upstream_call and settles it on every exit; what differs is where the bytes come from: a socket, or the built-in
// demo.
#pragma once

#include "actors/shard.hpp"
#include "net/socket.hpp"
#include "net/upstream_call.hpp"

namespace nexus {

class provider_client : public shard_actor {
 public:
  provider_client(caf::actor_config& config, shard& home, caf::actor owner, provider_ptr settings);
  ~provider_client() override;
  const char* name() const override { return "provider-client"; }

 protected:
  caf::behavior make_behavior() final;
  void on_exit() final;

  virtual void on_call() = 0;  // a new call stands in `current()`
  virtual void on_event(shard_event::kind) = 0;
  virtual void on_flow(bool paused) = 0;
  virtual bool can_rest() const { return true; }  // what there is may serve another call
  virtual void drop() = 0;                        // close whatever there is, at once

  const call& current() const { return *request_.what; }
  const provider_config& config() const { return *config_; }
  bool busy() const { return machine_.has_value(); }
  bool paused() const { return paused_; }
  net::upstream_call& machine() { return *machine_; }
  std::chrono::milliseconds elapsed() const;

  /// The upstream may have read the request from now on.
  void mark_sent() { sent_ = true; }
  caf::actor& owner() { return owner_; }
  /// Begins the machine for the current call anew (a stale connection is replaced before anything was answered).
  void restart_machine();
  /// Feeds what the upstream said; sends on what it yields. True while the call goes on.
  bool feed(std::string_view bytes);
  void feed_end(bool reset);
  /// Ends the call with a failure of the hub's own finding.
  void fail(error failure);

 private:
  void cancel(uint64_t attempt);
  void send_part();
  void forget_call();
  void finish(net::call_verdict verdict);
  caf::actor owner_;
  provider_ptr config_;
  route_call request_;
  std::optional<net::upstream_call> machine_;
  net::stream_part part_;
  net::steady_time begun_{};
  std::chrono::milliseconds ttft_{0};
  bool paused_ = false;
  bool sent_ = false;
};

/// Makes the client that a provider's kind needs.
caf::actor make_provider_client(shard& home, caf::actor owner, provider_ptr config);

}  // namespace nexus
