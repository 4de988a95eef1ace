#include "actors/chat_run.hpp"

#include "actors/ids.hpp"
#include "actors/ledger.hpp"

namespace nexus {
namespace {

// At most sixty delta frames a second (contract section 5).
constexpr std::chrono::microseconds frame_interval{16'667};
// Frames under way to a socket; beyond it, deltas are gathered.
constexpr uint32_t unacknowledged_max = 4;

std::chrono::milliseconds since(net::steady_time then, net::steady_time now) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - then);
}

}  // namespace

chat_run::chat_run(caf::actor_config& config, shard& home, chat_start start)
    : shard_actor(config, home),
      start_(std::move(start)),
      request_id_(make_request_id()),
      pace_(home.io()),
      orphan_deadline_(*this) {
  ++hub().counters.chats;
}

chat_run::~chat_run() { --hub().counters.chats; }

caf::behavior chat_run::make_behavior() {
  home().enlist(this);
  notify(shard_event::kind::start);
  return {
      [this](const shard_event& event) {
        switch (event.what) {
          case shard_event::kind::start:
            return begin();
          case shard_event::kind::tick:
            return on_tick();
          case shard_event::kind::deadline:
            if (orphan_deadline_.take_fired() && !start_.socket) quit();
            return;
          default:
            return;
        }
      },
      [this](call_accepted& message) { on_accepted(message); },
      [this](call_part& message) {
        if (!over_ && driver_->is_present(message.attempt)) on_part(message.part);
      },
      [this](call_end& message) {
        if (!over_ && driver_->is_present(message.attempt)) on_end(message);
      },
      [this](const frame_written&) {
        if (unacknowledged_ > 0) --unacknowledged_;
        if (over_ && unacknowledged_ == 0 && start_.socket) return quit();
        if (!pending_.empty()) on_tick();
      },
      [this](const attach_socket& message) { on_attach(message); },
      [this](const detach_socket& message) { on_detach(message); },
      [this](const stop_chat&) { stop(); },
      [this](const access_changed&) { look_again(); },
      [](const drain&) {},  // what runs may finish
  };
}

void chat_run::on_exit() {
  home().delist(this);
  pace_.cancel();
  home().disarm(orphan_deadline_);
  if (driver_ && !over_) driver_->cancel();
  if (counting_exchange_) --hub().counters.exchanges;
  driver_.reset();
  start_.socket = nullptr;
}

void chat_run::begin() {
  begun_ = home().now();
  auto parsed = parse_call(hub(), start_.principal, start_.body,
                           {.request_id = request_id_,
                            .label = request_id_,
                            .conversation_id = start_.conversation_id,
                            .provider_id = start_.provider_id,
                            .mode = net::delivery::deltas,
                            .received_at = wall_clock_ms(),
                            .started = begun_,
                            .answer_bytes_max = options().upstream.answer_bytes_max,
                            .output_tokens_default = options().upstream.output_tokens_default});
  if (!parsed) return conclude(frames::make_error(start_.id, parsed.error(), request_id_));
  const auto counting = home().counting_of(parsed->request.model);
  auto tree = std::move(parsed->tree);
  const auto kept = std::make_shared<parsed_call>(std::move(*parsed));
  count_for(*this, counting, start_.body, true, std::move(tree), [this, counting, kept](token_count count) {
    if (!over_) admit(std::move(*kept), {counting, count});
  });
}

void chat_run::admit(parsed_call parsed, counted_prompt counted) {
  limit_report report;  // has no place in a frame
  auto call = admit_call(hub(), std::move(parsed), start_.body, std::move(counted), report);
  if (!call) return conclude(frames::make_error(start_.id, call.error(), request_id_));
  std::string().swap(start_.body);
  counting_exchange_ = true;
  ++hub().counters.exchanges;
  driver_.emplace(*this, std::move(*call));
  attempt();
}

void chat_run::attempt() {
  if (auto sent = driver_->attempt(); !sent) conclude(frames::make_error(start_.id, sent.error(), request_id_));
}

void chat_run::on_accepted(call_accepted& message) {
  if (over_ || !driver_->is_present(message.attempt)) return send(message.client, call_cancel{message.attempt});
  const bool first = driver_->provider() == nullptr;
  driver_->on_accepted(message);
  if (!first) return;
  const auto& call = driver_->call();
  emit(0, frames::make_start({.id = start_.id,
                              .conversation_id = call.conversation_id,
                              .model = call.model,
                              .provider_id = driver_->provider()->row->id,
                              .prompt_tokens = call.prompt_tokens,
                              .is_exact = call.is_exact}));
}

void chat_run::on_part(net::stream_part& part) {
  if (ttft_.count() == 0) ttft_ = std::max(std::chrono::milliseconds(1), since(begun_, home().now()));
  pending_.append(std::move(part));
  if (pending_.size() > limits::unsent_high_bytes) driver_->pause();
  if (!pacing_) on_tick();
}

