#include "actors/access.hpp"

#include "conf/limits.hpp"
#include "storage/secrets.hpp"

#include <algorithm>

namespace nexus {
namespace {

constexpr unsigned failures_a_minute_max = 20;
// How late the store may know that a session was used.
constexpr std::chrono::seconds note_interval{60};

using std::chrono::duration_cast;
using std::chrono::milliseconds;

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
  return open_locked(0, now);
}

bool access_control::is_setup_token(std::string_view token) const {
  const auto given = digest(token);
  const std::lock_guard lock(mutex_);
  return !setup_digest_.empty() && storage::equal_constant_time(given, setup_digest_);
}

void access_control::drop_setup_token() {
  const std::lock_guard lock(mutex_);
  setup_digest_.clear();
}

bool access_control::is_over(const session& session, time now) const {
  return now - session.used > settings_.session_idle || now - session.made > settings_.session_max;
}

std::string access_control::open_locked(int64_t administrator_id, time now) {
  std::erase_if(sessions_, [&](const auto& entry) { return is_over(entry.second, now); });
  if (sessions_.size() >= limits::sessions_max)
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& left, const auto& right) {
      return left.second.used < right.second.used;
    }));
  auto cookie = storage::base64url(storage::random_bytes(32));
  sessions_.emplace(digest(cookie), session{administrator_id, now, now, now});
  return cookie;
}

std::string access_control::open_session(int64_t administrator_id, time now) {
  const std::lock_guard lock(mutex_);
  return open_locked(administrator_id, now);
}

std::optional<access_control::visitor> access_control::find_session(std::string_view cookie, time now) {
  auto key = digest(cookie);
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return std::nullopt;
  auto& session = found->second;
  visitor made;
  if (session.administrator_id != 0) {
    const auto owner = administrators_.find(session.administrator_id);
    if (owner == administrators_.end()) return std::nullopt;
    made.name = owner->second.name;
    made.role = owner->second.role;
  }
  if (is_over(session, now)) {
    sessions_.erase(found);
    return std::nullopt;
  }
  session.used = now;
  made.digest = std::move(key);
  made.administrator_id = session.administrator_id;
  made.left =
      std::min(settings_.session_idle, duration_cast<milliseconds>(settings_.session_max - (now - session.made)));
  made.note_use = now - session.noted >= note_interval;
  if (made.note_use) session.noted = now;
  return made;
}

bool access_control::is_alive(std::string_view digest, time now) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(std::string(digest));
  if (found == sessions_.end() || is_over(found->second, now)) return false;
  return found->second.administrator_id == 0 || administrators_.contains(found->second.administrator_id);
}

void access_control::log_out(std::string_view cookie) {
  const auto key = digest(cookie);
  const std::lock_guard lock(mutex_);
  sessions_.erase(key);
}

void access_control::use_administrators(std::vector<storage::administrator> rows) {
  std::map<int64_t, storage::administrator> fresh;
  for (auto& row : rows) fresh.emplace(row.id, std::move(row));
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& entry) {
    const auto id = entry.second.administrator_id;
    const auto before = administrators_.find(id);
    if (before == administrators_.end()) return false;  // a token's, or of an owner whom only the store knows so far
    const auto after = fresh.find(id);
    return after == fresh.end() || after->second.role != before->second.role ||
           after->second.password != before->second.password;
  });
  administrators_ = std::move(fresh);
}

void access_control::note_rehash(int64_t id, std::string_view former, std::string_view fresh) {
  const std::lock_guard lock(mutex_);
  const auto found = administrators_.find(id);
  if (found != administrators_.end() && found->second.password == former) found->second.password = fresh;
}

// Ages are carried over, so that a clock that jumps later changes nothing.
void access_control::restore_sessions(const std::vector<storage::admin_session>& rows, time now, int64_t wall_now) {
  const std::lock_guard lock(mutex_);
  for (const auto& row : rows) {
    const session restored{row.administrator_id, now - milliseconds(std::max<int64_t>(0, wall_now - row.made_at)),
                           now - milliseconds(std::max<int64_t>(0, wall_now - row.used_at)), now};
    if (sessions_.size() < limits::sessions_max && !is_over(restored, now)) sessions_.emplace(row.digest, restored);
  }
}

std::vector<storage::administrator> access_control::administrators() const {
  std::vector<storage::administrator> rows;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, row] : administrators_) rows.push_back(row);
  return rows;
}

std::optional<storage::administrator> access_control::find_administrator(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, row] : administrators_)
    if (row.name == name) return row;
  return std::nullopt;
}

std::optional<storage::administrator> access_control::find_administrator(int64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = administrators_.find(id);
  return found == administrators_.end() ? std::nullopt : std::optional(found->second);
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
