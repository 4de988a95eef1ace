#include "actors/acceptor.hpp"

#include "actors/session.hpp"
#include "conf/log.hpp"

namespace nexus {
namespace {

// Connections accepted in a row before the others get their turn.
constexpr int accepts_in_a_row = 16;
// Without free descriptors, accepting again at once would only spin.
constexpr std::chrono::milliseconds pause_without_descriptors{100};

}  // namespace

void acceptor::start() {
  listener_.wait([this](net::error_code ec) {
    if (ec == net::asio::error::operation_aborted) return;
    accept_waiting();
  });
}

void acceptor::accept_waiting() {
  for (int i = 0; i < accepts_in_a_row; ++i) {
    net::error_code ec;
    auto socket = listener_.accept(ec);
    if (ec == net::asio::error::would_block) break;
    if (ec == net::asio::error::no_descriptors || ec.value() == ENFILE) {
      log::net().warn("no-descriptors", "No file descriptor is left for a new connection.");
      pause_.expires_after(pause_without_descriptors);
      return pause_.async_wait([this](net::error_code failure) {
        if (!failure) start();
      });
    }
    if (!ec) start_session(std::move(socket));
  }
  start();
}

void acceptor::start_session(net::tcp::socket socket) {
  if (home_.hub().counters.connections >= home_.options->server.connections_max) {
    log::net().debug("connections-full", "A connection was closed at once: server.connections_max is reached.");
    return;  // closes it
  }
  auto connection = std::make_shared<net::connection>(std::move(socket));
  if (tls_) connection->start_tls(net::tls_session::accept(tls_, connection->socket().native_handle()));
  home_.spawn<session>(std::move(connection), tls_ != nullptr);
}

void acceptor::close() {
  pause_.cancel();
  listener_.close();
}

}  // namespace nexus
