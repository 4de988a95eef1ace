// GET /ws/chat: the upgrade to a WebSocket.
#include "actors/endpoints/handlers.hpp"
#include "actors/websocket_session.hpp"

namespace nexus::endpoints {

void chat_socket(session& session) {
  if (!net::is_websocket_handshake(session.request())) {
    auto failure = make_error(errc::invalid_request, "This URL speaks WebSocket (RFC 6455) only.");
    failure.status = 426;
    return session.fail(failure);
  }
  if (session.hub().draining) return session.fail(make_error(errc::shutting_down, "The hub is shutting down."));
  auto request = std::make_shared<net::request>(std::move(session.request()));
  auto who = session.who();
  who.shown = session.shown();
  auto label = session.label();
  session.home().spawn<websocket_session>(session.release_connection(), std::move(request), std::move(who),
                                          std::move(label));
}

}  // namespace nexus::endpoints
