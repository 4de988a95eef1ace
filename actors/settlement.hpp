// How a request ends in the books: which numbers are charged and where they come from, and the memory of its
// conversation.
#pragma once

#include "actors/ledger.hpp"
#include "actors/shard.hpp"

namespace nexus {

struct outcome_facts {
  storage::outcome outcome = storage::outcome::delivered;
  net::answer_facts facts = {};
  int64_t completion_tokens = 0;  // counted by us
  bool is_exact = false;          // by the model's own tokenizer
  std::chrono::milliseconds ttft{0};
  std::chrono::milliseconds duration{0};
  bool is_sent = true;  // else nothing was spent
};

/// Which numbers count. The upstream's, where it reported both of them; what is impossible in a report is clamped or
/// left out, and flagged. Else ours: counted, estimated, or partial for an answer that is not whole.
settlement make_settlement(const call& call, const outcome_facts& outcome);

/// Settles the call's request and remembers a delivered conversation. Returns the numbers recorded.
settlement settle(shard& home, const call& call, const outcome_facts& outcome);
/// Settles it with what its tries came to, if nobody did: no further one follows.
void settle_as_it_stands(shard& home, const call& call);

}  // namespace nexus
