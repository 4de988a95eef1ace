#include "net/stream_relay.hpp"

#include "net/dialects/openai.hpp"

namespace nexus::net {
namespace {

constexpr std::string_view done_payload = "[DONE]";
// Hundreds of tool calls; an answer beyond it is not recognised when its history comes back.
constexpr size_t call_ids_bytes_max = 64 * 1024;

std::string_view inside_brackets(std::string_view array) {
  return array.size() >= 2 && array.front() == '[' ? array.substr(1, array.size() - 2) : array;
}

}  // namespace

void stream_part::append(stream_part&& later) {
  if (empty()) {
    *this = std::move(later);
    return;
  }
  bytes.append(later.bytes);
  content.append(later.content);
  reasoning.append(later.reasoning);
  if (!tool_calls.empty() && !later.tool_calls.empty()) tool_calls.push_back(',');
  tool_calls.append(later.tool_calls);
}

stream_relay::stream_relay(delivery mode, bool include_usage, history_hasher history, answer_meter* meter)
    : mode_(mode), include_usage_(include_usage), meter_(meter), history_(history) {
  history_.role("assistant");
}

result<void> stream_relay::feed(std::string_view bytes, stream_part& part) {
  if (done_) return {};
  if (auto fed = reader_.feed(bytes); !fed) return fed.error();
  sse_reader::event event;
  while (!done_ && reader_.next(event))
    if (auto taken = take(event, part); !taken) return taken;
  return {};
}

result<void> stream_relay::take(const sse_reader::event& event, stream_part& part) {
  if (!event.has_data || event.data.empty())
    return {};  // comments are the upstream's own keep-alives: ours have their own clock
  if (event.data == done_payload) {
    done_ = true;
    if (mode_ == delivery::relay) part.bytes.append(sse_done);
    return {};
  }
  delta_.clear();
  if (auto read = openai::read_chunk(event.data, delta_); !read) return read;
  if (delta_.is_error)
    return make_error(errc::upstream_error,
                      delta_.error_message.empty() ? "The upstream failed in mid-stream." : delta_.error_message);
  if (delta_.usage) facts_.reported = delta_.usage;
  facts_.has_text =
      facts_.has_text || !delta_.content.empty() || !delta_.reasoning.empty() || !delta_.tool_calls.empty();
  history_.text(delta_.content);
  for (auto& id : delta_.tool_call_ids) {
    if (id.empty() || id == last_call_id_) continue;  // some upstreams repeat a call's id in each of its pieces
    if (call_ids_.size() + id.size() <= call_ids_bytes_max) call_ids_ += id;
    last_call_id_ = std::move(id);
  }
  if (!delta_.finish_reason.empty()) facts_.finish_reason = delta_.finish_reason;

  const bool goes_on = meter_ == nullptr || meter_->add(delta_, false);
  forward(event, part);
  // The upstream's own last word needs no cut.
  if (!goes_on && facts_.finish_reason.empty()) cut(event.data, part);
  return {};
}

void stream_relay::forward(const sse_reader::event& event, stream_part& part) {
  if (mode_ == delivery::deltas) {
    stream_part text;
    text.content = delta_.content;
    text.reasoning = delta_.reasoning;
    text.tool_calls = inside_brackets(delta_.tool_calls);
    if (!text.empty()) part.append(std::move(text));
    return;
  }
  const bool only_usage = delta_.usage && !delta_.has_choices;
  if (!only_usage || include_usage_) part.bytes.append(event.raw);
}

// As the upstream would have ended it at this length: clients see an ordinary, complete stream.
void stream_relay::cut(std::string_view last_chunk, stream_part& part) {
  done_ = true;
  facts_.is_cut = true;
  facts_.finish_reason = "length";
  if (mode_ == delivery::deltas) return;
  const auto identity = openai::read_identity(last_chunk);
  append_data(part.bytes, openai::make_finish_chunk(identity, facts_.finish_reason));
  if (include_usage_) append_data(part.bytes, openai::make_usage_chunk(identity, meter_->used()));
  part.bytes.append(sse_done);
}

result<void> stream_relay::finish(stream_part& part) {
  if (done_) return {};
  if (facts_.finish_reason.empty() || reader_.has_partial())
    return make_error(errc::upstream_error, "The upstream closed the stream before its answer was complete.");
  // Complete but for the closing word, which some servers leave out and strict clients insist on.
  done_ = true;
  if (mode_ == delivery::relay) part.bytes.append(sse_done);
  return {};
}

answer_facts stream_relay::facts() const {
  auto facts = facts_;
  auto history = history_;
  history.call_ids(call_ids_);
  facts.history_hash = history.value();
  return facts;
}

}  // namespace nexus::net
