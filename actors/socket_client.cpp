#include "actors/socket_client.hpp"

#include <cstring>

namespace nexus {
namespace {

// Full reads in a row before the neighbours get their turn.
constexpr int reads_in_a_row = 4;
// A connection that rested this long may have been closed by its server just as we write: such a call is made once
// more.
constexpr std::chrono::milliseconds stale_after{1'000};
// How long the end of a body may trail behind "[DONE]" before the connection is given up.
constexpr std::chrono::milliseconds done_grace{1'000};

std::string seconds_text(std::chrono::milliseconds time) {
  if (time.count() % 1000 == 0) return std::to_string(time.count() / 1000) + " s";
  return std::to_string(time.count()) + " ms";
}

}  // namespace

socket_client::socket_client(caf::actor_config& config, shard& home, caf::actor owner, provider_ptr settings)
    : provider_client(config, home, std::move(owner), std::move(settings)), resolver_(home.io()), deadline_(*this) {}

void socket_client::on_call() {
  const auto now = home().now();
  total_end_ = now + config().timeouts.total_timeout;
  reused_ = connection_.has_value();
  idle_before_ =
      reused_ ? std::chrono::duration_cast<std::chrono::milliseconds>(now - idle_since_) : std::chrono::milliseconds(0);
  if (reused_) return send_request();
  connect();
}

void socket_client::connect() {
  enter(phase::connecting);
  const auto& target = config().chat;
  endpoints_.clear();
  endpoint_ = 0;
  net::error_code ec;
  if (const auto address = net::asio::ip::make_address(target.host, ec); !ec) {
    endpoints_.emplace_back(address, target.port);
    return try_next_endpoint();
  }
  resolver_.async_resolve(target.host, std::to_string(target.port),
                          [self = caf::strong_actor_ptr(ctrl()), this](net::error_code failure,
                                                                       const net::tcp::resolver::results_type& found) {
                            if (failure == net::asio::error::operation_aborted) return;
                            connect_error_ = failure;
                            for (const auto& entry : found) endpoints_.push_back(entry.endpoint());
                            notify(shard_event::kind::start);
                          });
}

void socket_client::try_next_endpoint() {
  if (endpoint_ == endpoints_.size()) {
    const auto why = connect_error_ ? connect_error_.message() : std::string("no address");
    const auto verb =
        endpoints_.empty() ? "The name of the upstream cannot be resolved." : "The upstream refused the connection.";
    return fail(make_error(errc::upstream_error, verb, why));
  }
  net::tcp::socket socket(home().io());
  connection_.reset();
  connect_error_ = {};
  const auto endpoint = endpoints_[endpoint_++];
  socket.open(endpoint.protocol(), connect_error_);
  if (connect_error_) return try_next_endpoint();
  connection_.emplace(std::move(socket));
  connection_->socket().async_connect(endpoint, [self = caf::strong_actor_ptr(ctrl()), this](net::error_code ec) {
    if (ec == net::asio::error::operation_aborted) return;
    connect_error_ = ec;
    notify(shard_event::kind::connected);
  });
}

void socket_client::on_connected() {
  if (connect_error_) return try_next_endpoint();
  if (!config().chat.tls) return send_request();
  connection_->start_tls(
      net::tls_session::connect(home().upstream_tls, connection_->socket().native_handle(), config().chat.host));
  phase_ = phase::handshaking;  // within the same deadline
  handshake();
}

void socket_client::handshake() {
  switch (connection_->handshake()) {
    case net::io_status::ok:
      return send_request();
    case net::io_status::want_read:
      return await_readable();
    case net::io_status::want_write:
      return await_writable();
    default:
      fail(make_error(errc::upstream_error, "The TLS connection to the upstream failed.", connection_->tls_failure()));
  }
}

void socket_client::send_request() {
  record_sent([this] {
    request_due_ = true;
    home().flush_later(*this);
  });
}

void socket_client::on_flush() {
  if (!std::exchange(request_due_, false) || !busy()) return;
  if (!connection_ || write_request() == net::io_status::failed) notify(shard_event::kind::flushed);
}

net::io_status socket_client::write_request() {
  const auto& row = *config().row;
  const auto& target = config().chat;
  auto head = net::request_head("POST", target.path, target.host_header, config().call_headers, current().body.size());
  head.resize(head.size() - 2);  // the empty line comes last
  const auto key = row.server_key.reveal();
  head.reserve(head.size() + current().label.size() + key.size() + 128);  // no copy of the key is left behind
  net::append_field(head, "accept", current().settings.stream ? "text/event-stream" : "application/json");
  net::append_field(head, "x-request-id", current().label);
  if (!key.empty()) head.append("authorization: Bearer ").append(key).append("\r\n");
  head.append("\r\n");
  const auto status = connection_->write({head, current().body});
  ::explicit_bzero(head.data(), head.size());
  enter(phase::awaiting_head);
  if (status == net::io_status::failed) return status;
  if (status != net::io_status::ok) await_writable();
  await_readable();
  return status;
}

void socket_client::flush() {
  if (!connection_ || connection_->unsent() == 0) return;
  const auto status = connection_->flush();
  // A refusal may already lie in the receive buffer: reading finds out.
  if (status == net::io_status::want_write) await_writable();
}

void socket_client::on_event(shard_event::kind what) {
  switch (what) {
    case shard_event::kind::start:
      if (phase_ == phase::connecting) try_next_endpoint();
      break;
    case shard_event::kind::connected:
      if (phase_ == phase::connecting) on_connected();
      break;
    case shard_event::kind::readable:
      waiting_read_ = false;
      if (!connection_) break;
      if (phase_ == phase::handshaking) return handshake();
      if (!busy()) return watch_idle();
      if (!paused() && phase_ != phase::connecting) read();
      break;
    case shard_event::kind::writable:
      waiting_write_ = false;
      if (phase_ == phase::handshaking) return handshake();
      flush();
      break;
    case shard_event::kind::flushed:
      if (busy()) on_closed(true);
      break;
    case shard_event::kind::deadline:
      if (deadline_.take_fired()) on_deadline();
      break;
    case shard_event::kind::tick:
      break;
  }
}

void socket_client::read() {
  const bool streams = current().settings.stream;
  const auto scratch = streams ? home().scratch().first(limits::stream_read_bytes) : home().scratch();
  for (int i = 0; i < reads_in_a_row; ++i) {
    const auto [status, bytes] = connection_->read(scratch);
    if (status == net::io_status::want_read) break;
    if (status == net::io_status::want_write) return await_writable();
    if (status == net::io_status::closed || status == net::io_status::failed)
      return on_closed(status == net::io_status::failed);
    if (!feed({scratch.data(), bytes})) return rest();
    if (machine().done()) {
      home().arm(deadline_, done_grace);
    } else if (machine().head_arrived()) {
      const bool flowing = machine().streaming() || !current().settings.stream;
      enter(flowing ? phase::streaming : phase::awaiting_first);
    }
    if (streams && bytes == scratch.size()) break;  // its reader has a word first
  }
  await_readable();
}

void socket_client::on_closed(bool reset) {
  if (may_retry_stale()) {
    drop();
    reused_ = false;
    restart_machine();
    return connect();
  }
  drop();
  feed_end(reset);
}

bool socket_client::may_retry_stale() const {
  return reused_ && idle_before_ >= stale_after && !const_cast<socket_client*>(this)->machine().answered();
}

void socket_client::rest() {
  if (!connection_) return;
  idle_since_ = home().now();
  enter(phase::idle);
  watch_idle();
}

// A server that closes an idle connection, or speaks unasked on it, is noticed at once.
void socket_client::watch_idle() {
  if (connection_->read(home().scratch()).status == net::io_status::want_read) return await_readable();
  expire();
}

void socket_client::expire() {
  drop();
  send(owner(), client_expired{id()});
}

void socket_client::enter(phase next) {
  const auto& timeouts = config().timeouts;
  const auto now = home().now();
  auto wait = timeouts.idle_timeout;
  switch (next) {
    case phase::idle:
      wait = timeouts.pool_idle_timeout;
      break;
    case phase::connecting:
    case phase::handshaking:
      wait = timeouts.connect_timeout;
      break;
    case phase::awaiting_head:
      wait = timeouts.head_timeout;
      break;
    case phase::awaiting_first:
      if (phase_ == phase::awaiting_first) return;  // comments of the upstream do not buy it time
      wait = timeouts.first_token_timeout;
      break;
    case phase::streaming:
      break;
  }
  phase_ = next;
  phase_end_ = now + wait;
  const auto end = next == phase::idle ? phase_end_ : std::min(phase_end_, total_end_);
  home().arm(deadline_, std::chrono::duration_cast<std::chrono::milliseconds>(end - now));
}

void socket_client::on_deadline() {
  if (phase_ == phase::idle) return expire();
  if (!busy()) return;
  const auto& timeouts = config().timeouts;
  if (machine().done()) return on_closed(false);
  if (paused() && home().now() < total_end_) return;  // the client is slow, not the upstream: its own deadline runs
  error failure;
  if (home().now() >= total_end_) {
    failure = make_error(errc::upstream_timeout,
                         "The upstream did not finish its answer within " + seconds_text(timeouts.total_timeout) + ".");
  } else if (phase_ == phase::connecting || phase_ == phase::handshaking) {
    failure = make_error(errc::upstream_timeout,
                         "The upstream accepted no connection within " + seconds_text(timeouts.connect_timeout) + ".");
  } else if (phase_ == phase::awaiting_head) {
    failure = make_error(errc::upstream_timeout,
                         "The upstream did not answer within " + seconds_text(timeouts.head_timeout) + ".");
  } else if (phase_ == phase::awaiting_first) {
    failure = make_error(errc::upstream_timeout,
                         "The upstream sent no token within " + seconds_text(timeouts.first_token_timeout) + ".");
  } else {
    failure = make_error(errc::upstream_timeout,
                         "The upstream fell silent for " + seconds_text(timeouts.idle_timeout) + " in mid-answer.");
  }
  drop();
  fail(std::move(failure));
}

void socket_client::on_left(std::chrono::milliseconds time) {
  if (time.count() == 0) return;
  total_end_ = std::min(total_end_, home().now() + time);
  if (phase_ != phase::connecting && phase_ != phase::handshaking && phase_ != phase::idle)
    home().arm(deadline_,
               std::min(time, std::chrono::duration_cast<std::chrono::milliseconds>(phase_end_ - home().now())));
}

void socket_client::on_flow(bool paused) {
  if (paused || !connection_) return;
  if (phase_ == phase::streaming) enter(phase::streaming);
  await_readable();
}

void socket_client::await_readable() {
  if (waiting_read_ || !connection_) return;
  waiting_read_ = true;
  connection_->wait_readable(notifier(shard_event::kind::readable));
}

void socket_client::await_writable() {
  if (waiting_write_ || !connection_) return;
  waiting_write_ = true;
  connection_->wait_writable(notifier(shard_event::kind::writable));
}

// Off the wheel, too: the last hold on this actor may be let go by a thread that has no business with it.
void socket_client::drop() {
  home().disarm(deadline_);
  resolver_.cancel();
  if (connection_) connection_->close();
  connection_.reset();
  waiting_read_ = waiting_write_ = request_due_ = false;
}

}  // namespace nexus
