// Secrets at rest: AES-256-GCM envelopes bound to their row, under a key derived from the master key.
// Pure but for the master key's file; any thread.
#pragma once

#include "conf/error.hpp"
#include "conf/secret.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace nexus::storage {

/// 32 bytes that unlock everything; derives one subkey for each purpose by HKDF-SHA-256.
class master_key {
 public:
  /// Takes 32 bytes in base64. errc::invalid_request in one sentence otherwise.
  static result<master_key> from_base64(std::string_view text);
  /// Reads `file`; makes it (mode 0600, fresh random bytes) if it is absent and `may_create`. Refuses a file that
  /// others can read or that is no regular file. `created` tells whether it was made.
  static result<master_key> from_file(const std::filesystem::path& file, bool may_create, bool& created);

  master_key(master_key&&) noexcept = default;
  master_key& operator=(master_key&&) noexcept = default;

  /// Returns the 32-byte subkey of a purpose: "wrap", "apikey-pepper", "session", "kcv".
  secret subkey(std::string_view purpose) const;
  /// Returns 8 bytes that tell this key from another, for the store.
  std::string check_value() const;

 private:
  explicit master_key(secret bytes) : bytes_(std::move(bytes)) {}
  secret bytes_;
};

/// Seals `plain` so that it opens only with the same key at the same place (table, column, row id).
/// Layout: version(1) | nonce(12) wrapped data key(32) tag(16) | nonce(12) | text | tag(16); a fresh data key per call.
/// An empty secret is an empty text.
std::string seal(const master_key& key, std::string_view table, std::string_view column, std::string_view row_id,
                 const secret& plain);
/// errc::storage_error if a bit, the place or the key differs.
result<secret> open(const master_key& key, std::string_view table, std::string_view column, std::string_view row_id,
                    std::string_view sealed);

/// HKDF-SHA-256 (RFC 5869): `count` bytes for one purpose.
secret derive_key(const secret& key, std::string_view salt, std::string_view purpose, size_t count);
/// HMAC-SHA-256 of `text`, 32 bytes.
std::string keyed_digest(const secret& key, std::string_view text);
/// `count` bytes of the system's randomness.
std::string random_bytes(size_t count);
/// Base64url without padding.
std::string base64url(std::string_view bytes);
/// Compares in time that depends on the lengths alone.
bool equal_constant_time(std::string_view left, std::string_view right);

}  // namespace nexus::storage
