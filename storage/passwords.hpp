// Passwords of administrators: argon2id in PHC strings. Each call takes about 0.1 s and 19 MiB on purpose: never on a
// shard's thread. Pure; any thread.
#pragma once

#include "conf/secret.hpp"

#include <string>

namespace nexus::storage {

/// Returns "$argon2id$v=19$m=19456,t=2,p=1$…", salted at random.
std::string hash_password(const secret& password);
/// True if the hash is of this password.
bool verify_password(const std::string& hash, const secret& password);
/// True if the hash was made with weaker parameters than today's.
bool is_outdated_hash(const std::string& hash);
/// The hash of no password: what a log-in under an unknown name is checked against, so that it takes the same time.
const std::string& nobodys_hash();

}  // namespace nexus::storage
