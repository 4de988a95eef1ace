// Liveness and readiness.
#include "actors/endpoints/handlers.hpp"

namespace nexus::endpoints {

void healthz(session& session) {
  session.respond({.status = 200, .content_type = "application/json", .body = R"({"status":"ok"})", .headers = {}});
}

void readyz(session& session) {
  if (session.hub().draining) return session.fail(make_error(errc::shutting_down, "The hub is shutting down."));
  if (session.home().snapshot->version == 0 || !session.home().router)
    return session.fail(make_error(errc::overloaded, "The hub is starting."));
  session.respond({.status = 200, .content_type = "application/json", .body = R"({"status":"ready"})", .headers = {}});
}

}  // namespace nexus::endpoints
