#include "actors/supervisor.hpp"

#include "actors/ids.hpp"
#include "actors/router.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

snapshot_ptr world(uint64_t version, const std::vector<provider_ptr>& providers) {
  auto made = std::make_shared<snapshot>();
  made->version = version;
  for (const auto& config : providers) made->providers.emplace(config->row->id, config);
  return made;
}

class ShardSupervisor : public actor_fixture {
 protected:
  ShardSupervisor() {
    supervisor_ = spawn<shard_supervisor>(scripted());
    run();
  }
  ~ShardSupervisor() override { supervisor_ = nullptr; }

  void publish_world(const std::vector<provider_ptr>& providers) {
    const auto answer = ask<published>(supervisor_, publish{world(++version_, providers)});
    run();
    EXPECT_TRUE(*answer);
  }
  /// Makes a call through the router.
  std::shared_ptr<heard> call(const provider_ptr& target) {
    const auto into = std::make_shared<heard>();
    EXPECT_TRUE(shard_.router);
    caf::anon_send(shard_.router, route_call{make_call({target}), 1, {}, consumer(into)});
    run();
    return into;
  }
  /// The provider actor behind the last call.
  caf::actor last_provider() { return clients().back().provider; }

  provider_ptr one_ = make_config(1);
  provider_ptr two_ = make_config(2);
  caf::actor supervisor_;
  uint64_t version_ = 0;
};

TEST_F(ShardSupervisor, StartsTheRouterAndWhatASnapshotNames) {
  publish_world({one_, two_});
  EXPECT_EQ(shard_.snapshot->version, 1U);
  EXPECT_EQ(call(one_)->accepted.size(), 1U);
  EXPECT_EQ(call(two_)->accepted.size(), 1U);
}

TEST_F(ShardSupervisor, RestartsAKilledProviderAfterAPauseAndRefusesItsCallsMeanwhile) {
  publish_world({one_, two_});
  const auto running = call(one_);
  const auto neighbour = call(two_);
  kill(clients()[0].provider);
  ASSERT_EQ(running->ends.size(), 1U);
  EXPECT_EQ(running->failure(), errc::upstream_error);
  const auto refused = call(one_);
  ASSERT_EQ(refused->ends.size(), 1U);
  EXPECT_EQ(refused->failure(), errc::upstream_unavailable);
  EXPECT_TRUE(refused->ends[0].verdict.elsewhere);
  EXPECT_EQ(refused->ends[0].provider_id, 1);
  play(1, "answer");
  ASSERT_EQ(neighbour->ends.size(), 1U);
  EXPECT_FALSE(neighbour->failure());
  past(milliseconds(50));
  EXPECT_EQ(call(one_)->accepted.size(), 1U);
  EXPECT_EQ(call(two_)->accepted.size(), 1U);
}

TEST_F(ShardSupervisor, RestartsAProviderWithItsNewestConfiguration) {
  publish_world({one_});
  call(one_);
  kill(last_provider());
  const auto changed = make_config(1);
  publish_world({changed});
  past(milliseconds(50));
  call(changed);
  EXPECT_EQ(clients().back().config, changed);
}

TEST_F(ShardSupervisor, DoesNotRestartAProviderThatWasRemovedMeanwhile) {
  publish_world({one_, two_});
  call(one_);
  kill(last_provider());
  publish_world({two_});
  past(milliseconds(50));
  const auto refused = call(one_);
  EXPECT_EQ(refused->failure(), errc::upstream_unavailable);
  EXPECT_EQ(call(two_)->accepted.size(), 1U);
}

TEST_F(ShardSupervisor, RestartsAKilledRouterWithItsRoutes) {
  publish_world({one_});
  const auto running = call(one_);
  kill(shard_.router);
  EXPECT_FALSE(shard_.router);
  past(milliseconds(50));
  ASSERT_TRUE(shard_.router);
  call(one_);
  EXPECT_EQ(clients().size(), 2U);
  EXPECT_EQ(clients()[0].provider, clients()[1].provider);  // the provider went on
  play(0, "answer");
  EXPECT_EQ(running->ends.size(), 1U);
}

