// The STATS-READER: answers what reads much of the store, on a thread and a connection of its own, so that the writer
// goes on writing. Ask it after the stats-writer has committed (`commit_rows`).
#pragma once

#include "actors/protocols.hpp"

#include <filesystem>

namespace nexus {

/// To be spawned detached.
stats_reader_actor::behavior_type stats_reader(stats_reader_actor::pointer self, const std::filesystem::path& file);

}  // namespace nexus
