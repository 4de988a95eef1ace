#include "actors/registry.hpp"

#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

// A shard's supervisor that notes snapshots and takes them over at once, or (`held`) when the test lets it.
class fake_shard final : public shard_actor {
 public:
  struct state {
    bool held = false;
    std::vector<snapshot_ptr> seen;
    std::vector<caf::response_promise> waiting;
  };
  fake_shard(caf::actor_config& config, shard& home, std::shared_ptr<state> into)
      : shard_actor(config, home), state_(std::move(into)) {}

 protected:
  caf::behavior make_behavior() override {
    return {
        [this](publish& update) -> caf::result<published> {
          state_->seen.push_back(update.what);
          auto promise = make_response_promise<published>();
          if (state_->held) {
            state_->waiting.emplace_back(promise);
          } else {
            promise.deliver(published{});
          }
          return promise;
        },
        [this](caf::atom_value) {
          for (auto& promise : state_->waiting) promise.deliver(published{});
          state_->waiting.clear();
        },
    };
  }
  void on_exit() override { state_->waiting.clear(); }

 private:
  std::shared_ptr<state> state_;
};

class Registry : public actor_fixture {
 protected:
  Registry() {
    const auto store = std::make_shared<std::unique_ptr<storage::store>>(storage::open_store(folder_.path()));
    hub_.stats_writer = keep(system_.spawn<caf::hidden>(stats_writer, &hub_, store));
    start();
  }
  ~Registry() override {
    run();
    first_ = second_ = nullptr;
  }

  void start() {
    hub_.registry =
        keep(system_.spawn<caf::hidden>(registry, &hub_, shard_.options, std::make_shared<const control_state>()));
    first_ = spawn<fake_shard>(one_);
    second_ = spawn<fake_shard>(two_);
    for (const auto& shard : {first_, second_}) caf::anon_send(hub_.registry, register_shard{shard});
    run();
  }
  static change_provider named(const std::string& name) {
    change_provider change;
    change.patch.name = name;
    change.patch.server_url = "http://upstream.example/";
    return change;
  }
  std::shared_ptr<std::optional<change_reply>> add(const std::string& name) {
    return ask<change_reply>(hub_.registry, named(name));
  }
  int64_t add_now(const std::string& name) {
    const auto reply = add(name);
    run();
    EXPECT_TRUE(*reply && !(*reply)->failure);
    return *reply ? (*reply)->id : 0;
  }
  int64_t stored() { return storage::other_program(folder_.path()).integer("SELECT count(*) FROM service_providers"); }
  void hold(bool held) { one_->held = two_->held = held; }
  void release(const caf::actor& shard) {
    caf::anon_send(shard, caf::atom("go"));
    run();
  }

  storage::temporary_folder folder_;
  std::shared_ptr<fake_shard::state> one_ = std::make_shared<fake_shard::state>();
  std::shared_ptr<fake_shard::state> two_ = std::make_shared<fake_shard::state>();
  caf::actor first_;
  caf::actor second_;
};

TEST_F(Registry, GivesANewShardThePresentSnapshot) {
  ASSERT_EQ(one_->seen.size(), 1U);
  ASSERT_EQ(two_->seen.size(), 1U);
  EXPECT_LT(one_->seen[0]->version, two_->seen[0]->version);
  const auto id = add_now("p");
  const auto late = std::make_shared<fake_shard::state>();
  caf::anon_send(hub_.registry, register_shard{spawn<fake_shard>(late)});
  run();
  ASSERT_EQ(late->seen.size(), 1U);
  EXPECT_TRUE(late->seen[0]->providers.contains(id));
}

TEST_F(Registry, AnswersAChangeOnlyWhenItIsStoredAndEveryShardUsesIt) {
  hold(true);
  const auto reply = add("p");
  run();
  EXPECT_EQ(stored(), 1);
  EXPECT_FALSE(*reply);
  release(first_);
  EXPECT_FALSE(*reply);
  release(second_);
  ASSERT_TRUE(*reply);
  EXPECT_FALSE((*reply)->failure);
  EXPECT_FALSE((*reply)->state);  // stays with the registry
  for (const auto& shard : {one_, two_}) {
    ASSERT_EQ(shard->seen.size(), 2U);
    EXPECT_EQ(shard->seen[1]->providers.at((*reply)->id)->row->name, "p");
  }
}

