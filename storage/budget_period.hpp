// When the periods of budgets begin, in the budget's own time zone. Any thread.
#pragma once

#include "storage/key_limits.hpp"

#include <string_view>

namespace nexus::storage {

/// Milliseconds since 1970 UTC; `end` is the first moment of the next period.
struct period {
  int64_t begin = 0;
  int64_t end = 0;
  bool contains(int64_t time) const { return begin <= time && time < end; }
};

/// Returns the period that `time` falls into. A total has only one, which begins at 0. An unknown zone counts as UTC.
period period_of(const budget& budget, int64_t time);

}  // namespace nexus::storage
