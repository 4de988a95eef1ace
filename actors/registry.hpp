// The REGISTRY: owns the control plane's state and is the only one to change it. One change after the other: merged
// with the present state, stored, published to every shard, then answered.
#pragma once

#include "actors/hub.hpp"

#include <deque>

namespace nexus {

struct registry_state {
  nexus::hub* hub = nullptr;
  std::shared_ptr<const nexus::options> options;
  std::shared_ptr<const control_state> control;
  std::vector<caf::actor> shards;
  uint64_t version = 0;
  // The change under way and those behind it; bounded, because every one holds an administrator's request open.
  std::deque<std::function<void()>> queue;
  bool busy = false;
  static inline const char* name = "registry";
};

registry_actor::behavior_type registry(registry_actor::stateful_pointer<registry_state> self, nexus::hub* hub,
                                       std::shared_ptr<const options> options,
                                       std::shared_ptr<const control_state> control);

/// Returns the row with the patch's members in place of its own.
storage::provider apply_patch(const storage::provider& row, const provider_patch& patch);
storage::provider_model apply_patch(const storage::provider_model& row, const model_patch& patch);
storage::api_key apply_patch(const storage::api_key& row, const key_patch& patch);

}  // namespace nexus