TEST_F(Registry, MakesChangesOneAfterTheOther) {
  hold(true);
  const auto first = add("a");
  const auto second = add("b");
  run();
  EXPECT_EQ(stored(), 1);
  release(first_);
  release(second_);
  EXPECT_TRUE(*first);
  EXPECT_FALSE(*second);
  EXPECT_EQ(stored(), 2);
  release(first_);
  release(second_);
  ASSERT_TRUE(*second);
  EXPECT_EQ(one_->seen.back()->providers.size(), 2U);
}

TEST_F(Registry, PreparesAChangeFromTheStateAtItsTurn) {
  const auto id = add_now("p");
  change_provider text;
  text.id = id;
  text.patch.description = "new";
  change_provider weight;
  weight.id = id;
  weight.patch.weight = 9;
  ask<change_reply>(hub_.registry, text);
  ask<change_reply>(hub_.registry, weight);
  run();
  const auto& row = *one_->seen.back()->providers.at(id)->row;
  EXPECT_EQ(row.description, "new");
  EXPECT_EQ(row.weight, 9);
  EXPECT_EQ(row.name, "p");
}

TEST_F(Registry, AnswersAConflictAndPublishesNothing) {
  add_now("p");
  const auto seen = one_->seen.size();
  const auto twice = add("p");
  run();
  ASSERT_TRUE(*twice && (*twice)->failure);
  EXPECT_EQ((*twice)->failure->code, errc::conflict);
  EXPECT_EQ(one_->seen.size(), seen);
  add_now("q");  // the next one is not held up
}

TEST_F(Registry, RefusesWhatIsNotThereAndAVersionThatDoesNotHold) {
  const auto id = add_now("p");
  const auto code = [this](auto change) {
    const auto reply = ask<change_reply>(hub_.registry, std::move(change));
    run();
    EXPECT_TRUE(*reply && (*reply)->failure);
    return *reply && (*reply)->failure ? (*reply)->failure->code : errc::internal;
  };
  auto change = named("x");
  change.id = 99;
  EXPECT_EQ(code(change), errc::not_found);
  EXPECT_EQ(code(remove_provider{99, {}}), errc::not_found);
  EXPECT_EQ(code(remove_model{99, {}}), errc::not_found);
  EXPECT_EQ(code(change_model{99, {}, {}}), errc::not_found);
  EXPECT_EQ(code(change_model{{}, {99, "m", {}}, {}}), errc::not_found);
  EXPECT_EQ(code(remove_provider{id, 77}), errc::precondition_failed);
  change.id = id;
  change.version = 77;
  EXPECT_EQ(code(change), errc::precondition_failed);
}

TEST_F(Registry, ServesModelsUntilTheirProviderIsRemoved) {
  const auto id = add_now("p");
  const auto model = ask<change_reply>(hub_.registry, change_model{{}, {id, "m", {}}, {}});
  run();
  ASSERT_TRUE(*model && !(*model)->failure);
  EXPECT_TRUE(one_->seen.back()->administrator->find("m"));
  const auto renamed = ask<change_reply>(hub_.registry, change_model{(*model)->id, {{}, "n", {}}, {}});
  run();
  ASSERT_TRUE(*renamed && !(*renamed)->failure);
  EXPECT_FALSE(one_->seen.back()->administrator->find("m"));
  EXPECT_TRUE(one_->seen.back()->administrator->find("n"));
  const auto gone = ask<change_reply>(hub_.registry, remove_provider{id, {}});
  run();
  ASSERT_TRUE(*gone && !(*gone)->failure);
  EXPECT_TRUE(one_->seen.back()->providers.empty());
  EXPECT_FALSE(one_->seen.back()->administrator->find("n"));
}

TEST_F(Registry, DoesNotWaitForALateShardForever) {
  two_->held = true;
  const auto reply = add("p");
  run();
  EXPECT_FALSE(*reply);
  advance_caf(milliseconds(999));
  EXPECT_FALSE(*reply);
  advance_caf(milliseconds(1));
  ASSERT_TRUE(*reply);
  EXPECT_FALSE((*reply)->failure);
  release(second_);  // its late answer changes nothing
  two_->held = false;
  add_now("q");
}

