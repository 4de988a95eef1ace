#include "actors/provider_client.hpp"

#include "actors/demo_client.hpp"
#include "actors/ids.hpp"
#include "actors/settlement.hpp"
#include "actors/socket_client.hpp"
#include "conf/log.hpp"

namespace nexus {
namespace {

// Shorter ones would hit innocent text.
constexpr size_t redacted_bytes_min = 8;
// How long a request waits for its record to be on the disk.
constexpr std::chrono::seconds durable_time{10};

void redact(std::string& text, const secret& hidden) {
  const auto shown = hidden.masked();
  if (hidden.reveal().size() < redacted_bytes_min) return;
  for (size_t at = 0; (at = text.find(hidden.reveal(), at)) != std::string::npos; at += shown.size())
    text.replace(at, hidden.reveal().size(), shown);
}

// An upstream that fails may quote the key that it was sent. It goes no further.
void redact(net::call_verdict& verdict, const secret& hidden) {
  redact(verdict.failure->message, hidden);
  redact(verdict.failure->detail, hidden);
  if (verdict.answer) redact(verdict.answer->body, hidden);
}

}  // namespace

provider_client::provider_client(caf::actor_config& config, shard& home, caf::actor owner, provider_ptr settings)
    : shard_actor(config, home), owner_(std::move(owner)), config_(std::move(settings)) {
  ++hub().counters.provider_clients;
  // A consumer that is gone, however it went, has no use for its call.
  set_down_handler([this](caf::down_msg& down) {
    if (busy() && down.source == request_.consumer.address()) cancel({.attempt = request_.attempt});
  });
}

provider_client::~provider_client() { --hub().counters.provider_clients; }

void provider_client::on_exit() {
  // Ended over its work, by a failure or by the hub's end: what was spent is booked all the same.
  if (busy() && sent_) settle(home(), current(), facts(storage::outcome::interrupted));
  machine_.reset();
  drop();
  owner_ = nullptr;
  request_ = {};
}

caf::behavior provider_client::make_behavior() {
  return {
      [this](route_call& request) {
        request_ = std::move(request);
        begun_ = home().now();
        ttft_ = {};
        paused_ = false;
        sent_ = false;
        left_ = false;
        restart_machine();
        monitor(request_.consumer);
        send(request_.consumer, call_accepted{request_.attempt, config_, caf::actor_cast<caf::actor>(this)});
        on_call();
      },
      [this](const shard_event& event) { on_event(event.what); },
      [this](const call_pause& message) {
        if (!busy() || message.attempt != request_.attempt || paused_) return;
        paused_ = true;
        on_flow(true);
      },
      [this](const call_resume& message) {
        if (!busy() || message.attempt != request_.attempt || !paused_) return;
        paused_ = false;
        on_flow(false);
      },
      [this](const call_cancel& message) { cancel(message); },
  };
}

std::chrono::milliseconds provider_client::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(const_cast<provider_client*>(this)->home().now() -
                                                               begun_);
}

void provider_client::restart_machine() {
  machine_.reset();
  meter_.emplace(current(), hub().calibrations);
  auto settings = current().settings;
  settings.meter = &*meter_;
  machine_.emplace(settings);
}

outcome_facts provider_client::facts(storage::outcome outcome) const {
  return {.outcome = outcome,
          .facts = machine_->facts(),
          .completion_tokens = meter_->tokens(),
          .is_exact = meter_->is_exact(),
          .ttft = ttft_,
          .duration = elapsed(),
          .is_sent = sent_};
}

void provider_client::note_sent() {
  sent_ = true;
  const auto* model = config_->find_model(current().model);
  current().ticket->sent(config_->row->id, model == nullptr ? token_prices() : model->prices, wall_clock_ms());
}

void provider_client::record_sent(std::function<void()> go) {
  note_sent();
  if (options().storage.durability != "power") return go();
  // A call that ended meanwhile, or another one, is not this one's to send.
  const auto guarded = [this, what = request_.what, go = std::move(go)](const std::optional<error>& failure) {
    if (!busy() || request_.what != what) return;
    if (failure) return fail(*failure);
    go();
  };
  caf::event_based_actor::request(hub().stats_writer, durable_time, make_durable{hub().ledger.note_sent()})
      .then(
          [guarded](const made_durable& reply) { guarded(reply.failure); },
          [guarded](const caf::error&) {
            guarded(make_error(errc::storage_error, "The hub's disk did not take the record of this request in time."));
          });
}

bool provider_client::feed(std::string_view bytes) {
  const bool goes_on = machine_->feed(bytes, part_);
  if (left_ && drained_enough()) {
    cancel({.attempt = request_.attempt, .is_stop = true});
    return false;
  }
  if (ttft_.count() == 0 && machine_->streaming()) ttft_ = std::max(std::chrono::milliseconds(1), elapsed());
  if (goes_on) {
    send_part();
  } else {
    finish(machine_->take_verdict());
  }
  return goes_on;
}

