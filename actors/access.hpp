// Who may use the control plane: the administrator token of scripts, the one-time set-up token of a first visit, and
// the browser sessions that come from them. Shared by all shards behind one mutex, held for a look-up.
#pragma once

#include "conf/secret.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nexus {

class access_control {
 public:
  using time = std::chrono::steady_clock::time_point;
  struct settings {
    std::chrono::milliseconds session_idle;
    std::chrono::milliseconds session_max;
  };

  /// `digest_key` keys every stored digest: no token is kept.
  access_control(secret digest_key, std::string_view admin_token, std::string_view setup_token, settings settings);

  bool is_admin_token(std::string_view token) const;
  /// Takes the administrator token, or the set-up token once, and answers the cookie of a new session. Nothing if the
  /// token is wrong, or if too many wrong ones came lately.
  std::optional<std::string> log_in(std::string_view token, time now);
  /// True if the cookie is of a living session, which thereby stays alive.
  bool is_session(std::string_view cookie, time now);
  void log_out(std::string_view cookie);
  /// True if wrong tokens come too often: log-ins are refused for the rest of the minute.
  bool is_throttled(time now) const;

 private:
  struct session {
    time made;
    time used;
  };
  std::string digest(std::string_view text) const;
  bool throttled(time now) const;
  secret digest_key_;
  std::string admin_digest_;
  settings settings_;
  mutable std::mutex mutex_;
  std::string setup_digest_;  // empty once used
  std::unordered_map<std::string, session> sessions_;
  unsigned failures_ = 0;
  time failures_since_{};
};

/// Returns the value of a cookie in a Cookie header, or nullopt.
std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name);

}  // namespace nexus
