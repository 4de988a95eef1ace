#include "actors/access.hpp"

#include "storage/secrets.hpp"

namespace nexus {
namespace {

constexpr unsigned failures_a_minute_max = 20;
constexpr size_t sessions_max = 1024;  // a browser each; the least recently used makes room

}  // namespace

access_control::access_control(secret digest_key, std::string_view admin_token, std::string_view setup_token,
                               settings settings)
    : digest_key_(std::move(digest_key)), admin_digest_(digest(admin_token)), settings_(settings) {
  if (!setup_token.empty()) setup_digest_ = digest(setup_token);
}

std::string access_control::digest(std::string_view text) const { return storage::keyed_digest(digest_key_, text); }

bool access_control::is_admin_token(std::string_view token) const {
  return storage::equal_constant_time(digest(token), admin_digest_);
}

bool access_control::throttled(time now) const {
  return failures_ >= failures_a_minute_max && now - failures_since_ < std::chrono::minutes(1);
}

bool access_control::is_throttled(time now) const {
  const std::lock_guard lock(mutex_);
  return throttled(now);
}

std::optional<std::string> access_control::log_in(std::string_view token, time now) {
  const auto given = digest(token);
  const std::lock_guard lock(mutex_);
  if (throttled(now)) return std::nullopt;
  const bool is_setup = !setup_digest_.empty() && storage::equal_constant_time(given, setup_digest_);
  if (!is_setup && !storage::equal_constant_time(given, admin_digest_)) {
    if (now - failures_since_ >= std::chrono::minutes(1)) {
      failures_ = 0;
      failures_since_ = now;
    }
    ++failures_;
    return std::nullopt;
  }
  if (is_setup) setup_digest_.clear();
  std::erase_if(sessions_, [&](const auto& entry) {
    return now - entry.second.used > settings_.session_idle || now - entry.second.made > settings_.session_max;
  });
  if (sessions_.size() >= sessions_max) {
    auto oldest = sessions_.begin();
    for (auto it = sessions_.begin(); it != sessions_.end(); ++it)
      if (it->second.used < oldest->second.used) oldest = it;
    sessions_.erase(oldest);
  }
  auto cookie = storage::base64url(storage::random_bytes(32));
  sessions_.emplace(digest(cookie), session{now, now});
  return cookie;
}

bool access_control::is_session(std::string_view cookie, time now) {
  const auto key = digest(cookie);
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return false;
  if (now - found->second.used > settings_.session_idle || now - found->second.made > settings_.session_max) {
    sessions_.erase(found);
    return false;
  }
  found->second.used = now;
  return true;
}

void access_control::log_out(std::string_view cookie) {
  const auto key = digest(cookie);
  const std::lock_guard lock(mutex_);
  sessions_.erase(key);
}

std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const auto end = header.find(';');
    auto pair = header.substr(0, end);
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return std::nullopt;
}

}  // namespace nexus
