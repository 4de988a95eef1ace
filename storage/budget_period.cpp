#include "storage/budget_period.hpp"

#include <cctz/time_zone.h>

#include <chrono>
#include <limits>

namespace nexus::storage {
namespace {

using clock = std::chrono::system_clock;

int64_t to_milliseconds(cctz::civil_day day, const cctz::time_zone& zone) {
  const auto time = cctz::convert(cctz::civil_second(day), zone);
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

period period_of(const budget& budget, int64_t time) {
  if (budget.period == budget_period::total) return {0, std::numeric_limits<int64_t>::max()};
  auto zone = cctz::utc_time_zone();
  cctz::load_time_zone(budget.time_zone, &zone);
  const cctz::civil_day day(cctz::convert(clock::time_point(std::chrono::milliseconds(time)), zone));
  switch (budget.period) {
    case budget_period::week: {
      const auto begin = cctz::prev_weekday(day + 1, cctz::weekday::monday);
      return {to_milliseconds(begin, zone), to_milliseconds(begin + 7, zone)};
    }
    case budget_period::month: {
      const cctz::civil_month begin(day);
      return {to_milliseconds(cctz::civil_day(begin), zone), to_milliseconds(cctz::civil_day(begin + 1), zone)};
    }
    default:
      return {to_milliseconds(day, zone), to_milliseconds(day + 1, zone)};
  }
}

}  // namespace nexus::storage
