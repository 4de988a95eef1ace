// How an exchange ends in the books: one record for the stats-writer, and the memory of its conversation.
#pragma once

#include "actors/shard.hpp"

namespace nexus {

struct outcome_facts {
  std::string outcome;  // "delivered", "truncated", "client_cancelled", "interrupted"
  net::answer_facts facts;
  std::chrono::milliseconds ttft{0};
  std::chrono::milliseconds duration{0};
};

struct settled_tokens {
  int64_t prompt = 0;
  int64_t completion = 0;
  std::string source;  // "reported", "estimated", "partial"
};

/// Which numbers count: the upstream's where it reported both, else our estimate, called partial for a broken answer.
settled_tokens count_tokens(const call& call, const outcome_facts& outcome);

/// Puts the record into the outbox and remembers a delivered conversation. Returns the numbers recorded.
settled_tokens settle(shard& home, const call& call, const provider_config& provider, const outcome_facts& outcome);

}  // namespace nexus
