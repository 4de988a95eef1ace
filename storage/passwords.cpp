#include "storage/passwords.hpp"

#include "conf/log.hpp"
#include "storage/secrets.hpp"

#include <argon2.h>
#include <fmt/format.h>

#include <cstdlib>

namespace nexus::storage {

namespace {

// The least that OWASP recommends for argon2id.
constexpr uint32_t memory_kib = 19'456;
constexpr uint32_t passes = 2;
constexpr uint32_t lanes = 1;
constexpr uint32_t salt_bytes = 16;
constexpr uint32_t hash_bytes = 32;

std::string parameters() { return fmt::format("$argon2id$v=19$m={},t={},p={}$", memory_kib, passes, lanes); }

}  // namespace

std::string hash_password(const secret& password) {
  const auto text = password.reveal();
  const auto salt = random_bytes(salt_bytes);
  std::string encoded(argon2_encodedlen(passes, memory_kib, lanes, salt_bytes, hash_bytes, Argon2_id), '\0');
  const int code = argon2id_hash_encoded(passes, memory_kib, lanes, text.data(), text.size(), salt.data(), salt.size(),
                                         hash_bytes, encoded.data(), encoded.size());
  if (code != ARGON2_OK) {
    // Memory has run out, or the library is broken: going on would mean an account without a password.
    log::storage().error("crypto-failed", "argon2 failed: {}.", argon2_error_message(code));
    std::abort();
  }
  encoded.resize(encoded.find('\0'));
  return encoded;
}

bool verify_password(const std::string& hash, const secret& password) {
  return argon2id_verify(hash.c_str(), password.reveal().data(), password.reveal().size()) == ARGON2_OK;
}

bool is_outdated_hash(const std::string& hash) { return !hash.starts_with(parameters()); }

const std::string& nobodys_hash() {
  static const std::string hash = parameters() + "bm9ib2R5bm9ib2R5bm9ibw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  return hash;
}

}  // namespace nexus::storage
