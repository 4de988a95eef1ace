// The STATS-WRITER: the only actor with the writing connection of the store, on a thread of its own. Settled requests
// become rows in batches; what cannot be written now stays in the journal, in order, until it can.
#pragma once

#include "actors/hub.hpp"
#include "storage/store.hpp"

namespace nexus {

struct stats_writer_state {
  nexus::hub* hub = nullptr;
  std::unique_ptr<storage::store> store;
  std::vector<storage::ledger_entry*> waiting;  // those that the store refused so far
  uint64_t durable = 0;                         // of `ledger::note_sent`: up to it, the journal is on the disk
  std::chrono::steady_clock::time_point calibrations_kept{};
  bool retry_armed = false;
  static inline const char* name = "stats-writer";
};

stats_writer_actor::behavior_type stats_writer(stats_writer_actor::stateful_pointer<stats_writer_state> self, hub* hub,
                                               const std::shared_ptr<std::unique_ptr<storage::store>>& store);

/// Turns the store's rows into shared values.
std::shared_ptr<const control_state> share(storage::control_plane&& rows);

}  // namespace nexus
