// A chat exchange as values, whatever its dialect: what the hub must know of a request and of an answer. Pure.
#pragma once

#include "conf/error.hpp"
#include "conf/json.hpp"
#include "conf/keyed_hash.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::net {

/// Replaces the bytes of `where` in a body.
struct edit {
  json::range where;
  std::string text;
};

/// Returns the body with its edits; `edits` are in order and do not overlap.
std::string apply_edits(std::string_view body, const std::vector<edit>& edits);

/// Tokens as an upstream reports them. Absent members are -1.
struct usage {
  int64_t prompt_tokens = -1;
  int64_t completion_tokens = -1;
  int64_t total_tokens = -1;
  int64_t cached_tokens = -1;
  int64_t reasoning_tokens = -1;
  bool had_negative = false;  // a number below zero stood there: it counts as absent
  bool had_absurd = false;    // one that is no count of tokens
  bool complete() const { return prompt_tokens >= 0 && completion_tokens >= 0; }
};

struct chat_delta;

/// Hears every piece of an answer as it passes, and may end a stream: then it is cut behind the present event, with a
/// proper end of its own. Lives as long as the call that it was given to.
class answer_meter {
 public:
  virtual ~answer_meter() = default;
  /// False if nothing more may pass. `is_whole`: it is the whole answer.
  virtual bool add(const chat_delta& delta, bool is_whole) = 0;
  /// What the end of a cut stream says was used.
  virtual usage used() const = 0;
};

/// What the hub learns from one strict pass over a request.
struct chat_request {
  std::string model;
  bool stream = false;
  bool include_usage = false;         // the client asked for stream_options.include_usage
  std::optional<int64_t> max_tokens;  // max_completion_tokens, else max_tokens
  int64_t choices = 1;                // n
  json::range model_value;            // where the model's name stands (with quotes)
  std::vector<edit> edits;            // what must change before the body goes to an upstream of the same dialect
  uint64_t continued_hash = 0;        // history up to and with the last assistant message that others follow, or 0
  uint64_t history_hash = 0;          // history of all messages, to be extended by the answer
  uint64_t messages = 0;
};

/// The keyed hash of a conversation's history: extends `history` by one message. White space around a text does not
/// count, so a client that trims still continues its conversation. A message is its role, then its text in any pieces,
/// then the ids of its tool calls, joined in order: an answer hashed so equals the `continued_hash` of the request that
/// resends it.
class history_hasher {
 public:
  history_hasher(uint64_t seed, uint64_t history) : live_(seed, history), trimmed_(live_) {}
  void role(std::string_view role);
  void text(std::string_view piece);  // may come in pieces
  void call_ids(std::string_view joined);
  uint64_t value() const { return trimmed_.value(); }  // never 0

 private:
  void mark(std::string_view begin, std::string_view text, std::string_view end);
  keyed_hasher live_;     // all so far
  keyed_hasher trimmed_;  // without the white space at the end
  bool has_text_ = false;
};

/// What one event of a stream, or a whole answer, says.
struct chat_delta {
  std::string content;
  std::string reasoning;
  std::string tool_calls;  // JSON array text as received (of all choices, joined), or empty
  std::vector<std::string> tool_call_ids;
  std::string finish_reason;  // of the first choice, or empty
  std::optional<net::usage> usage;
  bool has_choices = false;  // a non-empty `choices`
  bool is_error = false;     // an `error` member
  std::string error_message;
  void clear();
};

}  // namespace nexus::net
