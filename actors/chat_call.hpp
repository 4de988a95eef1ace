// From a chat request's body to a call: validation, routing check, credit, conversation, edits. Shared by the HTTP
// endpoint and the WebSocket.
#pragma once

#include "actors/hub.hpp"

namespace nexus {

struct call_origin {
  std::string request_id;
  std::string label;
  std::string conversation_id;         // as the caller named it, or empty
  std::optional<int64_t> provider_id;  // the caller insists on it
  net::delivery mode = net::delivery::relay;
  int64_t received_at = 0;
  net::steady_time started{};
  uint64_t answer_bytes_max = 0;
  int64_t output_tokens_default = 0;  // reserved for a request and a model that set no bound
};

/// Returns a call ready to be routed: admitted by its key's limits, with a reservation and an entry in the ledger.
/// Errors are the caller's: invalid_request, model_not_found, rate_limited, insufficient_quota, overloaded. `report`
/// says how the key's limits stand in either case.
result<call_ptr> make_call(hub& hub, const principal_ptr& principal, std::string_view body, call_origin origin,
                           limit_report& report);

}  // namespace nexus
