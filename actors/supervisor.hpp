// The SUPERVISORS. A shard's supervisor starts and restarts its router and its provider actors and hands them the
// snapshots that the registry publishes. The root watches the shards' supervisors; when restarting does not help, the
// process ends with exit code 70 and whoever runs it starts it afresh.
#pragma once

#include "actors/provider.hpp"
#include "actors/restart_policy.hpp"
#include "actors/shard.hpp"

namespace nexus {

class shard_supervisor final : public shard_actor {
 public:
  shard_supervisor(caf::actor_config& config, shard& home, provider::client_factory make_client);
  const char* name() const override { return "shard-supervisor"; }

 protected:
  caf::behavior make_behavior() override;
  void on_exit() override;

 private:
  struct child {
    caf::actor actor;  // null while its restart is pending
    provider_ptr config;
    net::steady_time restart_at{};
  };
  void use(const snapshot_ptr& snapshot);
  void start_router();
  void start_provider(child& child);
  void publish_routes();
  void on_down(const caf::down_msg& down);
  void restart_due();
  void arm_restart(std::chrono::milliseconds pause);
  void access_may_have_changed();

  provider::client_factory make_client_;
  caf::actor router_;
  bool router_pending_ = true;
  std::map<int64_t, child> providers_;
  restart_policy policy_;
  own_deadline restart_deadline_;
  own_deadline expiry_deadline_;  // of the key that expires next
};

/// The root: `start` makes the supervisor of a shard again, on that shard.
struct root_supervisor_state {
  std::map<caf::actor_id, std::function<caf::actor()>> children;
  restart_policy policy;
  static inline const char* name = "root-supervisor";
};

/// `give_up` is called when restarting shards does not help: main ends the process.
caf::behavior root_supervisor(caf::stateful_actor<root_supervisor_state>* self, std::function<void()> give_up);

}  // namespace nexus
