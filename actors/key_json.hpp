// Personalized keys as JSON: what the control plane shows and takes. Money is written as a decimal string of the
// currency unit ("12.5"): exact, where a number would not be. Pure.
#pragma once

#include "conf/json.hpp"
#include "storage/access_records.hpp"

namespace nexus {

/// Appends the members of a key that its administrators decide: name, grants, addresses, expiry, limits.
void write_key_terms(json::writer& out, const storage::api_key& row);

/// Reads `limits` and `on_client_leave`; each replaces all of its part of `into`. errc::invalid_request with `param`.
result<void> read_limits(const json::value& object, storage::key_limits& into);
result<void> read_leave_policy(const json::value& object, storage::key_limits& into);

}  // namespace nexus
