#include "actors/supervisor.hpp"

#include "actors/errors.hpp"
#include "actors/grants.hpp"
#include "actors/ids.hpp"
#include "actors/router.hpp"
#include "conf/log.hpp"

namespace nexus {

shard_supervisor::shard_supervisor(caf::actor_config& config, shard& home, provider::client_factory make_client)
    : shard_actor(config, home),
      make_client_(std::move(make_client)),
      restart_deadline_(*this),
      expiry_deadline_(*this) {
  set_down_handler([this](caf::down_msg& down) { on_down(down); });
}

caf::behavior shard_supervisor::make_behavior() {
  start_router();
  send(hub().registry, register_shard{caf::actor_cast<caf::actor>(this)});
  return {
      [this](publish& update) {
        use(update.what);
        return published{};
      },
      [this](const access_changed&) { access_may_have_changed(); },
      [this](const shard_event&) {
        if (restart_deadline_.take_fired()) restart_due();
        if (expiry_deadline_.take_fired()) access_may_have_changed();
      },
  };
}

void shard_supervisor::on_exit() {
  home().disarm(expiry_deadline_);
  for (auto& [id, child] : providers_)
    if (child.actor) caf::anon_send_exit(child.actor, caf::exit_reason::user_shutdown);
  providers_.clear();
  if (router_) caf::anon_send_exit(router_, caf::exit_reason::user_shutdown);
  router_ = nullptr;
  home().router = nullptr;
}

void shard_supervisor::use(const snapshot_ptr& snapshot) {
  if (snapshot->version < home().snapshot->version) return;
  home().snapshot = snapshot;
  for (auto it = providers_.begin(); it != providers_.end();) {
    if (snapshot->providers.contains(it->first)) {
      ++it;
      continue;
    }
    if (it->second.actor) {
      demonitor(it->second.actor);
      send(it->second.actor, retire{});  // what runs may finish
    }
    it = providers_.erase(it);
  }
  for (const auto& [id, config] : snapshot->providers) {
    auto& child = providers_[id];
    // A reload of the options reaches providers through their timeouts.
    const bool changed =
        !child.config || child.config->row != config->row || child.config->timeouts != config->timeouts;
    child.config = config;
    if (!child.actor && child.restart_at == net::steady_time{}) {
      start_provider(child);
    } else if (changed && child.actor) {
      send(child.actor, reconfigure{config});
    }
  }
  publish_routes();
  access_may_have_changed();
  if (const auto ready = std::exchange(home().on_first_snapshot, nullptr)) ready();
}

// Whoever runs looks again by itself; the next key that expires makes them look once more.
void shard_supervisor::access_may_have_changed() {
  home().announce_access_change();
  const auto now = wall_clock_ms();
  const auto next = next_expiry(*home().snapshot, now);
  if (!next) return home().disarm(expiry_deadline_);
  constexpr int64_t longest_wait_ms = 3'600'000;  // the clock may be set meanwhile
  home().arm(expiry_deadline_, std::chrono::milliseconds(std::min(*next - now, longest_wait_ms)));
}

void shard_supervisor::start_router() {
  router_ = home().spawn<router>();
  monitor(router_);
  router_pending_ = false;
  home().router = router_;
}

void shard_supervisor::start_provider(child& child) {
  child.restart_at = {};
  child.actor = home().spawn<provider>(child.config, make_client_);
  monitor(child.actor);
}

void shard_supervisor::publish_routes() {
  if (!router_) return;
  routes update;
  for (const auto& [id, child] : providers_)
    if (child.actor) update.providers.emplace(id, child.actor);
  send(router_, std::move(update));
}

void shard_supervisor::on_down(const caf::down_msg& down) {
  const auto decision = policy_.on_failure(home().now());
  const bool is_router = router_ && down.source == router_.address();
  auto failed = std::find_if(providers_.begin(), providers_.end(), [&](const auto& entry) {
    return entry.second.actor && down.source == entry.second.actor.address();
  });
  if (!is_router && failed == providers_.end()) return;
  log::actors().error("child-failed", "The {} ended: {}. It is restarted after {} ms.",
                      is_router ? "router" : "provider '" + failed->second.config->row->name + "'",
                      describe(down.reason), decision.pause.count());
  if (is_router) {
    router_ = nullptr;
    home().router = nullptr;
    router_pending_ = true;
  } else {
    failed->second.actor = nullptr;
    failed->second.restart_at = home().now() + decision.pause;
    publish_routes();
  }
  if (decision.escalate) {
    log::actors().error("restarts-exhausted",
                        "Restarting single actors does not help: the shard's supervisor gives up.");
    return quit(caf::sec::runtime_error);
  }
  arm_restart(decision.pause);
}

void shard_supervisor::arm_restart(std::chrono::milliseconds pause) {
  if (!restart_deadline_.armed()) home().arm(restart_deadline_, pause);
}

void shard_supervisor::restart_due() {
  if (router_pending_) start_router();
  const auto now = home().now();
  for (auto& [id, child] : providers_) {
    if (child.actor || child.restart_at == net::steady_time{}) continue;
    if (child.restart_at <= now) {
      start_provider(child);
    } else {
      arm_restart(std::chrono::duration_cast<std::chrono::milliseconds>(child.restart_at - now));
    }
  }
  publish_routes();
}

caf::behavior root_supervisor(caf::stateful_actor<root_supervisor_state>* self, std::function<void()> give_up) {
  self->set_exception_handler(report_exception);
  self->set_down_handler([self, give_up = std::move(give_up)](caf::down_msg& down) {
    auto& state = self->state;
    const auto child = state.children.find(down.source.id());
    if (child == state.children.end()) return;
    auto start = std::move(child->second);
    state.children.erase(child);
    const auto decision = state.policy.on_failure(std::chrono::steady_clock::now());
    log::actors().error("shard-failed", "A shard's supervisor ended: {}.", describe(down.reason));
    if (decision.escalate) return give_up();
    self->delayed_send(self, decision.pause, restart_shard{std::move(start)});
  });
  return {
      [self](watch_shard& request) {
        self->monitor(request.supervisor);
        self->state.children.emplace(request.supervisor.id(), std::move(request.start));
      },
      [self](restart_shard& request) {
        const auto supervisor = request.start();
        self->monitor(supervisor);
        self->state.children.emplace(supervisor.id(), std::move(request.start));
      },
  };
}

}  // namespace nexus
