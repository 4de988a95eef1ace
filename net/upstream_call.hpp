// One call to an upstream as a state machine: bytes of its answer in, head, parts and verdict out; no sockets. Decides
// what every status, every broken answer and every early end means for the caller. Pure; one per call.
#pragma once

#include "net/http_reader.hpp"
#include "net/stream_relay.hpp"

namespace nexus::net {

struct call_settings {
  bool stream = false;
  bool include_usage = false;
  delivery mode = delivery::relay;
  uint64_t answer_bytes_max = 0;
  uint64_t history_seed = 0;
  uint64_t history_hash = 0;      // of the request
  answer_meter* meter = nullptr;  // hears the answer; null: nobody does
};

/// An answer that is not a stream.
struct whole_answer {
  int status = 200;
  std::string body;
};

/// How a call ended.
struct call_verdict {
  std::optional<error> failure;        // none: the answer is complete
  std::optional<whole_answer> answer;  // the body, unless it was a stream; of an upstream's error answer too
  std::vector<std::pair<std::string, std::string>> hints;  // headers by which the upstream steers its caller's retries
  bool reusable = false;                                   // the connection may serve another call
  bool elsewhere = false;           // nothing reached the caller and another provider may do better
  std::string upstream_request_id;  // for the log
};

class upstream_call {
 public:
  explicit upstream_call(const call_settings& settings);

  /// Feeds what was read. `part` receives what may go on to the caller (streams only). True while the call goes on.
  bool feed(std::string_view bytes, stream_part& part);
  /// The connection ended, in order (`reset` false) or not. The call is over then.
  void feed_end(bool reset, stream_part& part);

  bool head_arrived() const { return head_arrived_; }
  /// True from the first whole event on.
  bool streaming() const { return streaming_; }
  /// True once the stream said that it is complete, even if the end of its body is still to come.
  bool done() const { return relay_ && relay_->done(); }
  /// True if any byte of an answer arrived.
  bool answered() const { return answered_; }
  bool over() const { return over_; }
  /// Valid once over; moved out.
  call_verdict take_verdict() { return std::move(verdict_); }
  answer_facts facts() const;

 private:
  bool fail(error failure, bool elsewhere);
  bool on_head();
  bool on_body(stream_part& part);
  bool on_complete(stream_part& part);
  bool conclude_answer();
  bool conclude_status();

  call_settings settings_;
  response_reader reader_;
  std::optional<stream_relay> relay_;
  std::string body_;
  call_verdict verdict_;
  answer_facts facts_;
  bool answered_ = false;
  bool head_arrived_ = false;
  bool streaming_ = false;
  bool over_ = false;
};

/// Reads a Retry-After value: seconds, or an HTTP date relative to `now_seconds`. Nothing if it is neither.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, int64_t now_seconds);

}  // namespace nexus::net
