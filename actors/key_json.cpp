#include "actors/key_json.hpp"

#include "conf/money.hpp"
#include "storage/time_zone.hpp"

#include <algorithm>
#include <array>

namespace nexus {
namespace {

constexpr int64_t count_max = 1'000'000'000'000;  // tokens and requests: beyond it there is no limit worth the name
constexpr int64_t concurrent_max = 1'000'000;
constexpr int64_t drain_seconds_max = 3'600;

constexpr std::array<std::string_view, 2> unit_words{"tokens", "money"};
constexpr std::array<std::string_view, 4> period_words{"total", "day", "week", "month"};
constexpr std::array<std::string_view, 3> policy_words{"cancel", "drain", "finish"};

void write_limit(json::writer& out, std::string_view name, int64_t limit) {
  out.key(name);
  if (limit == 0) {
    out.null();
  } else {
    out.number(limit);
  }
}

void write_texts(json::writer& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).array();
  for (const auto& text : texts) out.string(text);
  out.end_array();
}

error complaint(std::string param, std::string message) {
  auto failure = make_error(errc::invalid_request, std::move(message));
  failure.param = std::move(param);
  return failure;
}

/// The members of one object by their dotted names; keeps the first error.
class object_reader {
 public:
  object_reader(const json::value& object, std::string_view name) : object_(object), name_(name) {}

  /// Null and absent are 0: no limit.
  int64_t limit(std::string_view member, int64_t most) {
    const auto* value = take(member);
    if (value == nullptr) return 0;
    if (value->IsInt64() && value->GetInt64() >= 1 && value->GetInt64() <= most) return value->GetInt64();
    complain(member, "must be a whole number from 1 to " + std::to_string(most) + ", or null.");
    return 0;
  }
  int64_t money(std::string_view member) {
    const auto* value = take(member);
    if (value == nullptr) return 0;
    if (value->IsString())
      if (const auto nanos = parse_money({value->GetString(), value->GetStringLength()}); nanos && *nanos > 0)
        return *nanos;
    complain(member, "must be a positive amount as a decimal string, such as \"12.50\".");
    return 0;
  }
  template <size_t Count>
  size_t word(std::string_view member, const std::array<std::string_view, Count>& words, size_t otherwise) {
    const auto* value = take(member);
    if (value == nullptr) return otherwise;
    if (value->IsString()) {
      const auto found = std::find(words.begin(), words.end(), value->GetString());
      if (found != words.end()) return static_cast<size_t>(found - words.begin());
    }
    std::string all;
    for (const auto one : words) all.append(all.empty() ? "" : ", ").append(one);
    complain(member, "must be one of " + all + ".");
    return otherwise;
  }
  const json::value* take(std::string_view member) {
    seen_.push_back(member);
    const auto* value = json::find(object_, member);
    return value == nullptr || value->IsNull() ? nullptr : value;
  }
  void complain(std::string_view member, const std::string& message) {
    if (error_) return;
    auto path = std::string(name_) + "." + std::string(member);
    error_ = complaint(path, "'" + path + "' " + message);
  }
  result<void> finish() {
    for (const auto& member : object_.GetObject()) {
      const std::string_view name(member.name.GetString(), member.name.GetStringLength());
      if (std::find(seen_.begin(), seen_.end(), name) == seen_.end()) complain(name.substr(0, 64), "is no field.");
    }
    if (error_) return *error_;
    return {};
  }

 private:
  const json::value& object_;
  std::string_view name_;
  std::vector<std::string_view> seen_;
  std::optional<error> error_;
};

result<storage::budget> read_budget(const json::value& object) {
  object_reader members(object, "limits.budget");
  storage::budget budget;
  for (const std::string_view name : {"unit", "amount"})
    if (json::find(object, name) == nullptr) members.complain(name, "is required.");
  budget.unit = static_cast<storage::budget_unit>(members.word("unit", unit_words, 0));
  budget.amount =
      budget.unit == storage::budget_unit::money ? members.money("amount") : members.limit("amount", count_max * 1'000);
  if (budget.amount == 0) members.complain("amount", "is required.");
  budget.period = static_cast<storage::budget_period>(members.word("period", period_words, 0));
  if (const auto* zone = members.take("time_zone")) {
    budget.time_zone = zone->IsString() ? std::string(zone->GetString(), zone->GetStringLength()) : std::string();
    if (!storage::is_time_zone(budget.time_zone))
      members.complain("time_zone", "must be a time zone of this system, such as \"Europe/Berlin\".");
  }
  if (auto finished = members.finish(); !finished) return finished.error();
  return budget;
}

}  // namespace

void write_key_terms(json::writer& out, const storage::api_key& row) {
  out.key("name").string(row.name).key("grants").object().key("providers").array();
  for (const auto id : row.providers) out.number(id);
  out.end_array();
  write_texts(out, "models", row.models);
  out.end_object();
  write_texts(out, "allowed_addresses", row.addresses);
  out.key("enabled").boolean(row.enabled);
  write_limit(out, "expires_at", row.expires_at);
  const auto& limits = row.limits;
  out.key("limits").object();
  write_limit(out, "requests_per_minute", limits.requests_per_minute);
  write_limit(out, "tokens_per_minute", limits.tokens_per_minute);
  write_limit(out, "concurrent_requests", limits.concurrent_requests);
  out.key("budget");
  if (const auto& budget = limits.budget) {
    out.object().key("unit").string(unit_words[static_cast<size_t>(budget->unit)]).key("amount");
    if (budget->unit == storage::budget_unit::money) {
      out.string(to_text(budget->amount));
    } else {
      out.number(budget->amount);
    }
    out.key("period").string(period_words[static_cast<size_t>(budget->period)]);
    out.key("time_zone").string(budget->time_zone).end_object();
  } else {
    out.null();
  }
  out.end_object();
  out.key("on_client_leave").object().key("policy").string(policy_words[static_cast<size_t>(limits.on_leave)]);
  out.key("seconds").number(limits.drain_time.count());
  write_limit(out, "tokens", limits.drain_tokens);
  out.key("money");
  if (limits.drain_money == 0) {
    out.null();
  } else {
    out.string(to_text(limits.drain_money));
  }
  out.end_object();
}

result<void> read_limits(const json::value& object, storage::key_limits& into) {
  if (!object.IsObject()) return complaint("limits", "'limits' must be an object.");
  object_reader members(object, "limits");
  into.requests_per_minute = members.limit("requests_per_minute", count_max);
  into.tokens_per_minute = members.limit("tokens_per_minute", count_max);
  into.concurrent_requests = static_cast<int32_t>(members.limit("concurrent_requests", concurrent_max));
  into.budget.reset();
  if (const auto* budget = members.take("budget")) {
    if (!budget->IsObject()) return complaint("limits.budget", "'limits.budget' must be an object, or null.");
    auto read = read_budget(*budget);
    if (!read) return read.error();
    into.budget = std::move(*read);
  }
  return members.finish();
}

result<void> read_leave_policy(const json::value& object, storage::key_limits& into) {
  if (!object.IsObject()) return complaint("on_client_leave", "'on_client_leave' must be an object.");
  object_reader members(object, "on_client_leave");
  const storage::key_limits defaults;
  into.on_leave = static_cast<storage::leave_policy>(members.word("policy", policy_words, 0));
  const auto seconds = members.limit("seconds", drain_seconds_max);
  into.drain_time = seconds == 0 ? defaults.drain_time : std::chrono::seconds(seconds);
  into.drain_tokens = members.limit("tokens", count_max);
  into.drain_money = members.money("money");
  return members.finish();
}

}  // namespace nexus
