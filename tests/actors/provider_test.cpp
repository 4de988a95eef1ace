#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

class Provider : public actor_fixture {
 protected:
  Provider() {
    timeouts_.failures_before_open = 2;
    timeouts_.backoff_min = milliseconds(1'000);
    timeouts_.backoff_max = milliseconds(3'000);
    timeouts_.connect_timeout = milliseconds(5'000);
  }

  caf::actor start(int64_t id = 1) { return spawn<provider>(make_config(id, timeouts_), scripted()); }

  /// Makes a call of a consumer of its own.
  std::shared_ptr<heard> call(const caf::actor& provider, caf::actor* who = nullptr) {
    const auto into = std::make_shared<heard>();
    const auto from = consumer(into);
    if (who != nullptr) *who = from;
    caf::anon_send(provider, route_call{make_call(), ++attempt_, {}, from});
    run();
    return into;
  }
  void fail_calls(const caf::actor& provider, int count) {
    for (int i = 0; i < count; ++i) {
      call(provider);
      play(clients().size() - 1, "fail");
    }
  }
  size_t alive() {
    return static_cast<size_t>(
        std::count_if(clients().begin(), clients().end(), [](const auto& entry) { return entry.alive; }));
  }

  upstream_options timeouts_;
  uint64_t attempt_ = 0;
};

TEST_F(Provider, ReusesTheClientThatRestedLeast) {
  const auto provider = start();
  call(provider);
  call(provider);
  play(0, "answer");
  play(1, "answer");
  call(provider);
  EXPECT_EQ(clients().size(), 2U);
  EXPECT_EQ(clients()[1].calls.size(), 2U);
  call(provider);
  EXPECT_EQ(clients().size(), 2U);
  EXPECT_EQ(clients()[0].calls.size(), 2U);
}

TEST_F(Provider, MakesANewClientForOneThatEndsWithItsCall) {
  const auto provider = start();
  const auto first = call(provider);
  play(0, "answerbye");
  EXPECT_EQ(first->ends.size(), 1U);
  const auto second = call(provider);
  EXPECT_EQ(clients().size(), 2U);
  play(1, "answer");
  EXPECT_EQ(second->ends.size(), 1U);
}

TEST_F(Provider, BoundsItsConnectionsAndServesTheQueueInOrder) {
  timeouts_.connections_max = 2;
  const auto provider = start();
  const auto a = call(provider);
  call(provider);
  const auto c = call(provider);
  const auto d = call(provider);
  EXPECT_EQ(clients().size(), 2U);
  EXPECT_TRUE(c->accepted.empty() && c->ends.empty());
  play(0, "answer");
  EXPECT_EQ(clients().size(), 2U);
  EXPECT_EQ(c->accepted.size(), 1U);
  EXPECT_TRUE(d->accepted.empty());
  play(1, "answerbye");
  EXPECT_EQ(clients().size(), 3U);
  EXPECT_EQ(d->accepted.size(), 1U);
  EXPECT_EQ(a->ends.size(), 1U);
}

TEST_F(Provider, RefusesWhatItsQueueCannotHold) {
  timeouts_.connections_max = 1;
  timeouts_.queue_max = 1;
  const auto provider = start();
  call(provider);
  const auto queued = call(provider);
  const auto refused = call(provider);
  ASSERT_EQ(refused->ends.size(), 1U);
  EXPECT_EQ(refused->failure(), errc::upstream_unavailable);
  EXPECT_TRUE(refused->ends[0].verdict.elsewhere);
  EXPECT_EQ(refused->ends[0].provider_id, 1);
  EXPECT_EQ(refused->ends[0].attempt, attempt_);
  EXPECT_TRUE(refused->ends[0].verdict.failure->retry_after);
  play(0, "answer");
  EXPECT_EQ(queued->accepted.size(), 1U);
}

TEST_F(Provider, GivesUpAQueuedCallAtItsDeadline) {
  timeouts_.connections_max = 1;
  const auto provider = start();
  call(provider);
  const auto first = call(provider);
  advance(milliseconds(3'000));
  const auto second = call(provider);
  advance(milliseconds(1'990));
  EXPECT_TRUE(first->ends.empty());
  past(milliseconds(10));
  ASSERT_EQ(first->ends.size(), 1U);
  EXPECT_EQ(first->failure(), errc::upstream_unavailable);
  EXPECT_TRUE(first->ends[0].verdict.elsewhere);
  EXPECT_TRUE(second->ends.empty());
  past(milliseconds(3'000));
  ASSERT_EQ(second->ends.size(), 1U);
  play(0, "answer");  // the one that runs is not touched
  EXPECT_EQ(first->ends.size() + second->ends.size(), 2U);
}

TEST_F(Provider, ForgetsAQueuedCallWhoseConsumerLeft) {
  timeouts_.connections_max = 1;
  const auto provider = start();
  call(provider);
  caf::actor leaver;
  call(provider, &leaver);
  const auto stays = call(provider);
  kill(leaver);
  play(0, "answer");
  EXPECT_EQ(clients()[0].calls.size(), 2U);
  EXPECT_EQ(stays->accepted.size(), 1U);
}

TEST_F(Provider, DismissesAClientWhoseIdleConnectionIsGone) {
  const auto provider = start();
  call(provider);
  play(0, "answer");
  play(0, "expire");
  EXPECT_EQ(alive(), 0U);
  const auto next = call(provider);
  EXPECT_EQ(clients().size(), 2U);
  EXPECT_EQ(next->accepted.size(), 1U);
}

TEST_F(Provider, LosesNoCallToAClientThatExpiresJustThen) {
  const auto provider = start();
  call(provider);
  play(0, "answer");
  const auto into = std::make_shared<heard>();
  // The provider gives the call away before it hears that the client's connection is gone.
  caf::anon_send(provider, route_call{make_call(), 9, {}, consumer(into)});
  caf::anon_send(clients()[0].client, caf::atom("expire"));
  run();
  EXPECT_EQ(clients().size(), 1U);
  EXPECT_EQ(clients()[0].calls.size(), 2U);
  play(0, "answer");
  ASSERT_EQ(into->ends.size(), 1U);
  EXPECT_FALSE(into->failure());
}

TEST_F(Provider, AnswersForAClientThatThrowsAndNobodyElseNotices) {
  const auto provider = start();
  const auto other = start(2);
  const auto victim = call(provider);
  const auto neighbour = call(provider);
  const auto elsewhere = call(other);
  play(0, "throw");
  ASSERT_EQ(victim->ends.size(), 1U);
  EXPECT_EQ(victim->failure(), errc::upstream_error);
  EXPECT_EQ(victim->ends[0].attempt, 1U);
  EXPECT_EQ(victim->ends[0].provider_id, 1);
  EXPECT_TRUE(neighbour->ends.empty() && elsewhere->ends.empty());
  play(1, "answer");
  play(2, "answer");
  EXPECT_EQ(victim->ends.size(), 1U);
  ASSERT_TRUE(neighbour->ends.size() == 1 && elsewhere->ends.size() == 1);
  EXPECT_FALSE(neighbour->failure() || elsewhere->failure());
  EXPECT_EQ(call(provider)->accepted.size(), 1U);
}

TEST_F(Provider, GivesTheConnectionOfADeadClientToTheQueue) {
  timeouts_.connections_max = 1;
  const auto provider = start();
  call(provider);
  const auto queued = call(provider);
  play(0, "throw");
  EXPECT_EQ(clients().size(), 2U);
  EXPECT_EQ(queued->accepted.size(), 1U);
}

TEST_F(Provider, LosesNoCallToAnIdleClientThatIsKilled) {
  const auto provider = start();
  call(provider);
  play(0, "answer");
  kill(clients()[0].client);
  const auto next = call(provider);
  EXPECT_EQ(clients().size(), 2U);
  EXPECT_EQ(next->accepted.size(), 1U);
  EXPECT_TRUE(next->ends.empty());
}

TEST_F(Provider, OpensItsCircuitAfterFailuresInARow) {
  const auto provider = start();
  fail_calls(provider, 1);
  call(provider);
  play(1, "answer");  // a success in between: it starts to count anew
  fail_calls(provider, 1);
  EXPECT_FALSE(hub_.health.is_failing(1));
  fail_calls(provider, 1);
  EXPECT_TRUE(hub_.health.is_failing(1));
  const auto made = clients().size();
  const auto refused = call(provider);
  ASSERT_EQ(refused->ends.size(), 1U);
  EXPECT_EQ(refused->failure(), errc::upstream_unavailable);
  EXPECT_TRUE(refused->ends[0].verdict.elsewhere);
  EXPECT_EQ(refused->ends[0].verdict.failure->retry_after, std::chrono::seconds(1));
  EXPECT_EQ(clients().size(), made);
}

TEST_F(Provider, AdmitsOneTrialAfterTheBackOffAndDoublesIt) {
  const auto provider = start();
  fail_calls(provider, 2);
  const auto admitted = [&] { return !call(provider)->accepted.empty(); };
  for (const auto pause : {1'000, 2'000, 3'000, 3'000}) {  // bounded by backoff_max
    advance(milliseconds(pause - 1));
    EXPECT_FALSE(admitted()) << pause;
    advance(milliseconds(1));
    EXPECT_TRUE(admitted()) << pause;
    EXPECT_FALSE(admitted()) << pause;
    play(clients().size() - 1, "fail");
    EXPECT_TRUE(hub_.health.is_failing(1));
  }
}

TEST_F(Provider, ClosesItsCircuitWhenATrialWorks) {
  const auto provider = start();
  fail_calls(provider, 2);
  advance(milliseconds(1'000));
  call(provider);
  play(clients().size() - 1, "answer");
  EXPECT_FALSE(hub_.health.is_failing(1));
  EXPECT_EQ(call(provider)->accepted.size(), 1U);
  EXPECT_EQ(call(provider)->accepted.size(), 1U);
  fail_calls(provider, 1);
  EXPECT_FALSE(hub_.health.is_failing(1));
}

TEST_F(Provider, AdmitsAnotherTrialWhenTheFirstIsAbandoned) {
  const auto provider = start();
  fail_calls(provider, 2);
  advance(milliseconds(1'000));
  call(provider);
  caf::anon_send(clients().back().client, call_cancel{attempt_});
  run();
  EXPECT_EQ(call(provider)->accepted.size(), 1U);
  EXPECT_TRUE(hub_.health.is_failing(1));
}

TEST_F(Provider, CountsAThrowingClientAsAFailure) {
  const auto provider = start();
  for (size_t i = 0; i < 2; ++i) {
    call(provider);
    play(i, "throw");
  }
  EXPECT_TRUE(hub_.health.is_failing(1));
}

TEST_F(Provider, RetiresOnlyAfterItsRunningCalls) {
  const auto provider = start();
  const auto running = call(provider);
  call(provider);
  play(1, "answer");
  caf::anon_send(provider, retire{});
  run();
  EXPECT_EQ(alive(), 1U);  // the idle one went
  const auto late = call(provider);
  EXPECT_EQ(late->failure(), errc::upstream_unavailable);
  EXPECT_TRUE(late->ends[0].verdict.elsewhere);
  play(0, "answer");
  ASSERT_EQ(running->ends.size(), 1U);
  EXPECT_FALSE(running->failure());
  EXPECT_EQ(alive(), 0U);
  EXPECT_TRUE(ended(provider));
}

TEST_F(Provider, ServesItsQueueBeforeItRetires) {
  timeouts_.connections_max = 1;
  const auto provider = start();
  call(provider);
  const auto queued = call(provider);
  caf::anon_send(provider, retire{});
  run();
  play(0, "answer");
  run();
  ASSERT_EQ(queued->accepted.size(), 1U);
  play(clients().size() - 1, "answer");
  EXPECT_EQ(queued->ends.size(), 1U);
  EXPECT_EQ(alive(), 0U);
}

TEST_F(Provider, DropsConnectionsOfAFormerConfiguration) {
  const auto provider = start();
  const auto running = call(provider);
  call(provider);
  play(1, "answer");
  auto row = make_row(1);
  row->server_url = "http://127.0.0.1:2/";
  const auto corrected = make_config(row, timeouts_);
  caf::anon_send(provider, reconfigure{corrected});
  run();
  EXPECT_FALSE(clients()[1].alive);
  EXPECT_TRUE(clients()[0].alive);  // at work
  play(0, "answer");
  EXPECT_EQ(running->ends.size(), 1U);
  EXPECT_FALSE(clients()[0].alive);
  call(provider);
  ASSERT_EQ(clients().size(), 3U);
  EXPECT_EQ(clients()[2].config, corrected);
}

TEST_F(Provider, TriesACorrectedProviderAtOnce) {
  const auto provider = start();
  fail_calls(provider, 2);
  caf::anon_send(provider, reconfigure{make_config(1, timeouts_)});
  run();
  EXPECT_FALSE(hub_.health.is_failing(1));
  EXPECT_EQ(call(provider)->accepted.size(), 1U);
}

TEST_F(Provider, AnswersEveryCallAndTakesItsHealthBackWhenItIsKilled) {
  timeouts_.connections_max = 2;
  const auto provider = start();
  const auto first = call(provider);
  const auto second = call(provider);
  const auto queued = call(provider);
  play(0, "fail");  // the queued one runs now
  play(1, "fail");
  EXPECT_TRUE(hub_.health.is_failing(1));
  kill(provider);
  EXPECT_FALSE(hub_.health.is_failing(1));
  ASSERT_EQ(queued->ends.size(), 1U);
  EXPECT_EQ(queued->failure(), errc::upstream_error);
  EXPECT_FALSE(queued->ends[0].verdict.elsewhere);  // its client books it: an exchange is booked once
  EXPECT_EQ(first->ends.size() + second->ends.size(), 2U);
  EXPECT_EQ(alive(), 0U);
}

TEST_F(Provider, RefusesItsQueueElsewhereWhenItIsKilled) {
  timeouts_.connections_max = 1;
  const auto provider = start();
  call(provider);
  const auto queued = call(provider);
  kill(provider);
  ASSERT_EQ(queued->ends.size(), 1U);
  EXPECT_EQ(queued->failure(), errc::upstream_unavailable);
  EXPECT_TRUE(queued->ends[0].verdict.elsewhere);
}

TEST_F(Provider, KeepsNoIdleClientWhileDraining) {
  const auto provider = start();
  call(provider);
  hub_.draining = true;
  play(0, "answer");
  EXPECT_EQ(alive(), 0U);
}

TEST_F(Provider, DoesNotLetAStragglerLeaveTheTrialsPlace) {
  timeouts_.connections_max = 4;
  const auto provider = start();
  call(provider);  // under way since before the circuit opened
  fail_calls(provider, 2);
  advance(milliseconds(1'000));
  call(provider);  // the trial
  caf::anon_send(clients()[0].client, call_cancel{1});
  run();
  EXPECT_TRUE(call(provider)->accepted.empty());
}

}  // namespace
}  // namespace nexus
