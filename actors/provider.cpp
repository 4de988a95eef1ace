#include "actors/provider.hpp"

#include "actors/errors.hpp"
#include "actors/router.hpp"
#include "conf/log.hpp"

#include <algorithm>

namespace nexus {
namespace {

std::chrono::seconds at_least_a_second(std::chrono::milliseconds wait) {
  return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(wait));
}

}  // namespace

provider::provider(caf::actor_config& config, shard& home, provider_ptr settings, client_factory make_client)
    : shard_actor(config, home),
      config_(std::move(settings)),
      make_client_(std::move(make_client)),
      breaker_(config_->timeouts.failures_before_open, config_->timeouts.backoff_min, config_->timeouts.backoff_max),
      queue_deadline_(*this) {
  set_down_handler([this](caf::down_msg& down) { on_down(down); });
}

caf::behavior provider::make_behavior() {
  return {
      [this](route_call& request) { admit(request); },
      [this](const client_done& done) { on_done(done); },
      [this](const client_expired& expired) {
        const auto idle =
            std::find_if(idle_.begin(), idle_.end(), [&](const auto& client) { return client.id() == expired.client; });
        if (idle == idle_.end()) return;
        caf::anon_send_exit(*idle, caf::exit_reason::user_shutdown);
        idle_.erase(idle);
      },
      [this](reconfigure& update) {
        config_ = std::move(update.config);
        // Connections belong to the former address and key: idle ones end now, busy ones after their call. A corrected
        // provider is tried at once.
        for (const auto& client : idle_) caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
        idle_.clear();
        for (auto& [id, running] : busy_) {
          outdated_.insert(id);
          running.is_trial = false;  // of the former circuit
        }
        for (auto& waiting : queue_) waiting.is_trial = false;
        note_circuit(false);
        breaker_ = {config_->timeouts.failures_before_open, config_->timeouts.backoff_min,
                    config_->timeouts.backoff_max};
      },
      [this](const retire&) {
        retired_ = true;
        for (const auto& client : idle_) caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
        idle_.clear();
        finish_if_retired();
      },
      [this](const shard_event&) { expire_queue(); },
  };
}

void provider::on_exit() {
  note_circuit(false);
  for (const auto& [id, client] : clients_) caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
  // Not elsewhere: their clients book what was spent, and an exchange is booked once.
  for (const auto& [id, running] : busy_)
    refuse_call(*this, running.request,
                make_error(errc::upstream_error, "The provider '" + config_->row->name + "' failed inside the hub."),
                false, config_->row->id);
  for (const auto& waiting : queue_)
    refuse_call(*this, waiting.request,
                make_error(errc::upstream_unavailable, "The provider '" + config_->row->name + "' is being restarted."),
                true, config_->row->id);
  clients_.clear();
  busy_.clear();
  idle_.clear();
  queue_.clear();
}

void provider::admit(route_call& request) {
  const auto now = home().now();
  if (retired_)
    return refuse_call(*this, request,
                       make_error(errc::upstream_unavailable, "The provider '" + config_->row->name + "' was removed."),
                       true, config_->row->id);
  if (breaker_.admit(now)) return dispatch(request, breaker_.is_open());
  auto failure =
      make_error(errc::upstream_unavailable,
                 "The provider '" + config_->row->name + "' failed several times in a row and is tried again shortly.");
  failure.retry_after = at_least_a_second(breaker_.retry_after(now));
  refuse_call(*this, request, std::move(failure), true, config_->row->id);
}

void provider::dispatch(route_call& request, bool is_trial) {
  caf::actor client;
  if (!idle_.empty()) {
    client = std::move(idle_.back());
    idle_.pop_back();
  } else if (clients_.size() < config_->timeouts.connections_max) {
    client = make_client_(home(), caf::actor_cast<caf::actor>(this), config_);
    monitor(client);
    clients_.emplace(client.id(), client);
  } else if (queue_.size() < config_->timeouts.queue_max) {
    monitor(request.consumer);
    queue_.push_back({std::move(request), is_trial, home().now() + config_->timeouts.connect_timeout});
    if (!queue_deadline_.armed()) home().arm(queue_deadline_, config_->timeouts.connect_timeout);
    return;
  } else {
    auto failure = make_error(errc::upstream_unavailable,
                              "All connections to the provider '" + config_->row->name + "' are busy.");
    failure.retry_after = std::chrono::seconds(1);
    note_abandoned(is_trial);
    return refuse_call(*this, request, std::move(failure), true, config_->row->id);
  }
  busy_.insert_or_assign(client.id(), running_call{request, is_trial});
  send(client, std::move(request));
}

