// Liveness, readiness, and which build this is.
#include "actors/endpoints/handlers.hpp"
#include "conf/json.hpp"
#include "conf/version.hpp"

namespace nexus::endpoints {

void healthz(session& session) {
  session.respond({.status = 200, .content_type = "application/json", .body = R"({"status":"ok"})", .headers = {}});
}

void readyz(session& session) {
  if (session.hub().draining) return session.fail(make_error(errc::shutting_down, "The hub is shutting down."));
  if (session.home().snapshot->version == 0 || !session.home().router)
    return session.fail(make_error(errc::overloaded, "The hub is starting."));
  if (session.hub().is_degraded)
    return session.fail(
        make_error(errc::storage_error, "The database refuses writes; requests are kept until it works."));
  session.respond({.status = 200, .content_type = "application/json", .body = R"({"status":"ready"})", .headers = {}});
}

void show_version(session& session) {
  json::writer out;
  out.object().key("version").string(version).key("commit").string(commit).end_object();
  session.respond({.status = 200, .content_type = "application/json", .body = out.take(), .headers = {}});
}

}  // namespace nexus::endpoints
