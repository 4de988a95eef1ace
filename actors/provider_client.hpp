// The PROVIDER-CLIENT actors: one per upstream connection in use. The base runs a call through the state machine of
// net/upstream_call and settles it on every exit; what differs is where the bytes come from: a socket, or the built-in
// demo.
#pragma once

#include "actors/completion_meter.hpp"
#include "actors/shard.hpp"
#include "net/socket.hpp"
#include "net/upstream_call.hpp"

namespace nexus {

struct outcome_facts;

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
  virtual bool can_rest() const { return true; }      // what there is may serve another call
  virtual void drop() = 0;                            // close whatever there is, at once
  virtual void on_left(std::chrono::milliseconds) {}  // nobody listens any more: finish within this time (0: no bound)

  const call& current() const { return *request_.what; }
  const provider_config& config() const { return *config_; }
  bool busy() const { return machine_.has_value(); }
  bool paused() const { return paused_; }
  net::upstream_call& machine() { return *machine_; }
  std::chrono::milliseconds elapsed() const;

  /// The upstream may have the request from now on: says so in the ledger, then calls `go`, at once or, where nothing
  /// may be lost with the machine either, when that is on the disk.
  void record_sent(std::function<void()> go);
  caf::actor& owner() { return owner_; }
  /// Begins the machine for the current call anew (a stale connection is replaced before anything was answered).
  void restart_machine();
  /// Feeds what the upstream said; sends on what it yields. True while the call goes on.
  bool feed(std::string_view bytes);
  void feed_end(bool reset);
  /// Ends the call with a failure of the hub's own finding.
  void fail(error failure);

 private:
  void cancel(const call_cancel& message);
  bool leave();
  bool drained_enough() const;
  void close_account(const std::optional<error>& failure, call_end& end);
  void note_sent();
  void send_part();
  void forget_call();
  outcome_facts facts(storage::outcome outcome) const;
  void finish(net::call_verdict verdict);
  caf::actor owner_;
  provider_ptr config_;
  route_call request_;
  std::optional<completion_meter> meter_;  // before the machine, which speaks to it
  std::optional<net::upstream_call> machine_;
  net::stream_part part_;
  net::steady_time begun_{};
  std::chrono::milliseconds ttft_{0};
  bool paused_ = false;
  bool sent_ = false;
  bool left_ = false;  // the consumer is gone, the call is read on for its usage
};

/// Makes the client that a provider's kind needs.
caf::actor make_provider_client(shard& home, caf::actor owner, provider_ptr config);

}  // namespace nexus
