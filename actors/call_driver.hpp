// A consumer's hold on its call: the attempts, one after the other over the providers that serve the model, and the
// flow of the present one. Lives in the consumer's state; the consumer forwards it the call's messages.
#pragma once

#include "actors/shard.hpp"

namespace nexus {

class call_driver {
 public:
  call_driver(shard_actor& owner, call_ptr call);

  /// Sends the (next) attempt to the router; an error if the router is being restarted.
  result<void> attempt();
  /// True if a message belongs to the present attempt; every other one is to be ignored.
  bool is_present(uint64_t attempt) const { return attempt == attempt_; }
  void on_accepted(call_accepted& message);
  /// Notes the end of an attempt. True if another provider is worth a try: call `attempt()` then. `answered` means that
  /// something already reached the client.
  bool on_end(const call_end& message, bool answered);

  void pause();
  void resume();
  /// `is_stop`: the user wants it ended; else the client is gone.
  void cancel(bool is_stop = false);

  const nexus::call& call() const { return *call_; }
  const provider_ptr& provider() const { return provider_; }
  /// Time the upstreams took so far, the running attempt included.
  std::chrono::microseconds upstream_time() const;

 private:
  shard_actor& owner_;
  call_ptr call_;
  size_t candidates_;
  uint64_t attempt_ = 0;
  std::vector<int64_t> tried_;
  caf::actor client_;
  provider_ptr provider_;
  net::steady_time attempt_started_{};
  std::chrono::microseconds upstream_time_{0};
  bool paused_ = false;
};

}  // namespace nexus
