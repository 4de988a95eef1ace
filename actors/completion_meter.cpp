#include "actors/completion_meter.hpp"

#include "actors/ledger.hpp"
#include "tokenizer/estimate.hpp"

namespace nexus {

bool completion_meter::add(const net::chat_delta& delta) {
  measure_.add(delta.content);
  measure_.add(delta.reasoning);
  measure_.add(delta.tool_calls);
  return call_.ticket->note_completion(tokens());
}

net::usage completion_meter::used() const {
  net::usage used;
  used.prompt_tokens = call_.prompt_tokens;
  used.completion_tokens = tokens();
  used.total_tokens = used.prompt_tokens + used.completion_tokens;
  return used;
}

int64_t completion_meter::tokens() const { return tokenizer::estimate(measure_.ascii, measure_.wide, measure_.other); }

}  // namespace nexus