// A frame goes out at once if the last one is old enough, else when it is.
void chat_run::on_tick() {
  pacing_ = false;
  if (over_ || pending_.empty()) return;
  const auto due = last_flush_ + frame_interval;
  const auto now = home().now();
  if (now >= due) {
    if (unacknowledged_ < unacknowledged_max) flush();
    return;
  }
  pacing_ = true;
  pace_.expires_after(due - now);
  pace_.async_wait(notifier(shard_event::kind::tick));
}

void chat_run::flush() {
  if (pending_.empty()) return;
  last_flush_ = home().now();
  ++seq_;
  emit(seq_, frames::make_delta(start_.id, seq_, pending_));
  pending_ = {};
  if (driver_) driver_->resume();
}

void chat_run::emit(uint64_t seq, std::string text) {
  kept_bytes_ += text.size();
  if (start_.socket) {
    ++unacknowledged_;
    send(start_.socket, ws_frame{start_.number, text, over_});
  }
  kept_.push_back({seq == 0 ? seq_ : seq, std::move(text)});
  while (kept_bytes_ > limits::replay_bytes_max && kept_.size() > 1) {
    kept_bytes_ -= kept_.front().text.size();
    kept_.pop_front();
  }
}

void chat_run::on_end(call_end& message) {
  if (driver_->on_end(message, seq_ > 0 || !pending_.empty())) return attempt();
  pending_.append(std::move(message.part));
  flush();
  if (message.verdict.failure) return conclude(frames::make_error(start_.id, *message.verdict.failure, request_id_));
  conclude(done_frame(message.facts.finish_reason.empty() ? "stop" : message.facts.finish_reason, &message));
}

std::string chat_run::done_frame(std::string_view finish_reason, const call_end* message) const {
  return frames::make_done({.id = start_.id,
                            .finish_reason = finish_reason,
                            .request_id = request_id_,
                            .provider_id = driver_->provider() ? driver_->provider()->row->id : 0,
                            .usage = message != nullptr ? message->facts.reported : std::nullopt,
                            .prompt_tokens = driver_->call().prompt_tokens,
                            .completion_tokens = driver_->call().ticket->completion_tokens(),
                            .is_exact = driver_->call().is_exact,
                            .cost = message != nullptr ? message->cost : 0,
                            .ttft_ms = ttft_.count(),
                            .duration_ms = since(begun_, const_cast<chat_run*>(this)->home().now()).count()});
}

void chat_run::stop() {
  if (over_ || !driver_) return;
  flush();
  driver_->cancel(true);
  conclude(done_frame("cancelled", nullptr));
}

// Whoever lost the right to this chat gets nothing more of it, not by a resume either.
void chat_run::look_again() {
  const auto provider_id = driver_ && driver_->provider() ? driver_->provider()->row->id : 0;
  const auto holds = check_running(start_.shown, *home().snapshot, *hub().access, wall_clock_ms(), home().now(),
                                   provider_id, driver_ ? driver_->call().model : std::string_view());
  if (holds) return;
  if (!over_) {
    if (driver_) driver_->cancel(true);
    conclude(frames::make_error(start_.id, holds.error(), request_id_));
  }
  quit();
}

// The last frame: the chat stays for a resume only if nobody has taken it.
void chat_run::conclude(std::string text) {
  over_ = true;
  if (std::exchange(counting_exchange_, false)) --hub().counters.exchanges;
  emit(seq_ + 1, std::move(text));
}

void chat_run::on_attach(const attach_socket& message) {
  home().disarm(orphan_deadline_);
  if (start_.socket && start_.socket != message.socket) {
    // The former socket must not wait for an end that goes elsewhere.
    const auto taken = make_error(errc::conflict, "This chat was taken over by another connection.");
    send(start_.socket, ws_frame{start_.number, frames::make_error(start_.id, taken, request_id_), true});
  }
  start_.socket = message.socket;
  start_.number = message.chat;
  unacknowledged_ = 0;
  const auto floor = kept_.empty() ? 0 : kept_.front().seq;
  if (floor > message.last_seq + 1) {
    const auto lost = make_error(errc::invalid_request, "Too much of the answer was missed to resume it.");
    send(start_.socket, ws_frame{start_.number, frames::make_error(start_.id, lost, request_id_), true});
    return quit();
  }
  for (size_t i = 0; i < kept_.size(); ++i) {
    if (kept_[i].seq <= message.last_seq && kept_[i].seq != 0) continue;
    ++unacknowledged_;
    send(start_.socket, ws_frame{start_.number, kept_[i].text, over_ && i + 1 == kept_.size()});
  }
  if (!pending_.empty()) on_tick();
}

void chat_run::on_detach(const detach_socket& message) {
  if (!start_.socket || start_.socket.address() != message.socket) return;
  start_.socket = nullptr;
  unacknowledged_ = 0;
  if (!pending_.empty()) on_tick();  // goes on for the replay
  home().arm(orphan_deadline_, options().websocket.resume_window);
}

}  // namespace nexus
