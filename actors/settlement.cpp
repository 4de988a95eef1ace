#include "actors/settlement.hpp"

#include "actors/ids.hpp"

#include <algorithm>

namespace nexus {
namespace {

using storage::outcome;
using storage::token_source;

// Limits a part of a number to the whole. Returns whether it was beyond.
bool clamp_part(int64_t& part, int64_t whole) {
  if (part <= whole) return false;
  part = whole;
  return true;
}

void charge_report(settlement& made, const net::usage& usage) {
  made.charged = {.prompt = usage.prompt_tokens,
                  .completion = usage.completion_tokens,
                  .cached = std::max<int64_t>(0, usage.cached_tokens),
                  .reasoning = std::max<int64_t>(0, usage.reasoning_tokens)};
  made.prompt_source = made.completion_source = token_source::reported;
  if (usage.cached_tokens >= 0) made.cached_source = token_source::reported;
  if (usage.reasoning_tokens >= 0) made.reasoning_source = token_source::reported;
  if (clamp_part(made.charged.cached, made.charged.prompt)) made.flags |= storage::report_cached_above;
  if (clamp_part(made.charged.reasoning, made.charged.completion)) made.flags |= storage::report_reasoning_above;
}

// The writer's thread sleeps until enough waits for it, or for long enough.
void tell_writer(shard& home, bool is_first) {
  if (is_first) home.wake_writer_later();
}

}  // namespace

settlement make_settlement(const call& call, const outcome_facts& outcome) {
  settlement made;
  const auto& facts = outcome.facts;
  made.outcome = outcome.outcome;
  made.ttft = outcome.ttft;
  made.duration = outcome.duration;
  if (facts.is_cut) made.flags |= storage::cut_at_budget;
  if (outcome.outcome == outcome::delivered) made.history_hash = facts.history_hash;
  if (facts.reported) {
    made.reported_prompt = facts.reported->prompt_tokens;
    made.reported_completion = facts.reported->completion_tokens;
    if (facts.reported->had_negative) made.flags |= storage::report_negative;
    if (facts.reported->had_absurd) made.flags |= storage::report_absurd;
    if (facts.reported->complete()) {
      charge_report(made, *facts.reported);
      return made;
    }
    made.flags |= storage::report_incomplete;
  }
  if (!outcome.is_sent) return made;
  made.charged = {.prompt = call.prompt_tokens, .completion = outcome.completion_tokens};
  const auto ours = [](bool is_exact) { return is_exact ? token_source::counted : token_source::estimated; };
  made.prompt_source = ours(call.is_exact);
  made.completion_source = outcome.outcome == outcome::delivered ? ours(outcome.is_exact) : token_source::partial;
  return made;
}

settlement settle(shard& home, const call& call, const outcome_facts& outcome) {
  auto made = make_settlement(call, outcome);
  if (made.history_hash != 0) home.hub().conversations.remember(made.history_hash, call.conversation_id);
  tell_writer(home, call.ticket->settle(made, wall_clock_ms()));
  return made;
}

void settle_as_it_stands(shard& home, const call& call) {
  tell_writer(home, call.ticket->settle_as_it_stands(wall_clock_ms()));
}

}  // namespace nexus
