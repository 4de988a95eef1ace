// Matching a path against a pattern: "/providers/{provider_id}/models", or "/v1/models/{id...}" whose last parameter
// takes the rest of the path, slashes included. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nexus::net {

/// True if `path` (decoded) fits; `parameters` then holds the values in the order of the pattern. None is empty.
bool match_path(std::string_view pattern, std::string_view path, std::vector<std::string>& parameters);

}  // namespace nexus::net