TEST_F(ShardSupervisor, TakesOverASnapshotWhileTheRouterIsAway) {
  publish_world({one_});
  kill(shard_.router);
  publish_world({one_, two_});
  past(milliseconds(50));
  EXPECT_EQ(call(two_)->accepted.size(), 1U);
}

TEST_F(ShardSupervisor, GivesUpAfterMoreThanFiveFailuresInTenSeconds) {
  publish_world({one_, two_});
  const auto running = call(two_);
  for (int i = 0; i < 5; ++i) {
    call(one_);
    kill(last_provider());
    EXPECT_FALSE(ended(supervisor_)) << i;
    past(milliseconds(800));
  }
  call(one_);
  kill(last_provider());
  EXPECT_TRUE(ended(supervisor_));
  EXPECT_FALSE(shard_.router);
  ASSERT_EQ(running->ends.size(), 1U);  // nobody is left without an answer
  EXPECT_TRUE(running->failure());
}

TEST_F(ShardSupervisor, ForgivesFailuresOfLongAgo) {
  publish_world({one_});
  for (int i = 0; i < 12; ++i) {
    call(one_);
    kill(last_provider());
    past(milliseconds(2'100));
  }
  EXPECT_FALSE(ended(supervisor_));
  EXPECT_EQ(call(one_)->accepted.size(), 1U);
}

TEST_F(ShardSupervisor, LetsTheCallsOfARemovedProviderFinish) {
  publish_world({one_, two_});
  const auto running = call(one_);
  const auto provider = last_provider();
  publish_world({two_});
  EXPECT_FALSE(ended(provider));
  play(0, "answer");
  ASSERT_EQ(running->ends.size(), 1U);
  EXPECT_FALSE(running->failure());
  EXPECT_TRUE(ended(provider));
  past(milliseconds(1'000));
  EXPECT_FALSE(ended(supervisor_));
  EXPECT_EQ(call(one_)->failure(), errc::upstream_unavailable);
}

TEST_F(ShardSupervisor, ReconfiguresOnlyWhatChanged) {
  publish_world({one_, two_});
  call(one_);
  call(two_);
  play(0, "answer");
  play(1, "answer");
  auto timeouts = one_->timeouts;
  timeouts.head_timeout = milliseconds(1);
  const auto slower = std::make_shared<provider_config>(*one_);
  slower->timeouts = timeouts;
  publish_world({slower, std::make_shared<provider_config>(*two_)});
  EXPECT_FALSE(clients()[0].alive);
  EXPECT_TRUE(clients()[1].alive);
  call(slower);
  EXPECT_EQ(clients().back().config->timeouts.head_timeout, milliseconds(1));
}

TEST_F(ShardSupervisor, IgnoresASnapshotOlderThanItsOwn) {
  publish_world({one_});
  publish_world({one_, two_});
  const auto answer = ask<published>(supervisor_, publish{world(1, {one_})});
  run();
  EXPECT_TRUE(*answer);
  EXPECT_EQ(shard_.snapshot->version, 2U);
  EXPECT_EQ(call(two_)->accepted.size(), 1U);
}

TEST_F(ShardSupervisor, EndsItsChildrenWithItself) {
  publish_world({one_});
  const auto running = call(one_);
  const auto provider = last_provider();
  kill(supervisor_);
  EXPECT_TRUE(ended(provider));
  EXPECT_FALSE(shard_.router);
  EXPECT_EQ(running->ends.size(), 1U);
  // The next one on this shard starts from what the registry publishes to it.
  supervisor_ = spawn<shard_supervisor>(scripted());
  run();
  publish_world({one_});
  EXPECT_EQ(call(one_)->accepted.size(), 1U);
}

// A session, as far as the shard's supervisor is concerned.
class fake_session final : public shard_actor {
 public:
  fake_session(caf::actor_config& config, shard& home, std::shared_ptr<int> looks)
      : shard_actor(config, home), looks_(std::move(looks)) {}

 protected:
  caf::behavior make_behavior() override {
    home().enlist(this);
    return {[this](const access_changed&) { ++*looks_; }};
  }
  void on_exit() override { home().delist(this); }

 private:
  std::shared_ptr<int> looks_;
};

TEST_F(ShardSupervisor, MakesWhoeverRunsLookAgainAfterEachChangeAndEachExpiry) {
  const auto looks = std::make_shared<int>(0);
  spawn<fake_session>(looks);
  run();
  publish_world({one_});
  EXPECT_EQ(*looks, 1);
  caf::anon_send(supervisor_, access_changed{});
  run();
  EXPECT_EQ(*looks, 2);
  past(milliseconds(10'000));
  EXPECT_EQ(*looks, 2);  // nothing expires

  auto expiring = std::make_shared<snapshot>(*world(++version_, {one_}));
  auto key = std::make_shared<principal>();
  auto terms = std::make_shared<key_terms>();
  terms->expires_at = wall_clock_ms() + 60'000;
  key->terms = terms;
  expiring->keys.emplace("digest", key);
  ask<published>(supervisor_, publish{expiring});
  run();
  EXPECT_EQ(*looks, 3);
  past(milliseconds(50'000));
  EXPECT_EQ(*looks, 3);
  past(milliseconds(11'000));
  EXPECT_EQ(*looks, 4);
}

class RootSupervisor : public actor_fixture {
 protected:
  RootSupervisor() {
    root_ = keep(system_.spawn<caf::hidden>(root_supervisor, [this] { ++given_up_; }));
    start_ = [this] {
      supervisor_ = spawn<shard_supervisor>(scripted());
      ++started_;
      return supervisor_;
    };
    start_();
    caf::anon_send(root_, watch_shard{supervisor_, start_});
    run();
  }
  ~RootSupervisor() override { root_ = supervisor_ = nullptr; }

  caf::actor root_;
  caf::actor supervisor_;
  std::function<caf::actor()> start_;
  int started_ = 0;
  int given_up_ = 0;
};

TEST_F(RootSupervisor, RestartsAShardsSupervisorAfterAPause) {
  kill(supervisor_);
  EXPECT_EQ(started_, 1);
  EXPECT_FALSE(shard_.router);
  advance_caf(milliseconds(50));
  EXPECT_EQ(started_, 2);
  EXPECT_TRUE(shard_.router);
  EXPECT_EQ(given_up_, 0);
}

TEST_F(RootSupervisor, GivesUpOnceWhenRestartingDoesNotHelp) {
  for (int i = 0; i < 5; ++i) {
    kill(supervisor_);
    advance_caf(milliseconds(1'000));
  }
  EXPECT_EQ(started_, 6);
  EXPECT_EQ(given_up_, 0);
  kill(supervisor_);
  advance_caf(milliseconds(10'000));
  EXPECT_EQ(given_up_, 1);
  EXPECT_EQ(started_, 6);
}

TEST_F(RootSupervisor, IgnoresWhatItDoesNotWatch) {
  const auto other = spawn<shard_supervisor>(scripted());
  run();
  kill(other);
  advance_caf(milliseconds(1'000));
  EXPECT_EQ(started_, 1);
}

TEST(RestartPolicy, PausesLongerAfterEachFailureUpToASecond) {
  restart_policy policy(20);
  const restart_policy::time now{std::chrono::hours(1)};
  for (const auto pause : {50, 100, 200, 400, 800, 1'000, 1'000}) {
    const auto decision = policy.on_failure(now);
    EXPECT_FALSE(decision.escalate);
    EXPECT_EQ(decision.pause, milliseconds(pause));
  }
}

TEST(RestartPolicy, EscalatesPastItsLimitWithinTheWindow) {
  restart_policy policy(2, milliseconds(1'000));
  const restart_policy::time now{std::chrono::hours(1)};
  EXPECT_FALSE(policy.on_failure(now).escalate);
  EXPECT_FALSE(policy.on_failure(now + milliseconds(500)).escalate);
  EXPECT_TRUE(policy.on_failure(now + milliseconds(1'000)).escalate);
}

TEST(RestartPolicy, ForgetsFailuresBehindTheWindow) {
  restart_policy policy(1, milliseconds(1'000));
  const restart_policy::time now{std::chrono::hours(1)};
  EXPECT_FALSE(policy.on_failure(now).escalate);
  const auto later = policy.on_failure(now + milliseconds(1'001));
  EXPECT_FALSE(later.escalate);
  EXPECT_EQ(later.pause, milliseconds(50));
}

}  // namespace
}  // namespace nexus
