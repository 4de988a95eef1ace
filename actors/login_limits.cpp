#include "actors/login_limits.hpp"

#include <algorithm>

namespace nexus {
namespace {

using namespace std::chrono_literals;

constexpr unsigned account_attempts_max = 5;  // a minute
constexpr unsigned address_attempts_max = 20;
constexpr unsigned attempts_max = 100;
constexpr auto window = 1min;
constexpr auto longest_block = 15min;  // no lock-out: whoever guesses must not keep an administrator out for good
constexpr auto forgotten_after = 1h;
constexpr size_t records_max = 4'096;

}  // namespace

login_limits::record& login_limits::find(records& all, std::string_view name, time now) {
  const auto known = all.find(name);
  if (known != all.end()) {
    if (now - std::max(known->second.since, known->second.blocked_until) > forgotten_after) known->second = {};
    return known->second;
  }
  if (all.size() >= records_max)
    all.erase(std::min_element(all.begin(), all.end(), [](const auto& left, const auto& right) {
      return std::max(left.second.since, left.second.blocked_until) <
             std::max(right.second.since, right.second.blocked_until);
    }));
  return all[std::string(name)];
}

std::optional<login_limits::time> login_limits::blocked(record& record, unsigned attempts_max_, time now) {
  if (now < record.blocked_until) return record.blocked_until;
  if (now - record.since >= window) {
    record.attempts = 0;
    record.since = now;
  }
  if (record.attempts < attempts_max_) return std::nullopt;
  constexpr unsigned doublings_max = 4;
  record.blocked_until =
      now + std::min<std::chrono::minutes>(window * (1U << std::min(record.strikes, doublings_max)), longest_block);
  ++record.strikes;
  record.attempts = 0;
  record.since = record.blocked_until;
  return record.blocked_until;
}

std::optional<std::chrono::seconds> login_limits::begin(std::string_view account, std::string_view address, time now) {
  const std::lock_guard lock(mutex_);
  auto& of_account = find(accounts_, account, now);
  auto& of_address = find(addresses_, address, now);
  const auto until = std::max({blocked(of_account, account_attempts_max, now).value_or(time()),
                               blocked(of_address, address_attempts_max, now).value_or(time()),
                               blocked(everyone_, attempts_max, now).value_or(time())});
  if (until > now) return std::chrono::ceil<std::chrono::seconds>(until - now);
  ++of_account.attempts;
  ++of_address.attempts;
  ++everyone_.attempts;
  return std::nullopt;
}

void login_limits::succeed(std::string_view account, std::string_view address) {
  const std::lock_guard lock(mutex_);
  if (const auto known = accounts_.find(account); known != accounts_.end()) accounts_.erase(known);
  if (const auto known = addresses_.find(address); known != addresses_.end() && known->second.attempts > 0)
    --known->second.attempts;
  if (everyone_.attempts > 0) --everyone_.attempts;
}

}  // namespace nexus
