// What the record before the first byte adds to a request, at 1,000 requests a second, with the
// real writer behind it: a place in the journal, filled and marked as sent, and in `power` mode the
// answer that it is on the disk.
#include <caf/all.hpp>
#include <cstdio>
#include <thread>

#include "actors/messages.hpp"
#include "actors/stats_writer.hpp"
#include "tests/bench/ledger/bench.hpp"

namespace nexus::bench {
namespace {

constexpr auto pace = std::chrono::microseconds(1'000);
constexpr std::chrono::seconds patience{30};
const storage::key_limits no_limits;

struct caller_state {
  nexus::hub* hub = nullptr;
  bool is_power = false;
  std::vector<double>* added = nullptr;  // microseconds
  size_t awaited = 0;
  std::vector<ledger_ticket_ptr> running;
  static inline const char* name = "caller";
};

double microseconds_since(steady::time_point then) {
  return std::chrono::duration<double, std::micro>(steady::now() - then).count();
}

void end(caller_state& state, const ledger_ticket_ptr& ticket) {
  const auto due = ticket->settle({.charged = {.prompt = 100, .completion = 20}}, wall_clock_ms());
  if (due) caf::anon_send(state.hub->stats_writer, rows_due{});
}

// Of one request until it may leave. It runs for a while then, as if an upstream answered.
caf::behavior caller(caf::stateful_actor<caller_state>* self, nexus::hub* hub, bool is_power,
                     std::vector<double>* added) {
  self->state = {.hub = hub, .is_power = is_power, .added = added, .awaited = 0, .running = {}};
  return {
      [self](uint64_t number) {
        auto& state = self->state;
        const auto id = "req_" + make_ulid();
        const auto conversation = make_conversation_id();
        const auto began = steady::now();
        auto ticket = ledger_ticket::open(state.hub->ledger,
                                          {.request_id = id,
                                           .conversation_id = conversation,
                                           .model = "provider/some-model",
                                           .key_id = static_cast<int64_t>(number % 50),
                                           .created_at = wall_clock_ms(),
                                           .prompt_tokens = 100},
                                          {}, no_limits);
        if (!ticket) throw std::runtime_error("no place in the journal");
        ticket->sent(1, {}, wall_clock_ms());
        state.running.push_back(ticket);
        if (state.running.size() > 256) {
          end(state, state.running.front());
          state.running.erase(state.running.begin());
        }
        if (!state.is_power) {
          state.added->push_back(microseconds_since(began));
          return;
        }
        ++state.awaited;
        self->request(state.hub->stats_writer, patience,
                      make_durable{state.hub->ledger.note_sent()})
            .then([self, began](const made_durable& reply) {
              if (reply.failure) throw std::runtime_error(reply.failure->message);
              self->state.added->push_back(microseconds_since(began));
              --self->state.awaited;
            });
      },
      [self](bool) { return self->state.awaited == 0; },
  };
}

}  // namespace

void intent(const settings& settings) {
  auto store = open_store(settings);
  auto journal = value_of(storage::journal::open(storage::journal_file(settings.folder), 16'384));
  value_of(journal->forget_leftovers());
  hub hub(store->pepper(), std::move(journal));
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", size_t{1});
  caf::actor_system system(config);
  hub.stats_writer = system.spawn<caf::detached>(
      stats_writer, &hub, std::make_shared<std::unique_ptr<storage::store>>(std::move(store)));
  std::vector<double> added;
  {
    const auto calling =
        system.spawn<caf::detached>(caller, &hub, settings.durability == "power", &added);
    const auto requests = static_cast<uint64_t>(settings.seconds * 1'000);
    auto next = steady::now();
    for (uint64_t i = 0; i < requests; ++i, next += pace) {
      std::this_thread::sleep_until(next);
      caf::anon_send(calling, i);
    }
    caf::scoped_actor self(system);
    for (bool all = false; !all; std::this_thread::sleep_for(pace))
      self->request(calling, patience, true)
          .receive(
              [&](bool done) { all = done; },
              [&](const caf::error& failure) { throw std::runtime_error(system.render(failure)); });
    caf::anon_send_exit(calling, caf::exit_reason::user_shutdown);
    self->wait_for(calling);
    self->request(hub.stats_writer, patience, close_store{})
        .receive(
            [](const store_closed&) {},
            [&](const caf::error& failure) { throw std::runtime_error(system.render(failure)); });
  }
  const auto median = quantile(added, 0.5);
  std::printf(
      "intent  %-8s 1,000 requests/s: p50 %8.1f us, p99 %8.1f us, max %8.1f us (%zu requests)\n",
      settings.durability.c_str(), median, quantile(added, 0.99), added.back(), added.size());
  hub.stats_writer = nullptr;
}

}  // namespace nexus::bench
