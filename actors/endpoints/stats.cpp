// Statistics: totals of a conversation and of the hub, after everything that was answered before is committed.
#include "actors/endpoints/control.hpp"
#include "actors/endpoints/handlers.hpp"
#include "actors/endpoints/questions.hpp"

namespace nexus::endpoints {
void conversation_stats(session& session) {
  ask<conversation_reply>(
      session, session.hub().stats_writer, conversation_query{session.parameter(0)},
      [](const conversation_reply& reply) -> result<std::string> {
        if (!reply.totals) return make_error(errc::not_found, "There is no such conversation.");
        const auto& totals = *reply.totals;
        json::writer out;
        out.object().key("conversation_id").string(totals.conversation_id).key("rounds").number(totals.rounds);
        out.key("prompt_tokens").number(totals.prompt_tokens).key("completion_tokens").number(totals.completion_tokens);
        out.key("total_tokens").number(totals.prompt_tokens + totals.completion_tokens);
        out.key("first_at").number(totals.first_at).key("last_at").number(totals.last_at).end_object();
        return out.take();
      });
}

void total_stats(session& session) {
  ask<totals_reply>(
      session, session.hub().stats_writer, totals_query{}, [](const totals_reply& reply) -> result<std::string> {
        const auto& totals = reply.totals;
        json::writer out;
        out.object().key("total_conversations").number(totals.conversations).key("total_rounds").number(totals.rounds);
        out.key("prompt_tokens").number(totals.prompt_tokens).key("completion_tokens").number(totals.completion_tokens);
        out.key("total_tokens").number(totals.prompt_tokens + totals.completion_tokens).end_object();
        return out.take();
      });
}

}  // namespace nexus::endpoints
