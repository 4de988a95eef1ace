// The ground of every actor test: CAF's test scheduler, one shard driven by hand, a clock that moves when it is told
// to, and stand-ins for what stands at both ends of a call. One thread: nothing happens between two calls of `run()`.
#pragma once

#include "actors/provider.hpp"
#include "actors/shard.hpp"
#include "actors/stats_writer.hpp"
#include "tests/storage/store_samples.hpp"

#include <gtest/gtest.h>
#include <caf/scheduler/test_coordinator.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nexus {

using std::chrono::milliseconds;

/// What a consumer was told, in order.
struct heard {
  std::vector<call_accepted> accepted;
  std::vector<call_part> parts;
  std::vector<call_end> ends;
  std::vector<ws_frame> frames;

  std::string content() const {
    std::string all;
    for (const auto& message : parts) all += message.part.content;
    for (const auto& end : ends) all += end.part.content;
    return all;
  }
  std::optional<errc> failure(size_t index = 0) const {
    if (index >= ends.size() || !ends[index].verdict.failure) return std::nullopt;
    return ends[index].verdict.failure->code;
  }
};

/// A consumer that only listens.
class recorder final : public shard_actor {
 public:
  recorder(caf::actor_config& config, shard& home, std::shared_ptr<heard> into)
      : shard_actor(config, home), into_(std::move(into)) {}
  const char* name() const override { return "recorder"; }

 protected:
  caf::behavior make_behavior() override {
    return {
        [this](call_accepted& message) { into_->accepted.push_back(std::move(message)); },
        [this](call_part& message) { into_->parts.push_back(std::move(message)); },
        [this](call_end& message) { into_->ends.push_back(std::move(message)); },
        [this](ws_frame& message) { into_->frames.push_back(std::move(message)); },
    };
  }

 private:
  std::shared_ptr<heard> into_;
};

/// Every client that a test's providers made, and what each is at.
struct client_log {
  struct entry {
    caf::actor client;
    caf::actor provider;
    provider_ptr config;
    std::vector<route_call> calls;
    std::string flow;  // 'p' for each pause, 'r' for each resume
    bool alive = true;
  };
  std::vector<entry> clients;
};

/// A provider-client without an upstream: it accepts calls and does the rest when the test says so (`play`).
class scripted_client final : public shard_actor {
 public:
  scripted_client(caf::actor_config& config, shard& home, caf::actor owner, provider_ptr settings,
                  std::shared_ptr<client_log> log)
      : shard_actor(config, home), owner_(std::move(owner)), log_(std::move(log)), index_(log_->clients.size()) {
    log_->clients.push_back({nullptr, owner_, std::move(settings), {}, {}, true});
  }
  const char* name() const override { return "scripted-client"; }

 protected:
  caf::behavior make_behavior() override {
    return {
        [this](route_call& request) {
          request_ = request;
          entry().calls.push_back(std::move(request));
          send(request_.consumer, call_accepted{request_.attempt, entry().config, caf::actor_cast<caf::actor>(this)});
        },
        [this](caf::atom_value what) { play(what); },
        [this](const call_cancel&) { done(client_done::verdict::abandoned, false); },
        [this](const call_pause&) { entry().flow += 'p'; },
        [this](const call_resume&) { entry().flow += 'r'; },
    };
  }
  void on_exit() override {
    entry().alive = false;
    entry().client = nullptr;
    entry().calls.clear();
    owner_ = nullptr;
    request_ = {};
  }

