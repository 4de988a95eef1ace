// The master key: 32 bytes that unlock every stored secret. While it is being rotated it is a ring: the active key,
// which seals, and former ones, which only open. Values; any thread.
#pragma once

#include "conf/error.hpp"
#include "conf/secret.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::storage {

struct ring_key {
  std::string id;          // 4 bytes that tell it from others
  int64_t created_at = 0;  // ms; 0 if nobody wrote it down
  secret bytes;

  /// The id in hex.
  std::string name() const;
  /// Returns the 32-byte subkey of a purpose ("wrap", "apikey-pepper", "kcv") by HKDF-SHA-256.
  secret subkey(std::string_view purpose) const;
};

class master_key {
 public:
  static constexpr size_t id_bytes = 4;

  /// Takes 32 bytes in base64, or several such keys with commas between, the active one first. errc::invalid_request in
  /// one sentence otherwise.
  static result<master_key> from_base64(std::string_view text);
  /// Reads `file`: one key in base64, or a line `id created active|decrypt-only base64` for each of a ring. Makes it
  /// (mode 0600, fresh random bytes) if it is absent and `may_create`. Refuses a file that others can read or that is
  /// no regular file. `created` tells whether it was made.
  static result<master_key> from_file(const std::filesystem::path& file, bool may_create, bool& created);

  /// Of the active key.
  std::string id() const { return ring_.front().id; }
  secret subkey(std::string_view purpose) const { return ring_.front().subkey(purpose); }
  /// Returns 8 bytes that tell this key from another, for the store.
  std::string check_value() const;
  /// True if the check value is of a key of the ring.
  bool knows(std::string_view check_value) const;
  /// The active key first.
  const std::vector<ring_key>& ring() const { return ring_; }

  master_key duplicate() const;
  /// The same ring with a new active key.
  master_key with_fresh_key(int64_t now) const;
  master_key active_only() const;
  /// Writes the ring over `file`, whole or not at all.
  result<void> save(const std::filesystem::path& file) const;

 private:
  master_key() = default;
  static std::optional<master_key> from_text(std::string_view text);
  std::vector<ring_key> ring_;  // never empty
};

}  // namespace nexus::storage
