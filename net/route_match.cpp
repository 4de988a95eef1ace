#include "net/route_match.hpp"

namespace nexus::net {
namespace {

std::string_view take_segment(std::string_view& rest) {
  const auto segment = rest.substr(0, rest.find('/', 1));
  rest.remove_prefix(segment.size());
  return segment;
}

}  // namespace

bool match_path(std::string_view pattern, std::string_view path, std::vector<std::string>& parameters) {
  parameters.clear();
  while (!pattern.empty() && !path.empty()) {
    if (pattern.ends_with("...}") && pattern.find('/', 1) == std::string_view::npos && pattern.starts_with("/{")) {
      if (path.size() < 2) return false;
      parameters.emplace_back(path.substr(1));
      return true;
    }
    const auto expected = take_segment(pattern);
    const auto found = take_segment(path);
    if (expected.starts_with("/{")) {
      if (found.size() < 2) return false;
      parameters.emplace_back(found.substr(1));
    } else if (expected != found) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace nexus::net
