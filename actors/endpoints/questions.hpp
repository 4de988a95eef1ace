// How handlers put questions to the actors of the store.
#pragma once

#include "actors/endpoints/control.hpp"

namespace nexus::endpoints {

/// Asks `actor`; `write` turns its reply into a body, or an error.
template <class Reply, class Actor, class Query, class Write>
void ask(session& session, const Actor& actor, Query query, Write write,
         std::chrono::seconds patience = control_timeout) {
  session.caf::event_based_actor::request(actor, patience, std::move(query))
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

/// Asks a stats-reader, after everything that was answered before is committed.
template <class Reply, class Query, class Write>
void ask_reader(session& session, const stats_reader_actor& reader, Query query, Write write,
                std::chrono::seconds patience = control_timeout) {
  session.caf::event_based_actor::request(session.hub().stats_writer, control_timeout, commit_rows{})
      .then(
          [&session, reader, query, write, patience](const rows_committed& committed) {
            if (committed.failure) return session.fail(*committed.failure);
            ask<Reply>(session, reader, query, write, patience);
          },
          [&session](const caf::error&) {
            session.fail(make_error(errc::storage_error, "The database did not answer in time."));
          });
}

}  // namespace nexus::endpoints