provider::waiting_call provider::take_waiting() {
  auto next = std::move(queue_.front());
  queue_.pop_front();
  demonitor(next.request.consumer);
  return next;
}

void provider::pump_queue() {
  while (!queue_.empty() && (!idle_.empty() || clients_.size() < config_->timeouts.connections_max)) {
    auto next = take_waiting();
    dispatch(next.request, next.is_trial);
  }
}

void provider::expire_queue() {
  const auto now = home().now();
  while (!queue_.empty() && queue_.front().until <= now) {
    auto failure = make_error(errc::upstream_unavailable,
                              "No connection to the provider '" + config_->row->name + "' became free in time.");
    failure.retry_after = std::chrono::seconds(1);
    const auto late = take_waiting();
    note_abandoned(late.is_trial);
    refuse_call(*this, late.request, std::move(failure), true, config_->row->id);
  }
  if (queue_.empty() || queue_deadline_.armed()) return;
  home().arm(queue_deadline_, std::chrono::duration_cast<std::chrono::milliseconds>(queue_.front().until - now));
}

void provider::on_done(const client_done& done) {
  const auto running = busy_.extract(done.client);
  const bool is_trial = running && running.mapped().is_trial;
  const bool outdated = outdated_.erase(done.client) > 0;
  switch (done.outcome) {
    case client_done::verdict::worked:
      if (breaker_.is_open())
        log::actors().info("provider-recovered", "The provider '{}' works again.", config_->row->name);
      breaker_.on_success();
      note_circuit(false);
      break;
    case client_done::verdict::failed:
      if (!outdated) note_failure(is_trial);  // it failed at a former address
      break;
    case client_done::verdict::abandoned:
      note_abandoned(is_trial);
      break;
  }
  const auto client = clients_.find(done.client);
  if (client == clients_.end()) return;
  if (!done.idle) {
    demonitor(client->second);
    clients_.erase(client);
  } else if (outdated || retired_ || home().hub().draining) {
    caf::anon_send_exit(client->second, caf::exit_reason::user_shutdown);
  } else {
    idle_.push_back(client->second);
  }
  pump_queue();
  finish_if_retired();
}

void provider::note_abandoned(bool is_trial) {
  if (is_trial) breaker_.on_abandoned();
}

void provider::note_failure(bool is_trial) {
  if (breaker_.is_open() && !is_trial) return;  // from before it opened
  if (!breaker_.on_failure(home().now())) return;
  note_circuit(true);
  log::actors().warn("provider-failing",
                     "The provider '{}' failed several times in a row; it rests before it is tried again.",
                     config_->row->name);
}

void provider::note_circuit(bool open) {
  if (std::exchange(circuit_noted_, open) != open) hub().health.add(config_->row->id, open ? 1 : -1);
}

void provider::on_down(const caf::down_msg& down) {
  const auto id = down.source.id();
  // A consumer that left while its call waited: the upstream is not asked for nobody.
  bool left_trial = false;
  const auto left = std::erase_if(queue_, [&](const auto& waiting) {
    if (waiting.request.consumer.id() != id) return false;
    left_trial = left_trial || waiting.is_trial;
    return true;
  });
  if (left > 0) {
    note_abandoned(left_trial);
    return finish_if_retired();
  }
  clients_.erase(id);
  const bool outdated = outdated_.erase(id) > 0;
  std::erase_if(idle_, [&](const auto& client) { return client.id() == id; });
  if (const auto running = busy_.find(id); running != busy_.end()) {
    // It died over its work, which it has booked itself, so it is not tried elsewhere: its caller gets a clean error,
    // the provider a pause.
    log::actors().error("client-failed", "A client of the provider '{}' failed: {}.", config_->row->name,
                        describe(down.reason));
    const auto lost = std::move(running->second);
    busy_.erase(running);
    refuse_call(*this, lost.request,
                make_error(errc::upstream_error,
                           "The connection to the provider '" + config_->row->name + "' failed inside the hub."),
                false, config_->row->id);
    if (!outdated) note_failure(lost.is_trial);
  }
  pump_queue();
  finish_if_retired();
}

void provider::finish_if_retired() {
  if (retired_ && busy_.empty() && queue_.empty()) quit();
}

}  // namespace nexus
