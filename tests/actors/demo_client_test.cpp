#include "actors/demo_client.hpp"

#include "actors/socket_client.hpp"
#include "tests/actors/client_fixture.hpp"

namespace nexus {
namespace {

class DemoClient : public ClientFixture {
 protected:
  DemoClient() {
    auto row = make_row(4);
    row->kind = "demo";
    start<demo_client>(make_config(row));
  }
  std::shared_ptr<call> streaming() {
    auto made = make_call();
    made->settings.stream = true;
    made->settings.mode = net::delivery::deltas;
    return made;
  }
  /// Begins a stream and brings it to its second piece; it does not end by itself then.
  std::shared_ptr<heard> begin_slowly(caf::actor* who = nullptr) {
    pace(milliseconds(20));
    auto into = begin(streaming(), who);
    until([&] { return into->parts.size() >= 2; });
    return into;
  }
};

TEST_F(DemoClient, AnswersWholeAndAwaitsAnotherCall) {
  for (size_t i = 1; i <= 2; ++i) {
    auto what = make_call();
    what->settings.history_seed = 5;
    const auto into = begin(what);
    ASSERT_EQ(into->accepted.size(), 1U);
    EXPECT_EQ(into->accepted[0].client, client_);
    until([&] { return !into->ends.empty(); });
    EXPECT_FALSE(into->failure());
    ASSERT_TRUE(into->ends[0].verdict.answer);
    EXPECT_EQ(into->ends[0].verdict.answer->status, 200);
    EXPECT_EQ(into->ends[0].charged.prompt, 11);
    EXPECT_GT(into->ends[0].charged.completion, 10);
    ASSERT_EQ(owner_state_->done.size(), i);
    EXPECT_TRUE(owner_state_->done.back().idle);
    EXPECT_EQ(owner_state_->done.back().outcome, client_done::verdict::worked);
    const auto rows = booked();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].request_id, what->request_id);
    EXPECT_EQ(rows[0].provider_id, 4);
    EXPECT_EQ(rows[0].outcome + " " + rows[0].source, "delivered reported");
    EXPECT_EQ(rows[0].completion_tokens, into->ends[0].charged.completion);
    EXPECT_EQ(hub_.conversations.find(rows[0].history_hash), "conv");
  }
}

TEST_F(DemoClient, StreamsInPiecesAndBooksThemOnce) {
  const auto into = begin(streaming());
  until([&] { return !into->ends.empty(); });
  EXPECT_GT(into->parts.size(), 10U);
  EXPECT_FALSE(into->failure());
  EXPECT_EQ(into->ends[0].facts.finish_reason, "stop");
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome, "delivered");
}

TEST_F(DemoClient, StopsWhilePausedAndGoesOnWhenResumed) {
  const auto into = begin_slowly();
  caf::anon_send(client_, call_pause{attempt_});
  run();
  const auto before = into->parts.size();
  pace(milliseconds(0));
  const auto end = std::chrono::steady_clock::now() + milliseconds(60);  // the pause outlasts the pace
  while (std::chrono::steady_clock::now() < end) run();
  EXPECT_EQ(into->parts.size(), before);
  caf::anon_send(client_, call_resume{attempt_ + 1});  // of some other attempt
  for (int i = 0; i < 100; ++i) run();
  EXPECT_EQ(into->parts.size(), before);
  caf::anon_send(client_, call_resume{attempt_});
  until([&] { return !into->ends.empty(); });
  EXPECT_FALSE(into->failure());
}

TEST_F(DemoClient, SettlesACancelledCallAndAnswersItNoMore) {
  const auto into = begin_slowly();
  caf::anon_send(client_, call_cancel{attempt_ + 1});
  run();
  EXPECT_TRUE(owner_state_->done.empty());
  caf::anon_send(client_, call_cancel{attempt_});
  run();
  ASSERT_EQ(owner_state_->done.size(), 1U);
  EXPECT_EQ(owner_state_->done[0].outcome, client_done::verdict::abandoned);
  EXPECT_FALSE(owner_state_->done[0].idle);
  EXPECT_EQ(owner_state_->down, 1);
  EXPECT_TRUE(into->ends.empty());
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome + " " + rows[0].source, "client_cancelled partial");
  EXPECT_GT(rows[0].completion_tokens, 0);
  EXPECT_EQ(rows[0].history_hash, 0U);
}

TEST_F(DemoClient, CancelsTheCallOfAConsumerThatDies) {
  caf::actor who;
  const auto into = begin_slowly(&who);
  kill(who);
  ASSERT_EQ(owner_state_->done.size(), 1U);
  EXPECT_EQ(owner_state_->done[0].outcome, client_done::verdict::abandoned);
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome, "client_cancelled");
}

TEST_F(DemoClient, BooksItsCallWhenItIsKilled) {
  const auto into = begin_slowly();
  kill(client_);
  const auto rows = booked();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome + " " + rows[0].source, "interrupted partial");
  EXPECT_EQ(owner_state_->down, 1);
  EXPECT_TRUE(owner_state_->done.empty());
}

TEST_F(DemoClient, BooksNothingWhenItIsKilledIdle) {
  kill(client_);
  EXPECT_TRUE(booked().empty());
}

TEST_F(DemoClient, NoLongerMindsAFormerConsumer) {
  caf::actor who;
  const auto first = begin(make_call(), &who);
  until([&] { return !first->ends.empty(); });
  const auto second = begin(streaming());
  kill(who);
  until([&] { return !second->ends.empty(); });
  EXPECT_FALSE(second->failure());
  EXPECT_EQ(booked().size(), 2U);
}

TEST_F(DemoClient, IsWhatADemoProviderNeeds) {
  auto row = make_row(4);
  row->kind = "demo";
  const auto made = keep(make_provider_client(shard_, owner_, make_config(row)));
  EXPECT_NE(dynamic_cast<demo_client*>(caf::actor_cast<caf::abstract_actor*>(made)), nullptr);
  const auto other = keep(make_provider_client(shard_, owner_, make_config(5)));
  EXPECT_NE(dynamic_cast<socket_client*>(caf::actor_cast<caf::abstract_actor*>(other)), nullptr);
}

}  // namespace
}  // namespace nexus
