// The OpenAI chat-completions dialect: requests and answers read, errors and answers written. Pure.
#pragma once

#include "net/chat.hpp"

namespace nexus::net::openai {

/// Reads and validates a request in one strict pass. `seed` keys the history hashes, `scope` (the caller's key) is
/// mixed in. Edits ask a stream for `stream_options.include_usage` and drop members that would steer a gateway behind
/// us (api_base, base_url, headers, extra_headers, fallbacks, api_key, ...). Errors carry `param`. `tree`, if
/// there is one, becomes the body's DOM, of the same pass.
result<chat_request> read_request(std::string_view body, uint64_t seed, uint64_t scope, json::document* tree = nullptr);

/// Reads one `data:` payload of a stream, not "[DONE]", into `out`, which is cleared first. Returns
/// errc::upstream_invalid_response if it is no JSON object.
result<void> read_chunk(std::string_view data, chat_delta& out);
/// Reads a whole answer.
result<void> read_answer(std::string_view body, chat_delta& out);
/// Returns the message and the code of an upstream's error body, or empty strings.
struct upstream_message {
  std::string message;
  std::string code;
};
upstream_message read_error(std::string_view body);

/// `{"error":{"message","type","param","code"}}`.
std::string error_body(const error& error);

/// A whole answer and the pieces of a stream, for answers that the hub itself makes (the demo provider, WebSocket
/// requests).
struct identity {
  std::string id;  // "chatcmpl-..."
  std::string model;
  int64_t created = 0;  // seconds
};
/// Returns who a chunk says it is of; what it leaves out is empty.
identity read_identity(std::string_view chunk);
std::string make_answer(const identity& identity, std::string_view content, std::string_view finish_reason,
                        const usage& usage);
std::string make_chunk(const identity& identity, std::string_view content, bool first);
std::string make_finish_chunk(const identity& identity, std::string_view finish_reason);
std::string make_usage_chunk(const identity& identity, const usage& usage);

/// Builds a streaming request from a WebSocket chat: `params_json` is a JSON object, its members without the braces, or
/// empty; its own `model`, `messages`, `stream` and `stream_options` are refused (`param` is "params.model", ...). The
/// messages are not validated: `read_request` does that.
result<std::string> make_request(std::string_view model, std::string_view messages_json, std::string_view params_json);

}  // namespace nexus::net::openai
