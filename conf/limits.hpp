// Bounds that are no setting: each with its reason. All sizes in bytes.
#pragma once

#include <cstddef>

namespace nexus::limits {

/// A shard's one read buffer; also the most of a peer's bytes that wait unparsed.
constexpr size_t scratch_bytes = 32 * 1024;

/// A request head: room for large cookies; more is an attack or a mistake.
constexpr size_t head_bytes_max = 16 * 1024;
constexpr size_t header_fields_max = 100;
constexpr size_t target_bytes_max = 8 * 1024;

/// One chunk-size line with its extension.
constexpr size_t chunk_extension_bytes_max = 256;

/// An upstream's response head.
constexpr size_t upstream_head_bytes_max = 64 * 1024;

/// Longest event of an event stream. A whole tool call fits; beyond this a peer is broken or hostile.
constexpr size_t sse_event_bytes_max = 1024 * 1024;

/// What is read of an upstream's stream at a time, before its reader may say that it is too much.
constexpr size_t stream_read_bytes = 16 * 1024;

/// Bytes the kernel did not take: past the high mark the other side is no longer read, below the low mark it is again.
/// A reader that takes nothing so holds up to the high mark and two reads: 48 KiB.
constexpr size_t unsent_high_bytes = 16 * 1024;
constexpr size_t unsent_low_bytes = 4 * 1024;

/// JSON nesting: real requests stay under ten.
constexpr unsigned json_depth_max = 64;

/// A control-plane body: a provider with its headers.
constexpr size_t control_body_bytes_max = 256 * 1024;

/// An upstream's error body that is passed on.
constexpr size_t error_body_bytes_max = 64 * 1024;

/// What a running WebSocket chat keeps for a resume.
constexpr size_t replay_bytes_max = 1024 * 1024;

/// Conversations remembered for recognising a continued history.
constexpr size_t conversations_remembered_max = 65'536;

/// Sessions of browsers, one each; the least recently used makes room.
constexpr size_t sessions_max = 1'024;

}  // namespace nexus::limits
