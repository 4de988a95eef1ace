// How the consumers of calls get their prompts counted: at once, or by the token-counter while the shard goes on.
#pragma once

#include "actors/chat_call.hpp"
#include "actors/shard.hpp"
#include "actors/token_counter.hpp"

namespace nexus {

/// Counts a text, or a chat request's body, for an actor of this shard and calls `go(token_count)`, at once or later;
/// then only if the actor still lives. What cannot be counted in time is estimated. `tree`: the body, parsed already.
template <class Go>
void count_for(shard_actor& self, const model_counting_ptr& counting, std::string_view text, bool is_chat,
               std::optional<json::document> tree, Go go) {
  auto& home = self.home();
  const auto count_here = [&home, counting](std::string_view what, bool chat,
                                            std::optional<json::document> parsed) -> token_count {
    if (!chat) return count_text(*counting, home.hub().calibrations, what);
    auto request = parsed ? tokenizer::read_chat_request(std::move(*parsed)) : tokenizer::read_chat_request(what);
    // The body was read before: what this reader refuses is only left uncounted.
    if (!request) return {};
    return count_prompt(*counting, home.hub().calibrations, request->prompt, home.hub().history_seed,
                        &home.message_counts);
  };
  if (can_count_at_once(*counting, text.size())) return go(count_here(text, is_chat, std::move(tree)));
  const auto shared = std::make_shared<const std::string>(text);
  self.request(home.hub().token_counter, count_time, count_tokens{counting, shared, is_chat})
      .then([go](const count_reply& reply) { go(reply.counted); },
            [go, count_here, shared, is_chat](const caf::error&) { go(count_here(*shared, is_chat, {})); });
}

}  // namespace nexus
