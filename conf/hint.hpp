// What somebody who mistyped a name probably meant. Pure; any thread.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus {

/// Levenshtein's: single characters inserted, removed or replaced.
inline size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> costs(b.size() + 1);
  std::iota(costs.begin(), costs.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(costs[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = costs[j + 1];
      costs[j + 1] = std::min({replaced, costs[j] + 1, diagonal + 1});
    }
  }
  return costs.back();
}

/// Returns the end of a sentence about an unknown name: ", did you mean 'x'?" with the nearest candidate, or "." if
/// none is near.
inline std::string hint(std::string_view name, const std::vector<std::string>& candidates) {
  // A third of a name mistyped is still that name; of a long one, not that much.
  size_t best = std::clamp<size_t>(name.size() / 3, 1, 4) + 1;
  const std::string* meant = nullptr;
  for (const std::string& candidate : candidates)
    if (const size_t distance = edit_distance(name.substr(0, 256), candidate); distance < best) {
      best = distance;
      meant = &candidate;
    }
  return meant ? fmt::format(", did you mean '{}'?", *meant) : ".";
}

}  // namespace nexus
