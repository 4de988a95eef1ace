// The TOKEN-COUNTER: loads vocabularies and counts long texts on a thread of its own, so that no shard waits.
#pragma once

#include "actors/protocols.hpp"

namespace nexus {

/// A prompt longer than this is counted by the token-counter: a shard would serve nobody else for a millisecond.
constexpr size_t counted_at_once_bytes = 256 * 1024;
/// Longest that a request waits for its count. Then it is estimated.
constexpr std::chrono::seconds count_time{30};

/// To be spawned detached. `calibrations` must outlive it.
token_counter_actor::behavior_type token_counter(token_counter_actor::pointer self,
                                                 const model_calibrations* calibrations);

/// True if the text can be counted where one stands: its vocabulary is loaded, or there is none, and it is not long.
bool can_count_at_once(const model_counting& counting, size_t bytes);

}  // namespace nexus
