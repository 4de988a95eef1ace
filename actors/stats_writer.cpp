#include "actors/stats_writer.hpp"

#include "actors/errors.hpp"
#include "actors/ids.hpp"
#include "conf/log.hpp"

namespace nexus {
namespace {

// A store that refused is tried again after this.
constexpr std::chrono::milliseconds retry_after{1'000};
// Rows of one transaction: enough to make each cheap, few enough to keep it short.
constexpr size_t transaction_rows_max = 1'024;

// How often what was learnt for estimates is kept.
constexpr std::chrono::minutes calibrations_every{5};

using self_pointer = stats_writer_actor::stateful_pointer<stats_writer_state>;

void retry_later(self_pointer self) {
  if (!std::exchange(self->state.retry_armed, true)) self->delayed_send(self, retry_after, rows_due{.is_retry = true});
}

/// Writes everything that waits. False if the store refused: nothing is lost, it stays.
bool flush(self_pointer self) {
  auto& state = self->state;
  auto& waiting = state.waiting;
  auto& ledger = state.hub->ledger;
  const auto fresh = ledger.take();
  waiting.insert(waiting.end(), fresh.begin(), fresh.end());
  while (!waiting.empty()) {
    const auto batch = std::span(waiting).first(std::min(waiting.size(), transaction_rows_max));
    if (const auto written = state.store->record(batch); !written) {
      if (!state.hub->is_degraded.exchange(true))
        log::actors().error("store-refused", "{} {} Records are kept until it works again.", written.error().message,
                            written.error().detail);
      return false;
    }
    ledger.journal().release(batch);
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(batch.size()));
  }
  if (state.hub->is_degraded.exchange(false))
    log::actors().info("store-recovered", "The database works again; every record is written.");
  state.store->checkpoint(false);
  return true;
}

// Now and then: what is lost with the process is only what the last minutes taught.
void keep_calibrations(self_pointer self) {
  auto& state = self->state;
  const auto now = std::chrono::steady_clock::now();
  if (now - state.calibrations_kept < calibrations_every) return;
  state.calibrations_kept = now;
  if (auto kept = state.store->keep_calibrations(state.hub->calibrations.take_changed()); !kept)
    log::actors().warn("calibrations-lost", "{} {}", kept.error().message, kept.error().detail);
}

std::optional<error> flush_or_error(self_pointer self) {
  if (flush(self)) return std::nullopt;
  retry_later(self);
  return make_error(errc::storage_error, "The database cannot be written at the moment.");
}

void make_change(storage::store& store, const store_change& change, change_reply& reply) {
  const auto now = wall_clock_ms();
  const auto note = [&reply](const auto& row) {
    if (row) {
      reply.id = row->id;
    } else {
      reply.failure = row.error();
    }
  };
  const auto note_removal = [&](const result<void>& removed) {
    reply.id = change.id;
    if (!removed) reply.failure = removed.error();
  };
  switch (change.what) {
    case store_change::kind::insert_provider:
      note(store.insert_provider(*change.provider, now));
      break;
    case store_change::kind::update_provider:
      note(store.update_provider(*change.provider, change.version, now));
      break;
    case store_change::kind::delete_provider:
      note_removal(store.delete_provider(change.id, change.version));
      break;
    case store_change::kind::insert_model:
      note(store.insert_model(*change.model, now));
      break;
    case store_change::kind::update_model:
      note(store.update_model(*change.model, change.version, now));
      break;
    case store_change::kind::delete_model:
      note_removal(store.delete_model(change.id, change.version));
      break;
    case store_change::kind::insert_key:
      note(store.insert_key(*change.key, now));
      break;
    case store_change::kind::update_key:
      note(store.update_key(*change.key, change.version, now));
      break;
    case store_change::kind::delete_key:
      note_removal(store.delete_key(change.id, change.version));
      break;
  }
}

change_reply apply(storage::store& store, const store_change& change) {
  change_reply reply;
  if (change.audit) {
    auto entry = *change.audit;
    entry.at = wall_clock_ms();
    const auto written = store.audited(entry, [&]() -> result<int64_t> {
      make_change(store, change, reply);
      if (reply.failure) return *reply.failure;
      return reply.id;
    });
    if (!written) reply.failure = written.error();
  } else {
    make_change(store, change, reply);
  }
  if (reply.failure) return reply;
  if (auto rows = store.load_control_plane()) {
    reply.state = share(std::move(*rows));
  } else {
    reply.failure = rows.error();
  }
  return reply;
}

}  // namespace

std::shared_ptr<const control_state> share(storage::control_plane&& rows) {
  auto state = std::make_shared<control_state>();
  for (auto& row : rows.providers) {
    const auto id = row.id;
    state->providers.emplace(id, std::make_shared<const storage::provider>(std::move(row)));
  }
  for (auto& row : rows.models) {
    const auto id = row.id;
    state->models.emplace(id, std::make_shared<const storage::provider_model>(std::move(row)));
  }
  for (auto& row : rows.keys) {
    const auto id = row.id;
    state->keys.emplace(id, std::make_shared<const storage::api_key>(std::move(row)));
  }
  return state;
}

stats_writer_actor::behavior_type stats_writer(self_pointer self, nexus::hub* hub,
                                               const std::shared_ptr<std::unique_ptr<storage::store>>& store) {
  self->set_exception_handler(report_exception);
  self->state.store = std::move(*store);
  self->state.hub = hub;
  return {
      [self](const rows_due& message) {
        keep_calibrations(self);
        if (message.is_retry) self->state.retry_armed = false;
        if (!flush(self)) retry_later(self);
      },
      [self](const make_durable& message) {
        auto& state = self->state;
        made_durable reply;
        if (message.number <= state.durable) return reply;  // one of those before took it along
        auto& ledger = state.hub->ledger;
        const auto sent = ledger.sent();
        if (auto done = ledger.journal().sync()) {
          state.durable = sent;
        } else {
          log::actors().error("journal-refused", "{} {}", done.error().message, done.error().detail);
          reply.failure = make_error(errc::storage_error, "The hub's disk refused the record of this request.");
        }
        return reply;
      },
      [self](const commit_rows&) { return rows_committed{flush_or_error(self)}; },
      [self](const store_change& change) { return apply(*self->state.store, change); },
      [self](const store_task& task) {
        task.run(*self->state.store);
        return store_task_done();
      },
      [self](const conversation_query& query) {
        conversation_reply reply;
        if ((reply.failure = flush_or_error(self))) return reply;
        if (auto found = self->state.store->conversation(query.conversation_id)) {
          reply.totals = std::move(*found);
        } else {
          reply.failure = found.error();
        }
        return reply;
      },
      [self](const totals_query&) {
        totals_reply reply;
        if ((reply.failure = flush_or_error(self))) return reply;
        if (auto totals = self->state.store->totals()) {
          reply.totals = *totals;
        } else {
          reply.failure = totals.error();
        }
        return reply;
      },
      [self](const close_store&) {
        const bool written = flush(self);
        self->state.calibrations_kept = {};
        keep_calibrations(self);
        const store_closed reply{written ? 0 : self->state.waiting.size()};
        self->state.store->checkpoint(true);
        self->state.store.reset();
        self->quit();
        return reply;
      },
  };
}

}  // namespace nexus
