#include "actors/completion_meter.hpp"

#include "actors/ledger.hpp"

namespace nexus {

completion_meter::completion_meter(const call& call, model_calibrations& calibrations)
    : call_(call), calibrations_(calibrations), content_(call.counting, calibrations) {}

bool completion_meter::add(const net::chat_delta& delta, bool is_whole) {
  const auto count = [is_whole](text_tally& tally, std::string_view text) {
    is_whole ? tally.add_whole(text) : tally.add(text);
  };
  const auto count_if_any = [&](std::unique_ptr<text_tally>& tally, std::string_view text) {
    if (text.empty()) return;
    if (!tally) tally = std::make_unique<text_tally>(call_.counting, calibrations_);
    count(*tally, text);
  };
  if (!delta.content.empty()) count(content_, delta.content);
  count_if_any(reasoning_, delta.reasoning);
  count_if_any(tool_calls_, delta.tool_calls);
  return call_.ticket->note_completion(tokens());
}

net::usage completion_meter::used() const {
  net::usage used;
  used.prompt_tokens = call_.prompt_tokens;
  used.completion_tokens = tokens();
  used.total_tokens = used.prompt_tokens + used.completion_tokens;
  return used;
}

int64_t completion_meter::tokens() const {
  auto sum = content_.tokens();
  if (reasoning_) sum += reasoning_->tokens();
  if (tool_calls_) sum += tool_calls_->tokens();
  return sum;
}

// The JSON around the arguments of tool calls is the dialect's, not the model's.
bool completion_meter::is_exact() const { return content_.is_exact() && call_.counting->text.exact && !tool_calls_; }

void completion_meter::learn(int64_t reported) {
  if (reasoning_ || tool_calls_) return;  // reports of them follow rules of their own
  if (const auto sums = content_.features()) calibrations_.learn(*call_.counting, *sums, reported);
}

}  // namespace nexus