 private:
  client_log::entry& entry() { return log_->clients[index_]; }
  void play(caf::atom_value what) {
    if (what == caf::atom("answer")) return end(std::nullopt, client_done::verdict::worked, true);
    if (what == caf::atom("answerbye")) return end(std::nullopt, client_done::verdict::worked, false);
    if (what == caf::atom("fail"))
      return end(make_error(errc::upstream_error, "The upstream failed."), client_done::verdict::failed, false);
    if (what == caf::atom("expire")) return send(owner_, client_expired{id()});
    throw std::runtime_error("a defect of the client");
  }
  void end(std::optional<error> failure, client_done::verdict outcome, bool idle) {
    call_end message;
    message.attempt = request_.attempt;
    message.provider_id = entry().config->row->id;
    message.verdict.failure = std::move(failure);
    send(request_.consumer, std::move(message));
    done(outcome, idle);
  }
  void done(client_done::verdict outcome, bool idle) {
    send(owner_, client_done{id(), outcome, idle});
    if (!idle) quit();
  }
  caf::actor owner_;
  std::shared_ptr<client_log> log_;
  size_t index_;
  route_call request_;
};

class actor_fixture : public testing::Test {
 protected:
  actor_fixture() : hub_(secret("pepper"), storage::journal::in_memory(4'000)) {}

  ~actor_fixture() override {
    for (auto& entry : log_->clients) entry.calls.clear();
    for (const auto& actor : actors_) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    shard_.end_actors();
    run();
    actors_.clear();
    log_->clients.clear();
    hub_.registry = nullptr;
    hub_.stats_writer = nullptr;
    hub_.chat_directory = nullptr;
    shard_.router = nullptr;
    run();
    EXPECT_EQ(hub_.counters.provider_clients, 0U);
    EXPECT_EQ(hub_.counters.exchanges, 0U);
    EXPECT_EQ(hub_.counters.chats, 0U);
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  /// Runs both kinds of actors until nothing moves.
  void run() {
    for (bool moved = true; moved;) {
      moved = shard_.poll();
      while (scheduler().try_run_once()) moved = true;
    }
  }
  /// Moves the shard's clock. Its deadlines are at most one tick late: see `past`.
  void advance(milliseconds by) {
    now_ += by;
    run();
  }
  /// Moves the shard's clock safely past a deadline.
  void past(milliseconds deadline) { advance(deadline + milliseconds(100)); }
  /// Moves CAF's clock: delayed messages and timeouts of requests.
  void advance_caf(milliseconds by) {
    scheduler().advance_time(by);
    run();
  }

  /// Starts an actor of the shard that ends with the test.
  template <class Actor, class... Args>
  caf::actor spawn(Args&&... args) {
    auto made = shard_.spawn<Actor>(std::forward<Args>(args)...);
    actors_.push_back(made);
    return made;
  }
  caf::actor consumer(const std::shared_ptr<heard>& into) { return spawn<recorder>(into); }
  template <class Handle>
  Handle keep(Handle made) {
    actors_.push_back(caf::actor_cast<caf::actor>(made));
    return made;
  }

  void kill(const caf::actor& actor) {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    run();
  }

  static bool ended(const caf::actor& actor) {
    const auto seen = std::make_shared<bool>(false);
    auto* const raw = caf::actor_cast<caf::abstract_actor*>(actor);
    raw->attach_functor([seen](const caf::error&) { *seen = true; });  // at once if it has ended
    return *seen;
  }

  /// Asks an actor of any kind; the answer is there after `run()`.
  template <class Reply, class Handle, class Message>
  std::shared_ptr<std::optional<Reply>> ask(const Handle& whom, Message message) {
    auto reply = std::make_shared<std::optional<Reply>>();
    // An argument, because CAF forms a reference to none otherwise.
    system_.spawn<caf::hidden>(
        [=](caf::event_based_actor* self, int) {
          self->request(whom, caf::infinite, message)
              .then([reply](const Reply& answer) { *reply = answer; }, [](const caf::error&) {});
        },
        0);
    return reply;
  }

  /// A stats-writer that does only what a test wants of it.
  using row_handler = std::function<void()>;
  using change_handler = std::function<caf::result<change_reply>(stats_writer_actor::pointer)>;
  stats_writer_actor writer_stub(row_handler on_rows, change_handler on_change) {
    return keep(system_.spawn<caf::hidden>(
        [](stats_writer_actor::pointer self, const row_handler& rows, const change_handler& change) {
          return stats_writer_actor::behavior_type{
              [rows](const rows_due&) { rows(); },
              [](const make_durable&) { return made_durable(); },
              [](const commit_rows&) { return rows_committed(); },
              [self, change](const store_change&) { return change(self); },
              [](const store_task&) { return store_task_done(); },
              [](const conversation_query&) { return conversation_reply(); },
              [](const totals_query&) { return totals_reply(); },
              [](const close_store&) { return store_closed(); },
          };
        },
        std::move(on_rows), std::move(on_change)));
  }

  provider::client_factory scripted() {
    return [log = log_](shard& home, caf::actor owner, provider_ptr config) {
      auto made = home.spawn<scripted_client>(std::move(owner), std::move(config), log);
      log->clients.back().client = made;
      return made;
    };
  }
  void play(size_t client, const char* what) {
    static const std::map<std::string, caf::atom_value> words = {{"answer", caf::atom("answer")},
                                                                 {"answerbye", caf::atom("answerbye")},
                                                                 {"fail", caf::atom("fail")},
                                                                 {"expire", caf::atom("expire")},
                                                                 {"throw", caf::atom("throw")}};
    ASSERT_LT(client, log_->clients.size());
    caf::anon_send(log_->clients[client].client, words.at(what));
    run();
  }
  std::vector<client_log::entry>& clients() { return log_->clients; }

  static std::shared_ptr<storage::provider> make_row(int64_t id) {
    auto row = std::make_shared<storage::provider>();
    row->id = id;
    row->name = "provider-" + std::to_string(id);
    row->server_url = "http://127.0.0.1:1/";
    return row;
  }
  static provider_ptr make_config(std::shared_ptr<storage::provider> row, upstream_options timeouts = {}) {
    auto config = std::make_shared<provider_config>();
    config->row = std::move(row);
    config->timeouts = std::move(timeouts);
    config->usable = true;
    return config;
  }
  static provider_ptr make_config(int64_t id, upstream_options timeouts = {}) {
    return make_config(make_row(id), std::move(timeouts));
  }
  static principal_ptr reaching(std::vector<provider_ptr> providers) {
    auto made = std::make_shared<principal>();
    made->id = 7;
    made->routes.emplace("m", std::move(providers));
    return made;
  }
  /// A call for the model "m".
  std::shared_ptr<call> make_call(std::vector<provider_ptr> providers = {}) {
    auto made = std::make_shared<call>();
    made->request_id = "req-" + std::to_string(++calls_);
    made->label = "label";
    made->conversation_id = "conv";
    made->model = "m";
    made->body = R"({"model":"m","messages":[{"role":"user","content":"Hi"}]})";
    made->settings.answer_bytes_max = 1'000'000;
    made->prompt_tokens = 11;
    made->counting = make_model_counting(made->model);
    made->principal = reaching(std::move(providers));
    made->ticket = ledger_ticket::open(hub_.ledger,
                                       {.request_id = made->request_id,
                                        .conversation_id = made->conversation_id,
                                        .model = made->model,
                                        .prompt_tokens = made->prompt_tokens},
                                       {}, made->principal->limits);
    return made;
  }

  caf::actor_system_config& config() { return config_; }

  net::steady_time now_{std::chrono::hours(1)};
  nexus::hub hub_;

 private:
  struct testing_config : caf::actor_system_config {
    testing_config() {
      set("scheduler.policy", caf::atom("testing"));
      set("logger.console", caf::atom("none"));
    }
  };
  testing_config config_;

 protected:
  caf::actor_system system_{config_};
  std::shared_ptr<client_log> log_ = std::make_shared<client_log>();
  shard shard_{system_, hub_, std::make_shared<options>(), [this] { return now_; }};

 private:
  std::vector<caf::actor> actors_;
  uint64_t calls_ = 0;
};

}  // namespace nexus
