// The PROVIDER actor: one per provider and shard. Holds its idle clients, bounds its connections, queues what has to
// wait, and keeps its callers away from an upstream that fails (circuit breaker with back-off).
#pragma once

#include "actors/shard.hpp"
#include "net/circuit_breaker.hpp"

#include <deque>
#include <unordered_map>
#include <unordered_set>

namespace nexus {

class provider final : public shard_actor {
 public:
  /// Makes a client of this provider; monitored by it.
  using client_factory = std::function<caf::actor(shard&, caf::actor provider, provider_ptr config)>;

  provider(caf::actor_config& config, shard& home, provider_ptr settings, client_factory make_client);
  const char* name() const override { return "provider"; }

 protected:
  caf::behavior make_behavior() override;
  void on_exit() override;

 private:
  // The call that the half-open circuit let through is its trial: what others do says nothing about it.
  struct waiting_call {
    route_call request;
    bool is_trial;
    net::steady_time until;
  };
  struct running_call {
    route_call request;
    bool is_trial;
  };
  void admit(route_call& request);
  void dispatch(route_call& request, bool is_trial);
  void pump_queue();
  waiting_call take_waiting();
  void on_done(const client_done& done);
  void on_down(const caf::down_msg& down);
  void note_failure(bool is_trial);
  void note_abandoned(bool is_trial);
  void note_circuit(bool open);
  void expire_queue();
  void finish_if_retired();
  provider_ptr config_;
  client_factory make_client_;
  net::circuit_breaker breaker_;
  std::unordered_map<caf::actor_id, caf::actor> clients_;  // all that live
  std::unordered_map<caf::actor_id, running_call> busy_;   // what they are at
  std::unordered_set<caf::actor_id> outdated_;             // busy ones of a former configuration
  std::vector<caf::actor> idle_;                           // last used last
  std::deque<waiting_call> queue_;
  own_deadline queue_deadline_;
  bool retired_ = false;
  bool circuit_noted_ = false;
};

}  // namespace nexus
