// Secrets at rest: AES-256-GCM envelopes bound to their row, under a key derived from the master key. Pure; any thread.
#pragma once

#include "conf/error.hpp"
#include "conf/secret.hpp"
#include "storage/master_key.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace nexus::storage {

/// Seals `plain` so that it opens only with the same key at the same place (table, column, row id).
/// Layout: version(1) key id(4) | nonce(12) wrapped data key(32) tag(16) | nonce(12) | text | tag(16); a fresh data key
/// per call.
/// An empty secret is an empty text.
std::string seal(const master_key& key, std::string_view table, std::string_view column, std::string_view row_id,
                 const secret& plain);
/// What every text begins with that is sealed under the ring's active key.
std::string seal_head(const master_key& key);
/// Opens with whichever key of the ring sealed it. errc::storage_error if a bit, the place or the key differs.
result<secret> open(const master_key& key, std::string_view table, std::string_view column, std::string_view row_id,
                    std::string_view sealed);

/// HKDF-SHA-256 (RFC 5869): `count` bytes for one purpose.
secret derive_key(const secret& key, std::string_view salt, std::string_view purpose, size_t count);
/// HMAC-SHA-256 of `text`, 32 bytes.
std::string keyed_digest(const secret& key, std::string_view text);
/// `count` bytes of the system's randomness.
std::string random_bytes(size_t count);
/// Zeros for a secret to be written over: on the heap even if it is short, so that moving it leaves no copy behind.
std::string plain_buffer(size_t size);
std::string base64(std::string_view bytes);
/// Base64url without padding.
std::string base64url(std::string_view bytes);
/// Compares in time that depends on the lengths alone.
bool equal_constant_time(std::string_view left, std::string_view right);

}  // namespace nexus::storage
