// Statistics: totals of a conversation and of the hub, after everything that was answered before is committed.
#include "actors/endpoints/control.hpp"
#include "actors/endpoints/handlers.hpp"

namespace nexus::endpoints {
namespace {

// Asks the stats-writer; `write` turns its reply into a body, or an error.
template <class Reply, class Query, class Write>
void ask(session& session, Query query, Write write) {
  session.caf::event_based_actor::request(session.hub().stats_writer, control_timeout, std::move(query))
      .then(
          [&session, write](const Reply& reply) {
            if (reply.failure) return session.fail(*reply.failure);
            result<std::string> body = write(reply);
            if (!body) return session.fail(body.error());
            session.respond(
                {.status = 200, .content_type = "application/json", .body = std::move(*body), .headers = {}});
          },
          [&session](const caf::error&) {
            session.fail(make_error(errc::storage_error, "The database did not answer in time."));
          });
}

}  // namespace

void conversation_stats(session& session) {
  ask<conversation_reply>(
      session, conversation_query{session.parameter(0)}, [](const conversation_reply& reply) -> result<std::string> {
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
  ask<totals_reply>(session, totals_query{}, [](const totals_reply& reply) -> result<std::string> {
    const auto& totals = reply.totals;
    json::writer out;
    out.object().key("total_conversations").number(totals.conversations).key("total_rounds").number(totals.rounds);
    out.key("prompt_tokens").number(totals.prompt_tokens).key("completion_tokens").number(totals.completion_tokens);
    out.key("total_tokens").number(totals.prompt_tokens + totals.completion_tokens).end_object();
    return out.take();
  });
}

}  // namespace nexus::endpoints
