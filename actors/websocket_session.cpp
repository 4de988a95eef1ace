#include "actors/websocket_session.hpp"

#include "actors/chat_run.hpp"
#include "actors/ids.hpp"
#include "conf/log.hpp"
#include "net/dialects/openai.hpp"

namespace nexus {
namespace {

// Frames that wait for the socket; past it the client's own frames wait, too.
constexpr size_t queue_max = 256;
constexpr std::chrono::seconds directory_timeout{5};

// RFC 6455 section 7.4.1.
constexpr uint16_t going_away = 1001;
constexpr uint16_t unsupported_data = 1003;
// Of the range for applications; 4401 reads as HTTP's 401.
constexpr uint16_t key_revoked = 4401;
// How long a revoked socket may take for its last words.
constexpr std::chrono::milliseconds revoke_time{500};

}  // namespace

websocket_session::websocket_session(caf::actor_config& config, shard& home,
                                     const std::shared_ptr<net::connection>& connection,
                                     std::shared_ptr<net::request> request, caller who, std::string label)
    : shard_actor(config, home),
      secure_(connection->encrypted()),
      socket_(std::move(*connection), {.message_bytes_max = home.options->websocket.message_bytes_max,
                                       .handshake_timeout = home.options->server.head_timeout,
                                       .idle_timeout = home.options->websocket.ping_interval * 2}),
      request_(std::move(request)),
      caller_(std::move(who)),
      label_(std::move(label)),
      revoke_deadline_(*this) {
  ++hub().counters.connections;
}

websocket_session::~websocket_session() { --hub().counters.connections; }

caf::behavior websocket_session::make_behavior() {
  home().enlist(this);
  notify(shard_event::kind::start);
  return {
      [this](const shard_event& event) {
        if (event.what == shard_event::kind::start) return accept();
        if (revoke_deadline_.take_fired()) quit();
      },
      [this](const access_changed&) {
        if (auto renewed = renew_caller(); !renewed) revoke(renewed.error());
      },
      [this](const socket_message& message) { on_message(message.ec, message.text, message.is_text); },
      [this](const socket_written& written) {
        if (written.ec) return quit();
        on_written();
        write_next();
        if (queue_.size() < queue_max) read();
      },
      [this](ws_frame& frame) { queue(std::move(frame)); },
      [this](const drain&) {
        draining_ = true;
        if (chats_.empty()) close(going_away, "The hub is shutting down.");
      },
  };
}

void websocket_session::on_exit() {
  home().delist(this);
  home().disarm(revoke_deadline_);
  socket_.abort();
  for (const auto& [number, chat] : chats_) send(chat.actor, detach_socket{address()});
  chats_.clear();
  queue_.clear();
}

void websocket_session::accept() {
  socket_.accept(*request_, {{"x-request-id", label_}},
                 [self = caf::strong_actor_ptr(ctrl()), this](net::error_code ec) {
                   caf::anon_send(caf::actor_cast<caf::actor>(self), socket_message{ec, {}, true});
                 });
  reading_ = true;
}

void websocket_session::read() {
  if (reading_ || closing_) return;
  reading_ = true;
  socket_.read([self = caf::strong_actor_ptr(ctrl())](net::error_code ec, std::string text, bool is_text) {
    caf::anon_send(caf::actor_cast<caf::actor>(self), socket_message{ec, std::move(text), is_text});
  });
}

// The first message is the end of the handshake: it has no text.
void websocket_session::on_message(net::error_code ec, const std::string& text, bool is_text) {
  reading_ = false;
  if (ec || closing_) return quit();
  if (revoked_) return;
  if (request_) {
    request_.reset();
    return read();
  }
  if (!is_text) return close(unsupported_data, "Frames are text.");
  std::string id;
  auto frame = read_client_frame(text, id);
  if (!frame) {
    refuse(id, frame.error());
  } else {
    on_frame(*frame);
  }
  if (queue_.size() < queue_max) read();
}

void websocket_session::on_frame(client_frame& frame) {
  switch (frame.what) {
    case client_frame::kind::chat:
      return start_chat(frame);
    case client_frame::kind::resume:
      return resume_chat(frame);
    case client_frame::kind::stop: {
      const auto chat = find_by_id(frame.id);
      if (chat == chats_.end()) return refuse(frame.id, make_error(errc::not_found, "No chat of this id is running."));
      return send(chat->second.actor, stop_chat{});
    }
    case client_frame::kind::count: {
      const auto counting = home().counting_of(frame.model);
      return count_for(*this, counting, frame.text, false, {}, [this, id = frame.id](token_count count) {
        say(frames::make_count(id, count.tokens, count.is_exact));
      });
    }
  }
}

void websocket_session::start_chat(client_frame& frame) {
  if (frame.id.empty()) frame.id = "chat_" + make_ulid();
  if (draining_) return refuse(frame.id, make_error(errc::shutting_down, "The hub is shutting down."));
  if (find_by_id(frame.id) != chats_.end())
    return refuse(frame.id, make_error(errc::conflict, "A chat of this id is running already."));
  if (chats_.size() >= options().websocket.chats_max)
    return refuse(frame.id, make_error(errc::rate_limited, "Too many chats run on this socket."));
  if (auto renewed = renew_caller(); !renewed) {
    refuse(frame.id, renewed.error());
    return revoke(renewed.error());
  }
  auto body = net::openai::make_request(frame.model, frame.messages, frame.params);
  if (!body) return refuse(frame.id, body.error());
  const auto number = next_number_++;
  auto actor = home().spawn<chat_run>(chat_start{.id = frame.id,
                                                 .number = number,
                                                 .body = std::move(*body),
                                                 .conversation_id = std::move(frame.conversation_id),
                                                 .provider_id = frame.provider_id,
                                                 .principal = caller_.principal,
                                                 .shown = caller_.shown,
                                                 .socket = caf::actor_cast<caf::actor>(this)});
  send(hub().chat_directory, enlist_chat{caller_.principal->id, frame.id, actor});
  chats_.emplace(number, running_chat{std::move(frame.id), std::move(actor)});
}

// A socket may stay open for days: keys are revoked, sessions end, models come and go meanwhile.
result<void> websocket_session::renew_caller() {
  auto principal = look_again(caller_.shown, *home().snapshot, *hub().access, wall_clock_ms(), home().now());
  if (!principal) return principal.error();
  caller_.principal = std::move(*principal);
  return {};
}

void websocket_session::resume_chat(const client_frame& frame) {
  if (auto renewed = renew_caller(); !renewed) {
    refuse(frame.id, renewed.error());
    return revoke(renewed.error());
  }
  const auto attach_to = [this, id = frame.id,
                          last_seq = static_cast<uint64_t>(frame.last_seq)](const caf::actor& chat) {
    if (revoked_) return;
    if (!chat) return refuse(id, make_error(errc::not_found, "There is no chat of this id to resume."));
    const auto number = next_number_++;
    if (const auto former = find_by_id(id); former != chats_.end()) chats_.erase(former);
    chats_.emplace(number, running_chat{id, chat});
    send(chat, attach_socket{caf::actor_cast<caf::actor>(this), number, last_seq});
  };
  request(hub().chat_directory, directory_timeout, find_chat{caller_.principal->id, frame.id})
      .then([attach_to](const found_chat& found) { attach_to(found.chat); },
            [attach_to](const caf::error&) { attach_to(nullptr); });
}

std::map<uint64_t, websocket_session::running_chat>::iterator websocket_session::find_by_id(std::string_view id) {
  return std::find_if(chats_.begin(), chats_.end(), [&](const auto& entry) { return entry.second.id == id; });
}

void websocket_session::refuse(std::string_view id, const error& failure) {
  say(frames::make_error(id, failure, make_request_id()));
}

void websocket_session::say(std::string text) { queue({0, std::move(text), false}); }

void websocket_session::queue(ws_frame frame) {
  if (frame.chat != 0 && !chats_.contains(frame.chat)) return;  // of a chat that was taken over meanwhile
  queue_.push_back(std::move(frame));
  write_next();
}

void websocket_session::write_next() {
  if (writing_ || closing_ || request_) return;
  if (queue_.empty()) {
    if (revoked_) return close(key_revoked, "This credential is not valid any more.");
    if (draining_ && chats_.empty()) close(going_away, "The hub is shutting down.");
    return;
  }
  writing_ = true;
  auto& frame = queue_.front();
  socket_.write(std::move(frame.text), [self = caf::strong_actor_ptr(ctrl())](net::error_code ec) {
    caf::anon_send(caf::actor_cast<caf::actor>(self), socket_written{ec});
  });
}

void websocket_session::on_written() {
  writing_ = false;
  const auto written = std::move(queue_.front());
  queue_.pop_front();
  const auto chat = chats_.find(written.chat);
  if (chat == chats_.end()) return;
  send(chat->second.actor, frame_written{});
  if (written.last) chats_.erase(chat);
}

void websocket_session::revoke(const error& failure) {
  if (closing_ || std::exchange(revoked_, true)) return;
  home().arm(revoke_deadline_, revoke_time);  // a client that reads nothing is not waited for
  // The chats look for themselves and end; what they still say is not for this socket.
  for (const auto& [number, chat] : std::exchange(chats_, {})) refuse(chat.id, failure);
  write_next();
}

void websocket_session::close(uint16_t code, std::string_view reason) {
  if (std::exchange(closing_, true)) return;
  socket_.close(code, reason, [self = caf::strong_actor_ptr(ctrl())](net::error_code) {
    caf::anon_send(caf::actor_cast<caf::actor>(self), socket_written{net::asio::error::operation_aborted});
  });
}

}  // namespace nexus
