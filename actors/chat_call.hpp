// From a chat request's body to a call: validation, routing check, admission, conversation, edits. Shared by the HTTP
// endpoint and the WebSocket.
#pragma once

#include "actors/hub.hpp"
#include "net/chat.hpp"

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

/// A request that is sound and has somewhere to go, before its prompt is counted.
struct parsed_call {
  net::chat_request request;
  call_origin origin;
  principal_ptr principal;
  std::optional<json::document> tree;  // of the body, unless it is long
};
/// Errors are the caller's: invalid_request, model_not_found.
result<parsed_call> parse_call(const hub& hub, const principal_ptr& principal, std::string_view body,
                               call_origin origin);

struct counted_prompt {
  model_counting_ptr counting;
  token_count count;
};
/// Returns a call ready to be routed: admitted by its key's limits, with a reservation and an entry in the ledger.
/// Errors are the caller's: rate_limited, insufficient_quota, overloaded. `report` says how the key's limits stand in
/// either case. `body` is what was parsed.
result<call_ptr> admit_call(hub& hub, parsed_call parsed, std::string_view body, counted_prompt counted,
                            limit_report& report);

}  // namespace nexus