void provider_client::feed_end(bool reset) {
  machine_->feed_end(reset, part_);
  finish(machine_->take_verdict());
}

void provider_client::fail(error failure) {
  net::call_verdict verdict;
  verdict.failure = std::move(failure);
  verdict.elsewhere = !machine_->streaming();
  finish(std::move(verdict));
}

void provider_client::send_part() {
  if (left_) part_ = {};
  if (part_.empty()) return;
  send(request_.consumer, call_part{request_.attempt, std::exchange(part_, {})});
}

// A call that brought nothing may still be made elsewhere: its consumer decides.
void provider_client::close_account(const std::optional<error>& failure, call_end& end) {
  using storage::outcome;
  if (failure && !end.facts.has_text && !left_) {
    const bool answered =
        failure->code == errc::upstream_status || failure->code == errc::upstream_credentials_rejected;
    if (sent_) current().ticket->attempt_failed(answered ? failure->http_status() : 0, wall_clock_ms());
    return;
  }
  if (!failure && end.facts.reported && end.facts.reported->complete())
    meter_->learn(end.facts.reported->completion_tokens);
  const auto booked = settle(home(), current(),
                             facts(left_     ? outcome::client_cancelled
                                   : failure ? outcome::truncated
                                             : outcome::delivered));
  end.charged = booked.charged;
  if (const auto* model = config_->find_model(current().model)) end.cost = cost_of(booked.charged, model->prices);
}

void provider_client::finish(net::call_verdict verdict) {
  using verdict_t = client_done::verdict;
  call_end end;
  end.attempt = request_.attempt;
  end.provider_id = config_->row->id;
  end.part = std::exchange(part_, {});
  end.facts = machine_->facts();
  end.upstream_time = std::chrono::duration_cast<std::chrono::microseconds>(home().now() - begun_);
  end.ttft = ttft_;
  close_account(verdict.failure, end);
  auto blame = verdict_t::worked;
  if (verdict.failure) {
    redact(verdict, config_->row->server_key);
    for (const auto& [name, value] : config_->headers) redact(verdict, secret(std::string(value)));
    log::actors()
        .of(current().label)
        .warn("call-failed", "The provider '{}' failed a call for '{}': {} {} {}", config_->row->name, current().model,
              verdict.failure->message, verdict.failure->detail, verdict.upstream_request_id);
    // An upstream that answers with an error of its own still works.
    const auto code = verdict.failure->code;
    if (code != errc::upstream_status && code != errc::upstream_credentials_rejected && code != errc::upstream_redirect)
      blame = verdict_t::failed;
  }
  const bool idle = verdict.reusable && can_rest();
  end.verdict = std::move(verdict);
  if (!left_) send(request_.consumer, std::move(end));
  forget_call();
  send(owner_, client_done{id(), blame, idle});
  if (!idle) quit();
}

void provider_client::forget_call() {
  demonitor(request_.consumer);
  machine_.reset();
  request_ = {};
}

void provider_client::cancel(const call_cancel& message) {
  if (!busy() || message.attempt != request_.attempt) return;
  if (!message.is_stop && leave()) return;
  if (sent_) {
    settle(home(), current(), facts(storage::outcome::client_cancelled));
  } else {
    // Before the request went out, nothing was spent.
    settle(home(), current(), {.outcome = storage::outcome::client_cancelled, .is_sent = false});
  }
  forget_call();
  send(owner_, client_done{id(), client_done::verdict::abandoned, false});
  quit();
}

// True if the key wants the call to be read on without its client.
bool provider_client::leave() {
  const auto& limits = current().principal->limits;
  if (!sent_ || left_ || limits.on_leave == storage::leave_policy::cancel) return left_;
  left_ = true;
  demonitor(request_.consumer);
  on_left(limits.on_leave == storage::leave_policy::drain ? std::chrono::milliseconds(limits.drain_time)
                                                          : std::chrono::milliseconds(0));
  if (std::exchange(paused_, false)) on_flow(false);
  return true;
}

bool provider_client::drained_enough() const {
  const auto& limits = current().principal->limits;
  if (limits.on_leave != storage::leave_policy::drain) return false;
  const auto tokens = meter_->tokens();
  if (limits.drain_tokens > 0 && tokens > limits.drain_tokens) return true;
  const auto* model = config_->find_model(current().model);
  return limits.drain_money > 0 && model != nullptr &&
         cost_of({.completion = tokens}, model->prices) > limits.drain_money;
}

caf::actor make_provider_client(shard& home, caf::actor owner, provider_ptr config) {
  if (config->is_demo()) return home.spawn<demo_client>(std::move(owner), std::move(config));
  return home.spawn<socket_client>(std::move(owner), std::move(config));
}

}  // namespace nexus
