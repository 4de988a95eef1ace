// Time zones by their IANA names, from the system's tz database. Any thread.
#pragma once

#include <string_view>

namespace nexus::storage {

/// True if the system knows the zone: "UTC", "Europe/Berlin".
bool is_time_zone(std::string_view name);

}  // namespace nexus::storage
