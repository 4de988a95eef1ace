// What happens to an upstream's event stream on its way to a client: events pass whole and unchanged, the usage event
// is kept back from those who did not ask for it, and everything the hub must know is read in passing. Pure; one per
// stream.
#pragma once

#include "net/chat.hpp"
#include "net/sse.hpp"

namespace nexus::net {

/// How an answer reaches its consumer.
enum class delivery {
  relay,   // bytes of the upstream's dialect
  deltas,  // texts, for the WebSocket
};

/// What is known of an answer once it ended, however it ended.
struct answer_facts {
  std::optional<usage> reported;  // the upstream's own numbers, the last that came
  std::string finish_reason;
  uint64_t history_hash = 0;  // of the conversation with this answer
  bool has_text = false;      // anything of an answer passed
  bool is_cut = false;        // ended by the meter
};

/// What one read of the upstream made ready.
struct stream_part {
  std::string bytes;       // delivery::relay
  std::string content;     // delivery::deltas
  std::string reasoning;   //
  std::string tool_calls;  // JSON arrays' elements, joined by ','
  bool empty() const { return bytes.empty() && content.empty() && reasoning.empty() && tool_calls.empty(); }
  void append(stream_part&& later);
  size_t size() const { return bytes.size() + content.size() + reasoning.size() + tool_calls.size(); }
};

class stream_relay {
 public:
  /// `history` is the hasher that stands after the request's messages; `meter` may be null.
  stream_relay(delivery mode, bool include_usage, history_hasher history, answer_meter* meter = nullptr);

  /// Takes bytes of the stream and appends to `part` what may go on. An error ends the stream: nothing after it counts.
  result<void> feed(std::string_view bytes, stream_part& part);
  /// The upstream's body ended in order. Appends what completes the stream; an error if the answer was not complete.
  result<void> finish(stream_part& part);
  /// True once "[DONE]" came: whatever follows is ignored.
  bool done() const { return done_; }
  answer_facts facts() const;
  bool is_cut() const { return facts_.is_cut; }

 private:
  result<void> take(const sse_reader::event& event, stream_part& part);
  void forward(const sse_reader::event& event, stream_part& part);
  void cut(std::string_view last_chunk, stream_part& part);
  delivery mode_;
  bool include_usage_;
  answer_meter* meter_;
  bool done_ = false;
  sse_reader reader_;
  chat_delta delta_;
  history_hasher history_;
  std::string call_ids_;  // of the tool calls, joined: they follow the text in the history
  std::string last_call_id_;
  answer_facts facts_;
};

}  // namespace nexus::net
