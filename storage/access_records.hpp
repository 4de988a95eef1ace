// Who may use the hub, as rows: personalized keys, administrators, their sessions, and what was changed by whom.
// Times are milliseconds since 1970 UTC; 0 is never.
#pragma once

#include "conf/secret.hpp"
#include "storage/key_limits.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace nexus::storage {

/// Where a personalized key comes from: made by the hub, or brought along by the providers that bear it. The grants of
/// the latter are those providers, and it comes and goes with them.
enum class key_origin : uint8_t { hub, provider };

struct api_key {
  int64_t id = 0;
  std::string name;
  key_origin origin = key_origin::hub;
  std::string digest;         // keyed; the key itself is not kept
  std::string former_digest;  // of the key before a rotation, good until `former_until`
  int64_t former_until = 0;
  std::string masked;                  // "nxh_u_…3f9a"
  std::vector<int64_t> providers;      // granted; empty: all. Of a brought-along key: those that bear it
  std::vector<std::string> models;     // granted patterns; empty: all
  std::vector<std::string> addresses;  // CIDR ranges that it may be used from; empty: all
  bool enabled = true;
  int64_t expires_at = 0;
  key_limits limits;
  int64_t last_used_at = 0;  // about a minute late
  int64_t created_at = 0;
  int64_t updated_at = 0;
  int64_t version = 1;  // its ETag
};

enum class admin_role : uint8_t { viewer, administrator };

struct administrator {
  int64_t id = 0;
  std::string name;
  std::string password;  // argon2id, PHC string
  admin_role role = admin_role::administrator;
  int64_t created_at = 0;
  int64_t updated_at = 0;
  int64_t version = 1;
};

/// A browser's session. Only the digest of its cookie is kept.
struct admin_session {
  std::string digest;
  int64_t administrator_id = 0;  // 0: signed in with a token
  int64_t made_at = 0;
  int64_t used_at = 0;  // about a minute late
};

/// One change of the control plane. `before` and `after` are JSON objects without secrets, or empty.
struct audit_entry {
  int64_t id = 0;
  int64_t at = 0;
  std::string actor;     // "administrator anna", "administrator token", "set-up token"
  std::string action;    // "create", "update", "delete", "rotate"
  std::string resource;  // "provider", "provider_model", "key", "administrator", …
  int64_t resource_id = 0;
  std::string before;
  std::string after;
  std::string address;     // of the connection
  std::string request_id;  // of the request, as in the log
};

}  // namespace nexus::storage
