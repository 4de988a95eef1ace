#include "tests/actors/actor_fixture.hpp"

#include <thread>

namespace nexus {
namespace {

// Notes what it hears and on which thread; 0 throws, a time arms its deadline, a bool asks for a flush.
class note_taker final : public shard_actor {
 public:
  struct notes {
    std::vector<int> heard;
    std::vector<std::thread::id> threads;
    int deadlines = 0;
    int ended = 0;
    std::vector<size_t> flushes;  // how much was heard before each
  };
  note_taker(caf::actor_config& config, shard& home, std::shared_ptr<notes> into)
      : shard_actor(config, home), notes_(std::move(into)), deadline_(*this) {}

 protected:
  caf::behavior make_behavior() override {
    return {
        [this](int what) {
          if (what == 0) throw std::runtime_error("zero");
          notes_->heard.push_back(what);
          notes_->threads.push_back(std::this_thread::get_id());
        },
        [this](milliseconds after) { home().arm(deadline_, after); },
        [this](bool) { home().flush_later(*this); },
        [this](const shard_event& event) {
          if (event.what == shard_event::kind::deadline && deadline_.take_fired()) ++notes_->deadlines;
        },
    };
  }
  void on_exit() override { ++notes_->ended; }
  void on_flush() override { notes_->flushes.push_back(notes_->heard.size()); }

