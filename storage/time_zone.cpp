#include "storage/time_zone.hpp"

#include <cctz/time_zone.h>

#include <algorithm>
#include <string>

namespace nexus::storage {

namespace {

constexpr size_t name_bytes_max = 64;

}  // namespace

bool is_time_zone(std::string_view name) {
  // cctz takes absolute paths and "file:" for names, too; such names come from outside here.
  const auto fits = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '+' || c == '/';
  };
  if (name.empty() || name.size() > name_bytes_max || name.front() == '/' ||
      !std::all_of(name.begin(), name.end(), fits))
    return false;
  cctz::time_zone zone;
  return cctz::load_time_zone(std::string(name), &zone);
}

}  // namespace nexus::storage
