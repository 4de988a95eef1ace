#include "actors/session.hpp"

#include "actors/admission.hpp"
#include "actors/ids.hpp"
#include "conf/log.hpp"
#include "net/dialects/openai.hpp"
#include "net/sse.hpp"

namespace nexus {
namespace {

// Full reads in a row before the neighbours get their turn.
constexpr int reads_in_a_row = 4;
// After the last answer: how long and how much of the peer's bytes are drained, so that it can read the answer before
// the connection is reset (RFC 9112 section 9.6).
constexpr std::chrono::milliseconds linger_time{1'000};
constexpr size_t linger_bytes_max = 256 * 1024;

constexpr std::string_view continue_head = "HTTP/1.1 100 Continue\r\n\r\n";

std::string milliseconds_text(std::chrono::microseconds time) {
  const auto micros = std::max<int64_t>(0, time.count());
  auto text = std::to_string(micros / 1000) + ".";
  const auto rest = std::to_string(micros % 1000);
  return text.append(3 - rest.size(), '0').append(rest);
}

}  // namespace

session::session(caf::actor_config& config, shard& home, std::shared_ptr<net::connection> connection, bool handshake)
    : shard_actor(config, home),
      connection_(std::move(connection)),
      reader_(home.options->server.body_bytes_max),
      stage_(handshake ? stage::handshaking : stage::reading),
      deadline_(*this),
      write_deadline_(*this) {
  ++hub().counters.connections;
}

session::~session() { --hub().counters.connections; }

caf::behavior session::make_behavior() {
  home().enlist(this);
  home().arm(deadline_, options().server.head_timeout);
  notify(shard_event::kind::start);
  return {
      [this](const shard_event& event) { on_event(event.what); },
      [this](call_accepted& message) {
        if (const auto exchange = exchange_) {
          exchange->on_accepted(message);
        } else {
          send(message.client, call_cancel{message.attempt});
        }
      },
      [this](call_part& message) {
        if (const auto exchange = exchange_) exchange->on_part(message);
      },
      [this](call_end& message) {
        if (const auto exchange = exchange_) exchange->on_end(message);
      },
      [this](const access_changed&) {
        if (const auto exchange = exchange_) exchange->on_access_changed();
      },
      [this](const drain&) {
        last_request_ = true;
        if (stage_ == stage::reading && !reader_.started() && backlog_.empty()) close_in_order();
      },
  };
}

void session::on_exit() {
  home().delist(this);
  exchange_.reset();
  home().disarm(deadline_);
  home().disarm(write_deadline_);
  if (!connection_) return;
  if (connection_->corked()) connection_->flush();
  connection_->close();
}

void session::on_event(shard_event::kind what) {
  switch (what) {
    case shard_event::kind::start:
      if (stage_ == stage::handshaking) return handshake();
      return on_readable();
    case shard_event::kind::readable:
      waiting_read_ = false;
      if (stage_ == stage::handshaking) return handshake();
      return on_readable();
    case shard_event::kind::writable:
      waiting_write_ = false;
      if (stage_ == stage::released) return;
      if (stage_ == stage::handshaking) return handshake();
      return after_write(connection_->flush());
    case shard_event::kind::flushed:
      if (stage_ == stage::released) return;
      return after_write(connection_->flush());
    case shard_event::kind::deadline:
      return on_deadline();
    default:
      return;
  }
}

void session::handshake() {
  switch (connection_->handshake()) {
    case net::io_status::ok:
      stage_ = stage::reading;
      return on_readable();
    case net::io_status::want_read:
      return await_readable();
    case net::io_status::want_write:
      return await_writable();
    default:
      log::net().debug("handshake-failed", "A TLS handshake with {} failed: {}", connection_->peer_address(),
                       connection_->tls_failure());
      quit();
  }
}

// --- Reading.

void session::on_readable() {
  for (int i = 0; i < reads_in_a_row; ++i) {
    if (stage_ == stage::released) return;
    const auto scratch = home().scratch();
    const auto [status, bytes] = connection_->read(scratch);
    if (status == net::io_status::want_read) break;
    if (status == net::io_status::want_write) return await_writable();
    if (status == net::io_status::closed || status == net::io_status::failed) return client_gone();
    input({scratch.data(), bytes});
    if (stage_ == stage::released) return;
  }
  // A client that pipelines more than it may waits until its answers are out.
  if (backlog_.size() < limits::scratch_bytes) await_readable();
}

void session::input(std::string_view bytes) {
  switch (stage_) {
    case stage::reading:
      return consume(bytes);
    case stage::busy:
      backlog_.append(bytes);
      return;
    default:
      lingered_ += bytes.size();
      if (lingered_ > linger_bytes_max) quit();
  }
}

void session::consume(std::string_view bytes) {
  consuming_ = true;
  while (!bytes.empty() && stage_ == stage::reading) {
    const bool fresh = !reader_.started();
    const auto taken = reader_.feed(bytes);
    if (!taken) {
      refuse(taken.error());
      break;
    }
    bytes.remove_prefix(*taken);
    if (fresh) started_ = home().now();
    if (reader_.state() != net::request_reader::progress::head && !admitted_ && !admit()) continue;
    if (reader_.state() == net::request_reader::progress::complete) {
      dispatch();
    } else if (fresh || admitted_) {
      arm_reading();
    }
  }
  consuming_ = false;
  if (stage_ == stage::busy || stage_ == stage::reading) backlog_.assign(bytes);
  if (stage_ == stage::reading && !reader_.started()) arm_reading();
}

void session::resume_input() {
  if (consuming_) return;
  const auto bytes = std::exchange(backlog_, {});
  if (!bytes.empty()) consume(bytes);
  if (stage_ != stage::reading) return;
  if (!reader_.started()) arm_reading();
  await_readable();
}

void session::arm_reading() {
  const auto& server = options().server;
  if (!reader_.started()) return home().arm(deadline_, server.idle_timeout);
  if (!admitted_) return home().arm(deadline_, server.head_timeout);
  home().arm(deadline_, server.body_timeout);
}

// --- Admission: everything that can be decided from the head, before the body is read.

bool session::admit() {
  admitted_ = true;
  received_at_ = wall_clock_ms();
  request_id_ = make_request_id();
  auto& request = reader_.current();
  const auto given = request.headers.find("x-request-id");
  label_ = given && net::is_label(*given) ? std::string(*given) : request_id_;
  keep_ = request.keep_alive;
  upstream_time_ = {};

  const auto verdict = [&]() -> result<void> {
    auto target = net::parse_target(request.target);
    if (!target) return target.error();
    target_ = std::move(*target);
    auto match = find_endpoint(request.method == "HEAD" ? "GET" : request.method, target_.path);
    if (target_.encoded_slash != std::string::npos &&
        (match.found == nullptr || !takes_encoded_slash(*match.found, target_.encoded_slash)))
      return make_error(errc::invalid_request, "The path contains an encoded slash.");
    if (match.found == nullptr && !match.allow.empty()) {
      auto failure =
          make_error(errc::method_not_allowed, request.method + " is not allowed here, only " + match.allow + ".");
      failure.detail = match.allow;
      return failure;
    }
    if (match.found == nullptr)
      return make_error(errc::route_not_found,
                        "There is no such URL on this server: " + request.method + " " + target_.path + ".");
    endpoint_ = match.found;
    if (hub().draining && endpoint_->level != access::anyone)
      return make_error(errc::shutting_down, "The hub is shutting down.");
    parameters_ = std::move(match.parameters);
    if (const auto length = request.headers.find("content-length");
        length && !endpoint_->large_body && std::stoull(std::string(*length)) > limits::control_body_bytes_max)
      return make_error(errc::payload_too_large, "The body is larger than the " +
                                                     std::to_string(limits::control_body_bytes_max) +
                                                     " bytes that this route takes.");
    return check_access(*endpoint_);
  }();
  const bool body_pending = reader_.state() == net::request_reader::progress::body;
  if (!verdict) {
    if (body_pending) keep_ = false;  // its body is not worth reading
    stage_ = stage::busy;
    fail(verdict.error());
    return false;
  }
  if (body_pending && request.expects_continue) after_write(put({continue_head}));
  return true;
}

void session::dispatch() {
  stage_ = stage::busy;
  home().disarm(deadline_);
  if (!endpoint_->large_body && request().body.size() > limits::control_body_bytes_max)
    return fail(make_error(errc::payload_too_large, "The body is larger than the " +
                                                        std::to_string(limits::control_body_bytes_max) +
                                                        " bytes that this route takes."));
  endpoint_->handle(*this);
}

// A message that is no sound HTTP: nothing behind it can be trusted.
void session::refuse(const error& failure) {
  stage_ = stage::busy;
  keep_ = false;
  if (!admitted_) {
    request_id_ = make_request_id();
    label_ = request_id_;
    started_ = home().now();
  }
  fail(failure);
}

// --- Answering.

net::header_list session::with_common(const net::header_list& headers) {
  const auto gateway = std::chrono::duration_cast<std::chrono::microseconds>(home().now() - started_) - upstream_time_;
  net::header_list all;
  all.add("x-request-id", label_);
  all.add("server-timing", "gateway;dur=" + milliseconds_text(gateway));
  all.add(headers);
  return all;
}

void session::respond(const answer& answer) {
  const bool keep = keep_ && !last_request_;
  const bool bodiless = answer.status == 204 || answer.status == 304;
  std::string head;
  head.reserve(512);
  net::append_response_head(head,
                            {.status = answer.status,
                             .content_type = bodiless ? std::string_view() : answer.content_type,
                             .body = bodiless ? net::framing::none : net::framing::length,
                             .content_length = answer.body.size(),
                             .keep_alive = keep},
                            with_common(answer.headers));
  const auto body = request().method == "HEAD" ? std::string_view() : std::string_view(answer.body);
  log::net().of(label_).debug("request", "{} {} {}", request().method, target_.path, answer.status);
  const auto status = keep ? put({head, body}) : connection_->write({head, body});
  finish_answer(keep);
  after_write(status);
}

void session::fail(const error& failure, const net::header_list& more) {
  answer refusal;
  refusal.status = failure.http_status();
  refusal.body = net::openai::error_body(failure);
  refusal.headers = error_headers(failure);
  refusal.headers.add(more);
  if (refusal.status >= 500)
    log::net().of(label_).info("request-failed", "{} {}: {} {}", request().method, target_.path, failure.message,
                               failure.detail);
  respond(refusal);
}

void session::begin_stream(const net::header_list& headers, std::string_view first) {
  streaming_ = true;
  chunked_ = request().version_minor == 1;
  keep_ = keep_ && chunked_;
  std::string head;
  head.reserve(512);
  net::append_response_head(head,
                            {.status = 200,
                             .content_type = "text/event-stream; charset=utf-8",
                             .body = chunked_ ? net::framing::chunked : net::framing::close,
                             .content_length = 0,
                             .keep_alive = keep_ && !last_request_},
                            with_common(headers));
  if (first.empty()) return after_write(put({head}));
  if (!chunked_) return after_write(put({head, first}));
  after_write(put({head, net::chunk_size_line(first.size()), first, "\r\n"}));
}

void session::stream(std::string_view bytes) {
  if (bytes.empty()) return;
  after_write(chunked_ ? put({net::chunk_size_line(bytes.size()), bytes, "\r\n"}) : put({bytes}));
}

void session::end_stream(std::string_view last, bool complete) {
  const bool keep = keep_ && complete && !last_request_;
  net::io_status status{};
  if (!chunked_) {
    status = put({last});
  } else if (last.empty()) {
    status = put({net::last_chunk});
  } else {
    status = put({net::chunk_size_line(last.size()), last, "\r\n", net::last_chunk});
  }
  finish_answer(keep);
  if (!keep) status = connection_->flush();
  after_write(status);
}

void session::expect_silence(std::chrono::milliseconds wait) {
  if (wait.count() > 0) {
    home().arm(deadline_, wait);
  } else {
    home().disarm(deadline_);
  }
}

void session::finish_answer(bool keep) {
  exchange_.reset();
  endpoint_ = nullptr;
  streaming_ = admitted_ = high_water_ = false;
  reader_.next();
  stage_ = keep ? stage::reading : stage::closing;
  home().disarm(deadline_);
}

net::io_status session::put(std::initializer_list<std::string_view> pieces) {
  const auto status = connection_->cork(pieces);
  if (connection_->corked() && !std::exchange(flush_due_, true)) home().flush_later(*this);
  return status;
}

void session::on_flush() {
  flush_due_ = false;
  if (!connection_ || !connection_->corked()) return;
  if (connection_->flush() != net::io_status::ok || high_water_ || stage_ == stage::closing)
    notify(shard_event::kind::flushed);
}

void session::after_write(net::io_status status) {
  if (status == net::io_status::failed) return client_gone();
  if (connection_->unsent() > 0 && !connection_->corked()) {
    home().arm(write_deadline_, options().server.write_timeout);
    status == net::io_status::want_read ? await_readable() : await_writable();
  } else {
    home().disarm(write_deadline_);
  }
  if (connection_->unsent() > limits::unsent_high_bytes) high_water_ = true;
  if (high_water_ && connection_->unsent() <= limits::unsent_low_bytes) {
    high_water_ = false;
    if (const auto exchange = exchange_) exchange->on_drained();
  }
  if (stage_ == stage::closing && connection_->unsent() == 0) return close_in_order();
  if (stage_ == stage::reading) resume_input();
}

// --- Ending.

void session::close_in_order() {
  if (connection_->unsent() > 0) {
    stage_ = stage::closing;
    return;
  }
  stage_ = stage::lingering;
  connection_->shutdown_send();
  home().arm(deadline_, linger_time);
  await_readable();
}

void session::client_gone() {
  if (const auto exchange = exchange_) exchange->on_client_gone();
  quit();
}

void session::on_deadline() {
  if (write_deadline_.take_fired()) {
    log::net().debug("client-stuck", "{} took nothing for too long.", connection_->peer_address());
    return client_gone();
  }
  if (!deadline_.take_fired()) return;
  switch (stage_) {
    case stage::busy:
      if (const auto exchange = exchange_) exchange->on_silence();
      return;
    case stage::reading:
      if (!reader_.started()) return close_in_order();
      return refuse(make_error(errc::request_timeout, "The request did not arrive in time."));
    case stage::closing:
      return;  // the write deadline decides
    default:
      quit();
  }
}

std::shared_ptr<net::connection> session::release_connection() {
  stage_ = stage::released;
  home().disarm(deadline_);
  home().disarm(write_deadline_);
  auto released = std::exchange(connection_, nullptr);
  if (released->corked()) released->flush();
  released->cancel_waits();
  quit();
  return released;
}

void session::await_readable() {
  if (waiting_read_) return;
  waiting_read_ = true;
  connection_->wait_readable(notifier(shard_event::kind::readable));
}

void session::await_writable() {
  if (waiting_write_) return;
  waiting_write_ = true;
  connection_->wait_writable(notifier(shard_event::kind::writable));
}

}  // namespace nexus
