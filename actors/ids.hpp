// Identifiers that the hub makes. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace nexus {

/// Milliseconds since 1970 UTC, for stamps only: never for measuring.
int64_t wall_clock_ms();

/// Returns a ULID: 26 characters, ordered by time, 80 random bits.
std::string make_ulid();
inline std::string make_request_id() { return "req_" + make_ulid(); }
inline std::string make_conversation_id() { return "conv_" + make_ulid(); }

}  // namespace nexus
