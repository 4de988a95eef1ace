// The frames of /ws/chat as text (contract section 5): what a client may say, and what it is told. Pure.
#pragma once

#include "conf/error.hpp"
#include "conf/money.hpp"
#include "net/stream_relay.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nexus {

/// A client's frame, read strictly.
struct client_frame {
  enum class kind { chat, stop, resume, count } what = kind::chat;
  std::string id;  // empty in the short form: the session makes one
  std::string model;
  std::string messages;  // JSON text of the array
  std::string params;    // JSON text of the object, or empty
  std::string conversation_id;
  std::optional<int64_t> provider_id;
  int64_t last_seq = 0;
  std::string text;
};

/// errc::invalid_request with `param`; `id` is filled in as far as it could be read, so that the error frame finds its
/// way.
result<client_frame> read_client_frame(std::string_view text, std::string& id);

namespace frames {

struct start {
  std::string_view id, conversation_id, model;
  int64_t provider_id = 0;
  int64_t prompt_tokens = 0;
  bool is_exact = false;
};
std::string make_start(const start& start);
std::string make_delta(std::string_view id, uint64_t seq, const net::stream_part& part);

struct done {
  std::string_view id, finish_reason, request_id;
  int64_t provider_id = 0;
  std::optional<net::usage> usage;  // the upstream's
  int64_t prompt_tokens = 0;        // counted by us
  int64_t completion_tokens = 0;    //
  bool is_exact = false;            // the counts are the model's own tokenizer's
  money cost = 0;                   // 10^-9 of the currency's unit; left out if it is nothing
  int64_t ttft_ms = 0;
  int64_t duration_ms = 0;
};
std::string make_done(const done& done);
std::string make_error(std::string_view id, const error& failure, std::string_view request_id);
std::string make_count(std::string_view id, int64_t tokens, bool is_exact);

}  // namespace frames
}  // namespace nexus
