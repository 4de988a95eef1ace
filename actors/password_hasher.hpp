// The PASSWORD HASHER: hashes and checks passwords on a thread of its own, one after the other. There are two for the
// process, and a bounded number of passwords on their way to them: a log-in costs 19 MiB and a tenth of a second, which
// must not become a way to take the hub down.
#pragma once

#include "actors/protocols.hpp"

#include <atomic>

namespace nexus {

/// Passwords being hashed and those that wait.
constexpr uint32_t passwords_max = 2 + 16;

/// The right to have one password hashed; given back when it dies. It travels with the message.
class hash_permit {
 public:
  /// Null if `passwords_max` are out.
  static std::shared_ptr<const hash_permit> take();
  ~hash_permit();
  hash_permit(const hash_permit&) = delete;
  hash_permit& operator=(const hash_permit&) = delete;

 private:
  hash_permit() = default;
};

/// To be spawned detached.
password_hasher_actor::behavior_type password_hasher(password_hasher_actor::pointer self);

}  // namespace nexus
