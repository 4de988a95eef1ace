// Personalized keys as JSON: what the control plane shows and takes. Money is written as a decimal string of the
// currency unit ("12.50"), at most nine places: exact, where a number would not be. Pure.
#pragma once

#include "conf/json.hpp"
#include "storage/access_records.hpp"

#include <optional>

namespace nexus {

/// Appends the members of a key that its administrators decide: name, grants, addresses, expiry, limits.
void write_key_terms(json::writer& out, const storage::api_key& row);

/// 10^-9 units as text, and back; nothing if the text is no amount or too large.
std::string money_text(int64_t nanos);
std::optional<int64_t> parse_money(std::string_view text);

/// Reads `limits` and `on_client_leave`; each replaces all of its part of `into`. errc::invalid_request with `param`.
result<void> read_limits(const json::value& object, storage::key_limits& into);
result<void> read_leave_policy(const json::value& object, storage::key_limits& into);

}  // namespace nexus
