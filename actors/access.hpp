// Who may use the control plane: the administrator token of scripts, administrators with their passwords and sessions,
// and the one-time set-up token that makes the first of them. The authority while the hub runs; what must survive a
// restart is in the store as well. Shared by all shards behind one mutex, held for a look-up.
#pragma once

#include "conf/secret.hpp"
#include "storage/access_records.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nexus {

class access_control {
 public:
  using time = std::chrono::steady_clock::time_point;
  struct settings {
    std::chrono::milliseconds session_idle;
    std::chrono::milliseconds session_max;
  };
  /// Who a session belongs to. Without a name it was opened with a token.
  struct visitor {
    std::string digest;  // of the session
    int64_t administrator_id = 0;
    std::string name;
    storage::admin_role role = storage::admin_role::administrator;
    std::chrono::milliseconds left{0};  // until it ends if it is not used again
    bool note_use = false;              // the store's note of its last use is getting old
  };

  /// `digest_key` keys every stored digest: no token is kept.
  access_control(secret digest_key, std::string_view admin_token, std::string_view setup_token, settings settings);

  bool is_admin_token(std::string_view token) const;
  /// Takes the administrator token, or the set-up token once, and answers the cookie of a new session. Nothing if the
  /// token is wrong, or if too many wrong ones came lately.
  std::optional<std::string> log_in(std::string_view token, time now);
  /// True if wrong tokens come too often: log-ins are refused for the rest of the minute.
  bool is_throttled(time now) const;

  /// The set-up token of this start, which works once.
  bool is_setup_token(std::string_view token) const;
  void drop_setup_token();

  // --- Sessions.

  /// Opens a session and answers its cookie.
  std::string open_session(int64_t administrator_id, time now);
  /// Whose living session this is; it stays alive thereby.
  std::optional<visitor> find_session(std::string_view cookie, time now);
  bool is_session(std::string_view cookie, time now) { return find_session(cookie, now).has_value(); }
  /// The same by the cookie's digest, without keeping it alive.
  bool is_alive(std::string_view digest, time now) const;
  std::string session_digest(std::string_view cookie) const { return digest(cookie); }
  void log_out(std::string_view cookie);

  // --- Administrators, as the store has them.

  /// Takes the store's list. Sessions of those who are gone, or whose role or password changed, end.
  void use_administrators(std::vector<storage::administrator> rows);
  /// The same password in a fresh hash: nothing ends.
  void note_rehash(int64_t id, std::string_view former, std::string_view fresh);
  void restore_sessions(const std::vector<storage::admin_session>& rows, time now, int64_t wall_now);
  std::vector<storage::administrator> administrators() const;
  std::optional<storage::administrator> find_administrator(std::string_view name) const;
  std::optional<storage::administrator> find_administrator(int64_t id) const;

 private:
  struct session {
    int64_t administrator_id;
    time made;
    time used;
    time noted;  // when its last use was written down
  };
  std::string digest(std::string_view text) const;
  bool throttled(time now) const;
  bool is_over(const session& session, time now) const;
  std::string open_locked(int64_t administrator_id, time now);
  secret digest_key_;
  std::string admin_digest_;
  settings settings_;
  mutable std::mutex mutex_;
  std::string setup_digest_;  // empty once used
  std::unordered_map<std::string, session> sessions_;
  std::map<int64_t, storage::administrator> administrators_;
  unsigned failures_ = 0;
  time failures_since_{};
};

/// Returns the value of a cookie in a Cookie header, or nullopt.
std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name);

}  // namespace nexus