 private:
  std::shared_ptr<notes> notes_;
  own_deadline deadline_;
};
using notes = note_taker::notes;

class Shard : public actor_fixture {};

TEST_F(Shard, FlushesOnceForEachCallWhenNothingElseIsReady) {
  const auto into = std::make_shared<notes>();
  const auto actor = spawn<note_taker>(into);
  caf::anon_send(actor, true);
  for (int i = 1; i <= 20; ++i) caf::anon_send(actor, i);
  run();
  EXPECT_EQ(into->flushes, std::vector<size_t>{20});
  run();
  EXPECT_EQ(into->flushes.size(), 1U);
}

TEST_F(Shard, KeepsAnActorUntilItsFlush) {
  const auto into = std::make_shared<notes>();
  {
    const auto actor = spawn<note_taker>(into);
    caf::anon_send(actor, true);
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
  run();
  EXPECT_EQ(into->ended, 1);
  EXPECT_EQ(into->flushes.size(), 1U);
}

TEST_F(Shard, RunsMessagesOfOtherThreadsOnItsOwnInTheirOrder) {
  const auto into = std::make_shared<notes>();
  const auto actor = spawn<note_taker>(into);
  run();
  std::vector<int> sent;
  std::thread([&] {
    for (int i = 1; i <= 200; ++i) {
      caf::anon_send(actor, i);
      sent.push_back(i);
    }
  }).join();
  EXPECT_TRUE(into->heard.empty());
  run();
  EXPECT_EQ(into->heard, sent);
  EXPECT_EQ(into->threads, std::vector<std::thread::id>(200, std::this_thread::get_id()));
}

TEST_F(Shard, StartsActorsForOtherThreads) {
  const auto into = std::make_shared<notes>();
  std::thread([&] { caf::anon_send(spawn<note_taker>(into), 5); }).join();
  run();
  EXPECT_EQ(into->heard, std::vector<int>{5});
}

TEST_F(Shard, RunsPostedTasksOnItsThread) {
  std::thread::id where;
  std::thread([&] { shard_.post([&] { where = std::this_thread::get_id(); }); }).join();
  run();
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST_F(Shard, RunsUntilItIsStoppedFromAnotherThread) {
  const auto into = std::make_shared<notes>();
  const auto actor = spawn<note_taker>(into);
  run();
  std::thread other([&] {
    for (int i = 1; i <= 100; ++i) caf::anon_send(actor, i);
    shard_.post([this] { shard_.stop(); });
  });
  shard_.run();
  other.join();
  run();
  EXPECT_EQ(into->heard.size(), 100U);
}

// Sends on what it hears.
class forwarder final : public shard_actor {
 public:
  forwarder(caf::actor_config& config, shard& home, caf::actor to) : shard_actor(config, home), to_(std::move(to)) {}

 protected:
  caf::behavior make_behavior() override {
    return {[this](int what) { send(to_, what); }};
  }
  void on_exit() override { to_ = nullptr; }

 private:
  caf::actor to_;
};

TEST_F(Shard, LeavesActorsOfOtherHomesToCafsScheduler) {
  const auto into = std::make_shared<std::vector<int>>();
  const auto elsewhere = keep(system_.spawn<caf::hidden>(
      [](caf::event_based_actor*, const std::shared_ptr<std::vector<int>>& heard) {
        return caf::behavior{[heard](int what) { heard->push_back(what); }};
      },
      into));
  run();
  const auto ours = spawn<forwarder>(elsewhere);
  caf::anon_send(ours, 7);
  while (shard_.poll()) {
  }
  EXPECT_TRUE(into->empty());
  run();
  EXPECT_EQ(*into, std::vector<int>{7});
}

TEST_F(Shard, KeepsTheOrderOfMessagesBetweenItsActors) {
  const auto into = std::make_shared<notes>();
  const auto actor = spawn<note_taker>(into);
  for (int i = 1; i <= 1'000; ++i) caf::anon_send(actor, i);  // more than an actor's turn
  run();
  ASSERT_EQ(into->heard.size(), 1'000U);
  EXPECT_TRUE(std::is_sorted(into->heard.begin(), into->heard.end()));
}

TEST_F(Shard, GivesNeighboursTheirTurnWhileAnActorIsBusy) {
  const auto order = std::make_shared<notes>();
  const auto first = spawn<note_taker>(order);
  const auto second = spawn<note_taker>(order);
  run();
  for (int i = 1; i <= 500; ++i) caf::anon_send(first, 1);
  caf::anon_send(second, 2);
  run();
  ASSERT_EQ(order->heard.size(), 501U);
  EXPECT_NE(order->heard.back(), 2);
}

TEST_F(Shard, FiresDeadlinesByItsClockAlone) {
  const auto into = std::make_shared<notes>();
  const auto actor = spawn<note_taker>(into);
  caf::anon_send(actor, milliseconds(1'000));
  run();
  advance(milliseconds(999));
  EXPECT_EQ(into->deadlines, 0);
  advance(milliseconds(51));
  EXPECT_EQ(into->deadlines, 1);
  advance(milliseconds(60'000));
  EXPECT_EQ(into->deadlines, 1);
}

TEST_F(Shard, MovesADeadlineThatIsArmedAgain) {
  const auto into = std::make_shared<notes>();
  const auto actor = spawn<note_taker>(into);
  caf::anon_send(actor, milliseconds(1'000));
  run();
  advance(milliseconds(900));
  caf::anon_send(actor, milliseconds(1'000));
  run();
  advance(milliseconds(900));
  EXPECT_EQ(into->deadlines, 0);
  past(milliseconds(100));
  EXPECT_EQ(into->deadlines, 1);
}

TEST_F(Shard, HasNothingToDoWhileIdle) {
  const auto actor = spawn<note_taker>(std::make_shared<notes>());
  caf::anon_send(actor, 1);
  run();
  EXPECT_FALSE(shard_.poll());
  now_ += std::chrono::hours(24);
  EXPECT_FALSE(shard_.poll());
}

TEST_F(Shard, ForgetsTheDeadlineOfAnActorThatEnds) {
  const auto into = std::make_shared<notes>();
  auto actor = shard_.spawn<note_taker>(into);
  caf::anon_send(actor, milliseconds(1'000));
  run();
  kill(actor);
  actor = nullptr;
  now_ += std::chrono::seconds(2);
  EXPECT_FALSE(shard_.poll());
  EXPECT_EQ(into->ended, 1);
  EXPECT_EQ(into->deadlines, 0);
}

TEST_F(Shard, EndsOnlyTheActorWhoseHandlerThrows) {
  const auto broken = std::make_shared<notes>();
  const auto sound = std::make_shared<notes>();
  const auto first = spawn<note_taker>(broken);
  const auto second = spawn<note_taker>(sound);
  for (const int what : {1, 0, 2}) caf::anon_send(first, what);
  for (const int what : {3, 4}) caf::anon_send(second, what);
  run();
  EXPECT_EQ(broken->heard, std::vector<int>{1});
  EXPECT_EQ(broken->ended, 1);
  EXPECT_EQ(sound->heard, (std::vector<int>{3, 4}));
  EXPECT_EQ(sound->ended, 0);
}

TEST_F(Shard, WakesTheWriterAfterTheBatchDelay) {
  auto settings = std::make_shared<options>();
  settings->storage.batch_delay = milliseconds(0);
  shard_.options = settings;
  int woken = 0;
  hub_.stats_writer = writer_stub([&woken] { ++woken; }, [](stats_writer_actor::pointer) { return change_reply(); });
  shard_.wake_writer_later();
  while (woken == 0) run();
  run();
  EXPECT_EQ(woken, 1);
}

TEST(ProviderHealth, CountsOpenCircuitsOverAllShards) {
  provider_health health;
  EXPECT_FALSE(health.is_failing(1));
  health.add(1, 1);
  health.add(1, 1);
  health.add(1, -1);
  EXPECT_TRUE(health.is_failing(1));
  EXPECT_FALSE(health.is_failing(2));
  health.add(1, -1);
  EXPECT_FALSE(health.is_failing(1));
}

}  // namespace
}  // namespace nexus
