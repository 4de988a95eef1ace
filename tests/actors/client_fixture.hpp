// What the tests of the provider-clients share: a client, an owner that notes what it is told, and calls.
#pragma once

#include "actors/provider_client.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace nexus {
// What the owner of a client is told.
class fake_owner final : public shard_actor {
 public:
  struct state {
    std::vector<client_done> done;
    std::vector<client_expired> expired;
    int down = 0;
  };
  fake_owner(caf::actor_config& config, shard& home, std::shared_ptr<state> into)
      : shard_actor(config, home), state_(std::move(into)) {
    set_down_handler([this](caf::down_msg&) { ++state_->down; });
  }

 protected:
  caf::behavior make_behavior() override {
    return {
        [this](const client_done& message) { state_->done.push_back(message); },
        [this](const client_expired& message) { state_->expired.push_back(message); },
        [this](const caf::actor& watched) { monitor(watched); },
    };
  }

 private:
  std::shared_ptr<state> state_;
};

class ClientFixture : public actor_fixture {
 protected:
  ClientFixture() {
    pace(milliseconds(0));
    owner_ = spawn<fake_owner>(owner_state_);
  }
  ~ClientFixture() override { owner_ = client_ = nullptr; }

  /// How long the demo client waits between two pieces.
  void pace(milliseconds interval) {
    auto settings = std::make_shared<options>();
    settings->demo.delta_interval = interval;
    settings->storage.batch_delay = std::chrono::hours(1);
    shard_.options = settings;
  }
  template <class Client>
  void start(const provider_ptr& config) {
    client_ = spawn<Client>(owner_, config);
    caf::anon_send(owner_, client_);
    run();
  }
  std::shared_ptr<heard> begin(const std::shared_ptr<call>& what, caf::actor* who = nullptr) {
    const auto into = std::make_shared<heard>();
    const auto from = consumer(into);
    if (who != nullptr) *who = from;
    caf::anon_send(client_, route_call{what, ++attempt_, {}, from});
    run();
    return into;
  }
  /// Runs until something is so; timers and sockets are real.
  template <class Condition>
  void until(Condition&& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool held = condition();
    while (!held && std::chrono::steady_clock::now() < end) {
      run();
      held = condition();
    }
    EXPECT_TRUE(held);
  }
  /// A settled request that an upstream worked for.
  struct booked_row {
    std::string request_id, outcome, source;
    int64_t provider_id = 0, prompt_tokens = 0, completion_tokens = 0;
    uint64_t history_hash = 0;
    bool stream = false;
  };
  std::vector<booked_row> booked() {
    std::vector<booked_row> rows;
    for (auto* entry : hub_.ledger.take()) {
      if (entry->attempts > 0 && entry->outcome != storage::outcome::upstream_error)
        rows.push_back({std::string(entry->request_id.view()), std::string(name_of(entry->outcome)),
                        std::string(name_of(entry->completion_source)), entry->provider_id, entry->charged.prompt,
                        entry->charged.completion, entry->history_hash, entry->stream});
      hub_.ledger.journal().release(entry);
    }
    return rows;
  }

  std::shared_ptr<fake_owner::state> owner_state_ = std::make_shared<fake_owner::state>();
  caf::actor owner_;
  caf::actor client_;
  uint64_t attempt_ = 0;
};

}  // namespace nexus
