#include "actors/call_driver.hpp"

#include "actors/settlement.hpp"

namespace nexus {

call_driver::call_driver(shard_actor& owner, call_ptr call)
    : owner_(owner), call_(std::move(call)), candidates_(call_->principal->find(call_->model)->size()) {}

result<void> call_driver::attempt() {
  const auto& router = owner_.home().router;
  if (!router) return make_error(errc::upstream_unavailable, "The hub's router is being restarted.");
  ++attempt_;
  paused_ = false;
  owner_.send(router, route_call{call_, attempt_, tried_, caf::actor_cast<caf::actor>(&owner_)});
  return {};
}

void call_driver::on_accepted(call_accepted& message) {
  client_ = std::move(message.client);
  provider_ = std::move(message.provider);
  attempt_started_ = owner_.home().now();
}

bool call_driver::on_end(const call_end& message, bool answered) {
  client_ = nullptr;
  upstream_time_ += message.upstream_time;
  if (message.verdict.failure && message.verdict.elsewhere && !answered && message.provider_id != 0) {
    tried_.push_back(message.provider_id);
    if (!call_->provider_id && tried_.size() < std::min(candidates_, storage::ledger_attempts_max)) return true;
  }
  settle_as_it_stands(owner_.home(), *call_);
  return false;
}

void call_driver::pause() {
  if (!client_ || std::exchange(paused_, true)) return;
  owner_.send(client_, call_pause{attempt_});
}

void call_driver::resume() {
  if (!client_ || !std::exchange(paused_, false)) return;
  owner_.send(client_, call_resume{attempt_});
}

void call_driver::cancel(bool is_stop) {
  if (client_) owner_.send(client_, call_cancel{attempt_, is_stop});
  client_ = nullptr;
  ++attempt_;  // whatever is still on its way is not ours any more
}

std::chrono::microseconds call_driver::upstream_time() const {
  if (!client_) return upstream_time_;
  return upstream_time_ + std::chrono::duration_cast<std::chrono::microseconds>(owner_.home().now() - attempt_started_);
}

}  // namespace nexus
