// The PROBER: makes one blocking look at an upstream on a thread of its own, answers, and ends. A few at once for the
// whole process; who is one too many is turned away.
#pragma once

#include "actors/protocols.hpp"

#include <atomic>

namespace nexus {

/// Longest a look at an upstream takes.
constexpr std::chrono::seconds probe_time{30};
/// Each holds a thread and a connection; people press a button for it.
constexpr uint32_t probes_max = 4;

/// The right to run one prober; given back when it dies.
class probe_permit {
 public:
  /// Null if `probes_max` are out.
  static std::shared_ptr<const probe_permit> take();
  ~probe_permit();
  probe_permit(const probe_permit&) = delete;
  probe_permit& operator=(const probe_permit&) = delete;

 private:
  probe_permit() = default;
};

/// To be spawned detached. `draining` ends it early once true and must outlive it.
prober_actor::behavior_type prober(prober_actor::pointer self, const std::shared_ptr<const probe_permit>& permit,
                                   const std::atomic<bool>* draining);

}  // namespace nexus
