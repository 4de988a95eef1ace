// The ROUTER: one per shard, with the shard's snapshot at hand. Chooses a provider for each attempt and delegates the
// call.
#pragma once

#include "actors/shard.hpp"

namespace nexus {

/// Returns the provider for the next attempt, or null: among those that serve the model, are not yet tried, and match
/// `only` (if set), the best priority; among equals by weight, with `random` in [0, 1).
provider_ptr choose_provider(const std::vector<provider_ptr>& candidates, const std::vector<int64_t>& tried,
                             std::optional<int64_t> only, double random);

class router final : public shard_actor {
 public:
  using shard_actor::shard_actor;
  const char* name() const override { return "router"; }

 protected:
  caf::behavior make_behavior() override;

 private:
  void route(route_call& request);
  std::map<int64_t, caf::actor> providers_;
};

/// Answers an attempt that reached no upstream.
void refuse_call(shard_actor& sender, const route_call& request, error failure, bool elsewhere,
                 int64_t provider_id = 0);

}  // namespace nexus