TEST_F(Registry, ForgetsAShardThatEnded) {
  kill(second_);
  const auto reply = add("p");
  run();
  EXPECT_TRUE(*reply);
}

TEST_F(Registry, AnswersWithoutAnyShard) {
  kill(first_);
  kill(second_);
  add_now("p");
  add_now("q");
  EXPECT_EQ(stored(), 2);
}

TEST_F(Registry, AnswersWhenTheStoreDoesNot) {
  kill(caf::actor_cast<caf::actor>(hub_.stats_writer));
  const auto silent = std::make_shared<std::vector<caf::typed_response_promise<change_reply>>>();
  hub_.stats_writer = writer_stub([] {},
                                  [silent](stats_writer_actor::pointer self) -> caf::result<change_reply> {
                                    silent->push_back(self->make_response_promise<change_reply>());
                                    return silent->back();
                                  });
  const auto first = add("a");
  const auto second = add("b");
  run();
  EXPECT_EQ(silent->size(), 1U);
  advance_caf(milliseconds(15'000));
  ASSERT_TRUE(*first && (*first)->failure);
  EXPECT_EQ((*first)->failure->code, errc::storage_error);
  EXPECT_EQ(silent->size(), 2U);  // the next change goes on
  EXPECT_FALSE(*second);
  advance_caf(milliseconds(15'000));
  EXPECT_TRUE(*second);
  silent->clear();
}

TEST_F(Registry, BoundsTheChangesThatWait) {
  hold(true);
  add("first");
  run();
  std::vector<std::shared_ptr<std::optional<change_reply>>> replies;
  for (int i = 0; i < 1'001; ++i) replies.push_back(ask<change_reply>(hub_.registry, remove_model{1, {}}));
  run();
  EXPECT_EQ(std::count_if(replies.begin(), replies.end(), [](const auto& reply) { return reply->has_value(); }), 1);
  ASSERT_TRUE(*replies.back() && (*replies.back())->failure);
  EXPECT_EQ((*replies.back())->failure->code, errc::overloaded);
  release(first_);
  release(second_);
  EXPECT_TRUE(*replies.front());
  EXPECT_TRUE(*replies[999]);
}

TEST_F(Registry, RepublishesWithNewOptions) {
  const auto id = add_now("p");
  auto changed = std::make_shared<options>();
  changed->upstream.head_timeout = milliseconds(123);
  caf::anon_send(hub_.registry, use_options{changed});
  run();
  for (const auto& shard : {one_, two_}) {
    EXPECT_EQ(shard->seen.back()->providers.at(id)->timeouts.head_timeout, milliseconds(123));
    EXPECT_GT(shard->seen.back()->version, shard->seen[1]->version);
  }
}

TEST(ApplyPatch, ReplacesWhatItNamesAndKeepsTheRest) {
  auto row = storage::sample("p");
  row.id = 5;
  provider_patch patch;
  patch.description = "new";
  patch.enabled = false;
  patch.server_key = std::make_shared<const secret>("sk-other");
  const auto made = apply_patch(row, patch);
  EXPECT_EQ(made.description, "new");
  EXPECT_FALSE(made.enabled);
  EXPECT_EQ(made.server_key.reveal(), "sk-other");
  auto expected = row.duplicate();
  expected.description = "new";
  expected.enabled = false;
  expected.server_key = secret("sk-other");
  storage::expect_equal(made, expected);
  storage::expect_equal(apply_patch(row, provider_patch()), row);

  provider_patch all;
  all.name = "n";
  all.kind = "demo";
  all.server_url = "u";
  all.headers = "{}";
  all.timeouts = R"({"idle":1})";
  all.weight = 4;
  all.priority = 6;
  all.personalized_key = std::make_shared<const secret>("k");
  const auto replaced = apply_patch(row, all);
  EXPECT_EQ(replaced.name + replaced.kind + replaced.server_url + replaced.headers + replaced.timeouts,
            R"(ndemou{}{"idle":1})");
  EXPECT_EQ(replaced.weight + replaced.priority, 10);
  EXPECT_EQ(replaced.personalized_key.reveal(), "k");
  EXPECT_EQ(replaced.server_key.reveal(), row.server_key.reveal());
}

TEST(ApplyPatch, MovesAndRenamesAModel) {
  const auto row = storage::model_of(1, "m");
  EXPECT_EQ(apply_patch(row, model_patch()).model_name, "m");
  const auto made = apply_patch(row, {2, "n", "text"});
  EXPECT_EQ(made.provider_id, 2);
  EXPECT_EQ(made.model_name + made.description, "ntext");
}

// --- Personalized keys and the audit log.

TEST_F(Registry, MakesChangesAndRemovesKeys) {
  change_key make;
  make.patch.name = "laptop";
  make.patch.digest = "digest";
  make.patch.masked = "nxh_u_…3f9a";
  auto reply = ask<change_reply>(hub_.registry, make);
  run();
  ASSERT_TRUE(*reply && !(*reply)->failure);
  const auto id = (*reply)->id;
  ASSERT_TRUE(one_->seen.back()->keys.contains("digest"));
  change_key change;
  change.id = id;
  change.patch.enabled = false;
  change.patch.limits = storage::key_limits{.requests_per_minute = 5, .drain_tokens = 9};
  ask<change_reply>(hub_.registry, change);
  run();
  const auto& row = *two_->seen.back()->key_rows.at(id);
  EXPECT_EQ(row.name, "laptop");
  EXPECT_FALSE(row.enabled);
  EXPECT_EQ(row.limits.requests_per_minute, 5);
  EXPECT_EQ(row.limits.drain_tokens, 0);  // of the other half of the limits
  EXPECT_FALSE(two_->seen.back()->keys.at("digest")->terms->enabled);
  ask<change_reply>(hub_.registry, remove_key{id, {}, {}});
  run();
  EXPECT_FALSE(one_->seen.back()->keys.contains("digest"));
  reply = ask<change_reply>(hub_.registry, remove_key{id, {}, {}});
  run();
  EXPECT_EQ((*reply)->failure->code, errc::not_found);
}

TEST_F(Registry, KeepsTheFormerTextOfAKeyForItsGrace) {
  storage::api_key row;
  row.digest = "old";
  key_patch patch;
  patch.digest = "new";
  patch.former_until = 99;
  const auto rotated = apply_patch(row, patch);
  EXPECT_EQ(rotated.digest, "new");
  EXPECT_EQ(rotated.former_digest, "old");
  EXPECT_EQ(rotated.former_until, 99);
  patch.former_until = 0;
  EXPECT_TRUE(apply_patch(rotated, patch).former_digest.empty());
  EXPECT_EQ(apply_patch(rotated, key_patch()).former_digest, "old");
}

TEST_F(Registry, WritesDownWhoChangedWhat) {
  auto change = named("p");
  change.by = std::make_shared<const change_origin>(change_origin{"administrator anna", "192.0.2.7", "req_1"});
  const auto reply = ask<change_reply>(hub_.registry, change);
  add_now("of nobody in particular");
  run();
  EXPECT_EQ(storage::other_program(folder_.path())
                .integer("SELECT count(*) FROM audit_log WHERE actor = 'administrator anna' AND action = 'create' AND "
                         "resource = 'provider' AND resource_id = 1 AND request_id = 'req_1'"),
            1);
  EXPECT_EQ(storage::other_program(folder_.path()).integer("SELECT count(*) FROM audit_log"), 1);
}

TEST_F(Registry, KeepsASecretFromAnotherServer) {
  auto make = named("p");
  make.patch.server_key = std::make_shared<const secret>("sk-secret");
  make.patch.headers = R"({"x-extra":"value"})";
  const auto made = ask<change_reply>(hub_.registry, make);
  run();
  const auto move = [&](const std::string& url, bool key, bool headers) {
    change_provider change;
    change.id = (*made)->id;
    change.patch.server_url = url;
    if (key) change.patch.server_key = std::make_shared<const secret>("sk-new");
    if (headers) change.patch.headers = "{}";
    const auto reply = ask<change_reply>(hub_.registry, change);
    run();
    return (*reply)->failure ? (*reply)->failure->param : "";
  };
  EXPECT_EQ(move("http://upstream.example/v2", false, false), "");
  for (const auto* url : {"http://evil.example/", "https://upstream.example/", "http://upstream.example:81/"}) {
    EXPECT_EQ(move(url, false, true), "server_key") << url;
    EXPECT_EQ(move(url, true, false), "headers") << url;
  }
  EXPECT_EQ(move("http://evil.example/", true, true), "");
}

}  // namespace
}  // namespace nexus
