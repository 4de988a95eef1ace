#include "actors/provider_client.hpp"

#include "actors/demo_client.hpp"
#include "actors/settlement.hpp"
#include "actors/socket_client.hpp"
#include "conf/log.hpp"

namespace nexus {
namespace {

// Shorter ones would hit innocent text.
constexpr size_t redacted_bytes_min = 8;

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
    if (busy() && down.source == request_.consumer.address()) cancel(request_.attempt);
  });
}

provider_client::~provider_client() { --hub().counters.provider_clients; }

void provider_client::on_exit() {
  // Ended over its work, by a failure or by the hub's end: what was spent is booked all the same.
  if (busy() && sent_) settle(home(), current(), *config_, {"interrupted", machine_->facts(), ttft_, elapsed()});
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
      [this](const call_cancel& message) { cancel(message.attempt); },
  };
}

std::chrono::milliseconds provider_client::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(const_cast<provider_client*>(this)->home().now() -
                                                               begun_);
}

void provider_client::restart_machine() { machine_.emplace(current().settings); }

bool provider_client::feed(std::string_view bytes) {
  const bool goes_on = machine_->feed(bytes, part_);
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
  if (part_.empty()) return;
  send(request_.consumer, call_part{request_.attempt, std::exchange(part_, {})});
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
  const outcome_facts outcome{verdict.failure ? "truncated" : "delivered", end.facts, ttft_, elapsed()};
  if (!verdict.failure || end.facts.has_text) {
    const auto tokens = settle(home(), current(), *config_, outcome);
    end.prompt_tokens = tokens.prompt;
    end.completion_tokens = tokens.completion;
  }
  auto blame = verdict_t::worked;
  if (verdict.failure) {
    redact(verdict, config_->row->server_key);
    for (const auto& [name, value] : config_->headers) redact(verdict, secret(value));
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
  send(request_.consumer, std::move(end));
  forget_call();
  send(owner_, client_done{id(), blame, idle});
  if (!idle) quit();
}

void provider_client::forget_call() {
  demonitor(request_.consumer);
  machine_.reset();
  request_ = {};
}

void provider_client::cancel(uint64_t attempt) {
  if (!busy() || attempt != request_.attempt) return;
  // Before the request went out, nothing was spent.
  if (sent_) settle(home(), current(), *config_, {"client_cancelled", machine_->facts(), ttft_, elapsed()});
  forget_call();
  send(owner_, client_done{id(), client_done::verdict::abandoned, false});
  quit();
}

caf::actor make_provider_client(shard& home, caf::actor owner, provider_ptr config) {
  if (config->is_demo()) return home.spawn<demo_client>(std::move(owner), std::move(config));
  return home.spawn<socket_client>(std::move(owner), std::move(config));
}

}  // namespace nexus
