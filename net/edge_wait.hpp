// Waiting for a socket without a system call for each wait. Asio registers a socket with epoll once, edge-triggered;
// its public `async_wait` registers it anew each time, in case the edge has passed. Here the caller has seen the socket
// empty ("would block") since the last edge, so there is none to miss. The one place that knows Asio's reactor; where
// that is another one, the public wait does the same.
#pragma once

#include "net/asio.hpp"

#include <utility>

#if defined(BOOST_ASIO_HAS_EPOLL) && !defined(BOOST_ASIO_HAS_IO_URING_AS_DEFAULT)
#define NEXUS_EDGE_WAIT 1
#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#endif

namespace nexus::net {

#ifdef NEXUS_EDGE_WAIT

/// One wait: it ends at the next edge, or at once if the reactor saw an edge that nobody waited for.
template <class Handler>
class edge_wait final : public asio::detail::reactor_op {
 public:
  explicit edge_wait(Handler&& handler)
      : asio::detail::reactor_op(error_code(), &perform_now, &complete_now), handler_(std::move(handler)) {}

 private:
  static status perform_now(asio::detail::reactor_op*) { return done_and_exhausted; }
  static void complete_now(void* owner, asio::detail::operation* base, const error_code&, size_t) {
    auto* const self = static_cast<edge_wait*>(base);
    auto handler = std::move(self->handler_);
    const auto ec = self->ec_;
    delete self;
    if (owner != nullptr) handler(ec);  // null: the io_context ends
  }

  Handler handler_;
};

class edge_socket : public tcp::socket {
 public:
  explicit edge_socket(tcp::socket&& socket)
      : tcp::socket(std::move(socket)),
        reactor_(&asio::use_service<asio::detail::reactor>(asio::query(get_executor(), asio::execution::context))) {}

  /// Calls `handler(error_code)` at the next edge, on the thread that runs the io_context, never from within the call.
  /// One wait of a kind at a time.
  template <class Handler>
  void wait_edge(wait_type what, Handler handler) {
    auto& self = impl_.get_implementation();
    reactor_->start_op(what == wait_read ? asio::detail::reactor::read_op : asio::detail::reactor::write_op,
                       self.socket_, self.reactor_data_, new edge_wait<Handler>(std::move(handler)), false, true);
  }

 private:
  asio::detail::reactor* reactor_;
};

#else

class edge_socket : public tcp::socket {
 public:
  explicit edge_socket(tcp::socket&& socket) : tcp::socket(std::move(socket)) {}
  template <class Handler>
  void wait_edge(wait_type what, Handler handler) {
    async_wait(what, std::move(handler));
  }
};

#endif

}  // namespace nexus::net
