// What a personalized key may reach and whether it may be used now: pure decisions over a snapshot.
#pragma once

#include "actors/snapshot.hpp"

namespace nexus {

class access_control;

/// True if `text` fits `pattern`, in which each `*` stands for any text, the empty one included.
bool matches_pattern(std::string_view pattern, std::string_view text);

/// True if the caller's grants hold this model of this provider. The administrator is granted everything.
bool grants(const principal& caller, int64_t provider_id, std::string_view model);

/// Whether a key may be used at this wall-clock time (ms): errc::invalid_api_key if it is disabled or expired.
result<void> check_key(const principal& key, int64_t now);
/// Whether a key may be used from this address: errc::forbidden if not.
result<void> check_address(const principal& key, std::string_view address);

/// The next time (ms) after `now` at which a key of the snapshot expires, or nothing.
std::optional<int64_t> next_expiry(const snapshot& snapshot, int64_t now);

/// What a caller showed, to look again whether it still holds: keys are revoked and sessions end while streams run.
struct credential {
  std::string key_digest;      // of a personalized key
  std::string session_digest;  // of a browser; both are empty for the administrator token
  std::string address;         // of the connection
};

/// The caller as of now, or why it is none any more. A look keeps no session alive.
result<principal_ptr> look_again(const credential& shown, const snapshot& snapshot, const access_control& access,
                                 int64_t wall_now, std::chrono::steady_clock::time_point now);

/// Whether a running call may go on after the control plane changed. One on a provider that is gone may: it was the
/// provider that ended, not the caller's right.
result<void> check_running(const credential& shown, const snapshot& snapshot, const access_control& access,
                           int64_t wall_now, std::chrono::steady_clock::time_point now, int64_t provider_id,
                           std::string_view model);

}  // namespace nexus
