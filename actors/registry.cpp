#include "actors/registry.hpp"

#include "actors/audit.hpp"
#include "actors/errors.hpp"
#include "conf/log.hpp"

namespace nexus {
namespace {

// Longer than the store waits for a locked database.
constexpr std::chrono::seconds store_timeout{15};
// A shard that does not answer by then is busy or being restarted; it gets the snapshot when it registers.
constexpr std::chrono::seconds publish_timeout{1};
constexpr size_t changes_waiting_max = 1'000;

using self_pointer = registry_actor::stateful_pointer<registry_state>;
using answer_function = std::function<void(change_reply)>;

void start_next(self_pointer self) {
  auto& state = self->state;
  if (state.queue.empty()) {
    state.busy = false;
    return;
  }
  state.busy = true;
  auto next = std::move(state.queue.front());
  state.queue.pop_front();
  next();
}

snapshot_ptr next_snapshot(self_pointer self) {
  auto& state = self->state;
  return make_snapshot(*state.control, *state.options, ++state.version);
}

change_reply refusal(error failure) {
  change_reply reply;
  reply.failure = std::move(failure);
  return reply;
}

/// Answers `reply` once every shard uses the new snapshot, and goes on to the next change.
void publish_then(self_pointer self, const answer_function& answer, change_reply reply) {
  const auto left = std::make_shared<size_t>(self->state.shards.size());
  const std::function<void()> done = [self, left, answer, reply = std::move(reply)] {
    if (*left > 0 && --*left > 0) return;
    answer(reply);
    start_next(self);
  };
  if (*left == 0) return done();
  const auto snapshot = next_snapshot(self);
  for (const auto& shard : self->state.shards)
    self->request(shard, publish_timeout, publish{snapshot})
        .then([done](const published&) { done(); },
              [done](const caf::error& failure) {
                log::actors().warn("publish-late", "A shard has not taken over a change yet: {}.", describe(failure));
                done();
              });
}

void store_then_publish(self_pointer self, const answer_function& answer, store_change change) {
  self->request(self->state.hub->stats_writer, store_timeout, std::move(change))
      .then(
          [self, answer](change_reply& reply) {
            if (reply.failure) {
              answer(std::move(reply));
              return start_next(self);
            }
            self->state.control = std::exchange(reply.state, nullptr);
            publish_then(self, answer, std::move(reply));
          },
          [self, answer](const caf::error& failure) {
            answer(refusal(make_error(errc::storage_error, "The database did not answer in time.", describe(failure))));
            start_next(self);
          });
}

/// Queues a change: `prepare` reads the state as it is when the change's turn comes.
caf::result<change_reply> enqueue(self_pointer self,
                                  std::function<result<store_change>(const control_state&)> prepare) {
  auto promise = self->make_response_promise<change_reply>();
  const answer_function answer = [promise](change_reply reply) mutable { promise.deliver(std::move(reply)); };
  auto& state = self->state;
  if (state.queue.size() >= changes_waiting_max) {
    answer(refusal(make_error(errc::overloaded, "Too many changes are waiting.")));
    return promise;
  }
  state.queue.push_back([self, answer, prepare = std::move(prepare)] {
    auto change = prepare(*self->state.control);
    if (change) return store_then_publish(self, answer, std::move(*change));
    answer(refusal(change.error()));
    start_next(self);
  });
  if (!state.busy) start_next(self);
  return promise;
}

error no_such(const char* what, int64_t id) {
  return make_error(errc::not_found, std::string("There is no ") + what + " " + std::to_string(id) + ".");
}

// A secret that was given for one server must not go to another because somebody edits a URL.
result<void> check_move(const storage::provider& row, const provider_patch& patch) {
  if (!patch.server_url || net::same_server(row.server_url, *patch.server_url)) return {};
  const auto refusal = [](const char* param, const char* what) {
    auto failure =
        make_error(errc::invalid_request, std::string("This server_url leads to another server: send ") + what +
                                              " along, because what is stored was given for the former one.");
    failure.param = param;
    return failure;
  };
  if (!row.server_key.empty() && !patch.server_key) return refusal("server_key", "the 'server_key'");
  if (row.headers != "{}" && !patch.headers) return refusal("headers", "the 'headers'");
  return {};
}

result<store_change> prepare(const control_state& state, const change_provider& message) {
  store_change change;
  change.version = message.version;
  if (!message.id) {
    change.what = store_change::kind::insert_provider;
    change.provider = std::make_shared<const storage::provider>(apply_patch(storage::provider(), message.patch));
    change.audit = audit_creation(message.by, *change.provider);
    return change;
  }
  const auto row = state.providers.find(*message.id);
  if (row == state.providers.end()) return no_such("provider", *message.id);
  if (auto sound = check_move(*row->second, message.patch); !sound) return sound.error();
  change.what = store_change::kind::update_provider;
  change.provider = std::make_shared<const storage::provider>(apply_patch(*row->second, message.patch));
  change.audit = audit_update(message.by, *row->second, *change.provider);
  return change;
}

result<store_change> prepare(const control_state& state, const change_model& message) {
  store_change change;
  change.version = message.version;
  storage::provider_model made;
  if (message.id) {
    const auto row = state.models.find(*message.id);
    if (row == state.models.end()) return no_such("model", *message.id);
    made = apply_patch(*row->second, message.patch);
    change.what = store_change::kind::update_model;
    change.audit = audit_update(message.by, *row->second, made);
  } else {
    made = apply_patch(made, message.patch);
    change.what = store_change::kind::insert_model;
    change.audit = audit_creation(message.by, made);
  }
  if (!state.providers.contains(made.provider_id)) {
    auto failure = no_such("provider", made.provider_id);
    failure.param = "provider_id";
    return failure;
  }
  change.model = std::make_shared<const storage::provider_model>(std::move(made));
  return change;
}

result<store_change> prepare(const control_state& state, const change_key& message) {
  store_change change;
  change.version = message.version;
  storage::api_key made;
  if (message.id) {
    const auto row = state.keys.find(*message.id);
    if (row == state.keys.end()) return no_such("key", *message.id);
    made = apply_patch(*row->second, message.patch);
    change.what = store_change::kind::update_key;
    change.audit = message.patch.digest ? audit_rotation(message.by, *row->second, made)
                                        : audit_update(message.by, *row->second, made);
  } else {
    made = apply_patch(made, message.patch);
    change.what = store_change::kind::insert_key;
    change.audit = audit_creation(message.by, made);
  }
  change.key = std::make_shared<const storage::api_key>(std::move(made));
  return change;
}

template <class Rows, class Message>
result<store_change> prepare_removal(const Rows& rows, const char* what, store_change::kind kind,
                                     const Message& message) {
  const auto row = rows.find(message.id);
  if (row == rows.end()) return no_such(what, message.id);
  store_change change;
  change.what = kind;
  change.id = message.id;
  change.version = message.version;
  change.audit = audit_removal(message.by, *row->second);
  return change;
}

}  // namespace

storage::provider apply_patch(const storage::provider& row, const provider_patch& patch) {
  auto made = row.duplicate();
  const auto put = [](auto& member, const auto& value) {
    if (value) member = *value;
  };
  put(made.name, patch.name);
  put(made.kind, patch.kind);
  put(made.server_url, patch.server_url);
  put(made.description, patch.description);
  put(made.headers, patch.headers);
  put(made.timeouts, patch.timeouts);
  put(made.enabled, patch.enabled);
  put(made.weight, patch.weight);
  put(made.priority, patch.priority);
  if (patch.server_key) made.server_key = patch.server_key->duplicate();
  if (patch.personalized_key) made.personalized_key = patch.personalized_key->duplicate();
  return made;
}

storage::provider_model apply_patch(const storage::provider_model& row, const model_patch& patch) {
  auto made = row;
  if (patch.provider_id) made.provider_id = *patch.provider_id;
  if (patch.model_name) made.model_name = *patch.model_name;
  if (patch.prices) made.prices = *patch.prices;
  if (patch.output_tokens_max) made.output_tokens_max = *patch.output_tokens_max;
  if (patch.description) made.description = *patch.description;
  return made;
}

storage::api_key apply_patch(const storage::api_key& row, const key_patch& patch) {
  auto made = row;
  const auto put = [](auto& member, const auto& value) {
    if (value) member = *value;
  };
  if (patch.digest) {
    made.former_digest = patch.former_until != 0 ? made.digest : std::string();
    made.former_until = patch.former_until;
  }
  put(made.name, patch.name);
  put(made.digest, patch.digest);
  put(made.masked, patch.masked);
  put(made.providers, patch.providers);
  put(made.models, patch.models);
  put(made.addresses, patch.addresses);
  put(made.enabled, patch.enabled);
  put(made.expires_at, patch.expires_at);
  const auto put_leave = [](storage::key_limits& into, const storage::key_limits& from) {
    into.on_leave = from.on_leave;
    into.drain_time = from.drain_time;
    into.drain_tokens = from.drain_tokens;
    into.drain_money = from.drain_money;
  };
  if (patch.limits) {
    made.limits = *patch.limits;
    put_leave(made.limits, row.limits);
  }
  if (patch.leave) put_leave(made.limits, *patch.leave);
  return made;
}

registry_actor::behavior_type registry(self_pointer self, nexus::hub* hub, std::shared_ptr<const options> options,
                                       std::shared_ptr<const control_state> control) {
  self->set_exception_handler(report_exception);
  self->state.hub = hub;
  self->state.options = std::move(options);
  self->state.control = std::move(control);
  self->set_down_handler([self](caf::down_msg& down) {
    std::erase_if(self->state.shards, [&](const auto& shard) { return shard.address() == down.source; });
  });
  return {
      [self](const change_provider& message) {
        return enqueue(self, [message](const control_state& state) { return prepare(state, message); });
      },
      [self](const change_model& message) {
        return enqueue(self, [message](const control_state& state) { return prepare(state, message); });
      },
      [self](const remove_provider& message) {
        return enqueue(self, [message](const control_state& state) {
          return prepare_removal(state.providers, "provider", store_change::kind::delete_provider, message);
        });
      },
      [self](const remove_model& message) {
        return enqueue(self, [message](const control_state& state) {
          return prepare_removal(state.models, "model", store_change::kind::delete_model, message);
        });
      },
      [self](const change_key& message) {
        return enqueue(self, [message](const control_state& state) { return prepare(state, message); });
      },
      [self](const remove_key& message) {
        return enqueue(self, [message](const control_state& state) {
          return prepare_removal(state.keys, "key", store_change::kind::delete_key, message);
        });
      },
      [self](const access_changed& message) {
        for (const auto& shard : self->state.shards) caf::anon_send(shard, message);
      },
      [self](const register_shard& message) {
        self->monitor(message.supervisor);
        self->state.shards.push_back(message.supervisor);
        caf::anon_send(message.supervisor, publish{next_snapshot(self)});
      },
      [self](const use_options& message) {
        self->state.options = message.what;
        const auto snapshot = next_snapshot(self);
        for (const auto& shard : self->state.shards) caf::anon_send(shard, publish{snapshot});
      },
  };
}

}  // namespace nexus
