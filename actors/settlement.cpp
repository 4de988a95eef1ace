#include "actors/settlement.hpp"

#include "tokenizer/estimate.hpp"

namespace nexus {

settled_tokens count_tokens(const call& call, const outcome_facts& outcome) {
  const auto& facts = outcome.facts;
  if (facts.reported && facts.reported->complete())
    return {facts.reported->prompt_tokens, facts.reported->completion_tokens, "reported"};
  const auto& text = facts.completion;
  return {call.prompt_estimate, tokenizer::estimate(text.ascii, text.wide, text.other),
          outcome.outcome == "delivered" ? "estimated" : "partial"};
}

settled_tokens settle(shard& home, const call& call, const provider_config& provider, const outcome_facts& outcome) {
  auto tokens = count_tokens(call, outcome);
  const bool can_continue = outcome.outcome == "delivered" && outcome.facts.history_hash != 0;
  storage::exchange_record row;
  row.request_id = call.request_id;
  row.conversation_id = call.conversation_id;
  row.provider_id = provider.row->id;
  row.model_name = call.model;
  row.timestamp = call.received_at;
  row.prompt_tokens = tokens.prompt;
  row.completion_tokens = tokens.completion;
  row.source = tokens.source;
  row.outcome = outcome.outcome;
  row.stream = call.settings.stream;
  row.ttft_ms = outcome.ttft.count();
  row.duration_ms = outcome.duration.count();
  row.history_hash = can_continue ? outcome.facts.history_hash : 0;
  if (can_continue) home.hub().conversations.remember(outcome.facts.history_hash, call.conversation_id);
  const auto waiting = home.hub().outbox.push(std::move(row), call.credit);
  if (waiting == 1) home.wake_writer_later();
  if (waiting == home.options->storage.batch_rows) caf::anon_send(home.hub().stats_writer, rows_due{});
  return tokens;
}

}  // namespace nexus
