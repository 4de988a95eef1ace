#include "actors/governor.hpp"

#include <algorithm>

namespace nexus {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds minute{60'000};

int64_t second_of(steady_time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

error over_rate(const std::string& what, int64_t limit, milliseconds wait) {
  auto failure = make_error(errc::rate_limited,
                            "Rate limit reached for this key: " + what + ", limit " + std::to_string(limit) + ".");
  failure.retry_after = std::chrono::ceil<std::chrono::seconds>(std::max(wait, milliseconds(1)));
  return failure;
}

std::string describe(const storage::budget& budget) {
  constexpr std::array<std::string_view, 4> names{"", " a day", " a week", " a month"};
  const auto amount =
      budget.unit == storage::budget_unit::tokens ? std::to_string(budget.amount) + " tokens" : to_text(budget.amount);
  return amount + std::string(names[static_cast<size_t>(budget.period)]);
}

}  // namespace

// --- The window.

void minute_window::advance(steady_time now) {
  const auto second = second_of(now);
  if (second <= newest_) return;
  const auto steps = std::min(second - newest_, slices);
  for (int64_t i = 1; i <= steps; ++i) {
    auto& slice = amounts_[static_cast<size_t>((newest_ + i) % slices)];
    sum_ -= slice;
    slice = 0;
  }
  newest_ = second;
}

int64_t minute_window::sum(steady_time now) {
  advance(now);
  return sum_;
}

void minute_window::add(steady_time now, int64_t amount) {
  advance(now);
  amounts_[static_cast<size_t>(newest_ % slices)] += amount;
  sum_ += amount;
}

void minute_window::correct(steady_time now, steady_time then, int64_t amount) {
  advance(now);
  const auto second = second_of(then);
  if (second <= newest_ - slices || second > newest_) return;
  amounts_[static_cast<size_t>(second % slices)] += amount;
  sum_ += amount;
}

milliseconds minute_window::wait(steady_time now, int64_t amount, int64_t limit) {
  advance(now);
  auto left = sum_;
  if (left + amount <= limit) return milliseconds(0);
  for (auto second = newest_ - slices + 1; second <= newest_; ++second) {
    left -= amounts_[static_cast<size_t>(((second % slices) + slices) % slices)];
    if (left + amount > limit) continue;
    const auto free_at = std::chrono::seconds(second + slices);
    return std::chrono::ceil<milliseconds>(free_at - now.time_since_epoch());
  }
  return minute;
}

// --- An account.

bool key_account::has_room(const storage::budget& budget, int64_t period_begin, const demand& demand) const {
  const auto found = periods_.find(period_begin);
  const auto spent = found == periods_.end() ? key_account::spent{} : found->second;
  if (budget.unit == storage::budget_unit::tokens)
    return spent.tokens + reserved_tokens_ + demand.tokens <= budget.amount;
  return spent.cost + reserved_cost_ + demand.cost <= budget.amount;
}

result<reservation> key_account::admit(const std::shared_ptr<key_account>& self, const storage::key_limits& limits,
                                       const demand& demand, int64_t wall_now, steady_time now, limit_report& report) {
  const std::lock_guard lock(mutex_);
  const auto line = [now](minute_window& window, int64_t limit, int64_t amount) {
    const auto sum = window.sum(now);
    return limit_report::line{.limit = limit,
                              .remaining = std::max<int64_t>(0, limit - sum - amount),
                              .reset = window.wait(now, limit, limit)};
  };
  const auto report_lines = [&](int64_t request, int64_t tokens) {
    if (limits.requests_per_minute > 0) report.requests = line(requests_, limits.requests_per_minute, request);
    if (limits.tokens_per_minute > 0) report.tokens = line(tokens_, limits.tokens_per_minute, tokens);
  };
  report_lines(0, 0);
  if (limits.concurrent_requests > 0 && running_ >= limits.concurrent_requests)
    return over_rate("requests at once", limits.concurrent_requests, milliseconds(1'000));
  if (limits.requests_per_minute > 0)
    if (const auto wait = requests_.wait(now, 1, limits.requests_per_minute); wait.count() > 0)
      return over_rate("requests per minute", limits.requests_per_minute, wait);
  if (limits.tokens_per_minute > 0) {
    if (demand.tokens > limits.tokens_per_minute) {
      auto failure = over_rate("this request alone may need " + std::to_string(demand.tokens) + " tokens per minute",
                               limits.tokens_per_minute, minute);
      failure.retry_after.reset();
      failure.is_final = true;
      return failure;
    }
    if (const auto wait = tokens_.wait(now, demand.tokens, limits.tokens_per_minute); wait.count() > 0)
      return over_rate("tokens per minute", limits.tokens_per_minute, wait);
  }
  reservation held{.account = self, .taken = now, .period_begin = 0, .tokens = demand.tokens, .cost = demand.cost};
  if (limits.budget) {
    const bool same =
        known_budget_.period == limits.budget->period && known_budget_.time_zone == limits.budget->time_zone;
    known_budget_ = *limits.budget;
    if (!same || !period_.contains(wall_now)) period_ = storage::period_of(*limits.budget, wall_now);
    held.period_begin = period_.begin;
    if (!has_room(*limits.budget, held.period_begin, demand))
      return make_error(errc::insufficient_quota,
                        "This key's budget of " + describe(*limits.budget) + " does not cover this request.");
  }
  ++running_;
  reserved_tokens_ += held.tokens;
  reserved_cost_ += held.cost;
  requests_.add(now, 1);
  tokens_.add(now, held.tokens);
  report = {};
  report_lines(0, 0);
  return held;
}

bool key_account::extend(reservation& held, const storage::key_limits& limits, const demand& more) {
  const std::lock_guard lock(mutex_);
  if (limits.budget && !has_room(*limits.budget, held.period_begin, more)) return false;
  held.tokens += more.tokens;
  held.cost += more.cost;
  reserved_tokens_ += more.tokens;
  reserved_cost_ += more.cost;
  return true;
}

void key_account::settle(const reservation& held, const demand& used, steady_time now) {
  const std::lock_guard lock(mutex_);
  --running_;
  reserved_tokens_ -= held.tokens;
  reserved_cost_ -= held.cost;
  tokens_.correct(now, held.taken, used.tokens - held.tokens);
  const auto book = [&](int64_t period) {
    auto& spent = periods_[period];
    spent.tokens += used.tokens;
    spent.cost += used.cost;
  };
  book(0);
  if (held.period_begin != 0) book(held.period_begin);
}

key_account::balance key_account::look(int64_t period_begin) const {
  const std::lock_guard lock(mutex_);
  balance found{.tokens = 0,
                .cost = 0,
                .reserved_tokens = reserved_tokens_,
                .reserved_cost = reserved_cost_,
                .running = running_};
  if (const auto spent = periods_.find(period_begin); spent != periods_.end()) {
    found.tokens = spent->second.tokens;
    found.cost = spent->second.cost;
  }
  return found;
}

void key_account::load(const storage::key_spending& row) {
  const std::lock_guard lock(mutex_);
  periods_[row.period_begin] = {row.tokens, row.cost};
}

// --- All of them.

std::shared_ptr<key_account> governor::account(int64_t key_id) {
  const std::lock_guard lock(mutex_);
  auto& account = accounts_[key_id];
  if (!account) account = std::make_shared<key_account>();
  return account;
}

std::unordered_map<int64_t, int64_t> governor::reserved_tokens() const {
  const std::lock_guard lock(mutex_);
  std::unordered_map<int64_t, int64_t> found;
  for (const auto& [key, account] : accounts_) found[key] = account->look(0).reserved_tokens;
  return found;
}

void governor::load(std::span<const storage::key_spending> rows) {
  for (const auto& row : rows) account(row.key_id)->load(row);
}

}  // namespace nexus
