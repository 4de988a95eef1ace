// What a personalized key may spend, how fast, and what becomes of its streams when the client leaves.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace nexus::storage {

enum class budget_unit : uint8_t { tokens, money };
enum class budget_period : uint8_t { total, day, week, month };

struct budget {
  budget_unit unit = budget_unit::tokens;
  int64_t amount = 0;  // tokens, or 10^-9 of the currency unit
  budget_period period = budget_period::total;
  std::string time_zone = "UTC";  // IANA name; a period begins at its midnight, a week on Monday
};

/// What happens to a running call when its client leaves.
enum class leave_policy : uint8_t {
  cancel,  // the upstream is left at once
  drain,   // read on for the upstream's usage, within the bounds below
  finish,  // read to the end
};

struct key_limits {
  int64_t requests_per_minute = 0;  // 0 in all of these: no limit
  int64_t tokens_per_minute = 0;
  int32_t concurrent_requests = 0;
  std::optional<storage::budget> budget = std::nullopt;
  leave_policy on_leave = leave_policy::cancel;
  std::chrono::seconds drain_time{30};
  int64_t drain_tokens = 0;
  int64_t drain_money = 0;  // 10^-9 of the currency unit
};

}  // namespace nexus::storage
