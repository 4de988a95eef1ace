#include "actors/settlement.hpp"

#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

outcome_facts outcome_of(const std::string& outcome, std::optional<net::usage> reported = std::nullopt) {
  outcome_facts made;
  made.outcome = outcome;
  made.facts.reported = reported;
  made.facts.completion.add("twelve bytes and some more of them");
  made.facts.history_hash = 77;
  made.ttft = milliseconds(5);
  made.duration = milliseconds(9);
  return made;
}

class Settlement : public actor_fixture {
 protected:
  Settlement() {
    auto settings = std::make_shared<options>();
    settings->storage.batch_rows = 3;
    settings->storage.batch_delay = std::chrono::hours(1);
    shard_.options = settings;
  }
};

TEST_F(Settlement, CountsWhatTheUpstreamReported) {
  const auto tokens =
      count_tokens(*make_call(), outcome_of("delivered", net::usage{.prompt_tokens = 4, .completion_tokens = 0}));
  EXPECT_EQ(tokens.prompt, 4);
  EXPECT_EQ(tokens.completion, 0);
  EXPECT_EQ(tokens.source, "reported");
  EXPECT_EQ(count_tokens(*make_call(), outcome_of("truncated", net::usage{.prompt_tokens = 4, .completion_tokens = 2}))
                .source,
            "reported");
}

TEST_F(Settlement, EstimatesWhatWasNotReportedInFull) {
  for (const auto& reported : {std::optional<net::usage>(), std::optional(net::usage{.prompt_tokens = 4}),
                               std::optional(net::usage{.completion_tokens = 4})}) {
    const auto tokens = count_tokens(*make_call(), outcome_of("delivered", reported));
    EXPECT_EQ(tokens.prompt, 11);
    EXPECT_EQ(tokens.completion, 9);  // 34 ASCII characters
    EXPECT_EQ(tokens.source, "estimated");
  }
}

TEST_F(Settlement, CallsTheEstimateOfABrokenAnswerPartial) {
  for (const auto* outcome : {"truncated", "client_cancelled", "interrupted"})
    EXPECT_EQ(count_tokens(*make_call(), outcome_of(outcome)).source, "partial") << outcome;
}

TEST_F(Settlement, PutsOneCompleteRowIntoTheOutbox) {
  auto what = make_call();
  what->settings.stream = true;
  what->received_at = 123;
  what->credit = hub_.credits.take();
  const auto tokens = settle(shard_, *what, *make_config(6), outcome_of("delivered"));
  auto taken = hub_.outbox.take();
  ASSERT_EQ(taken.rows.size(), 1U);
  const auto& row = taken.rows[0];
  EXPECT_EQ(row.request_id + row.conversation_id + row.model_name + row.source + row.outcome,
            what->request_id + "convmestimateddelivered");
  EXPECT_EQ(row.provider_id, 6);
  EXPECT_EQ(row.timestamp, 123);
  EXPECT_EQ(row.prompt_tokens, tokens.prompt);
  EXPECT_EQ(row.completion_tokens, tokens.completion);
  EXPECT_TRUE(row.stream);
  EXPECT_EQ(row.ttft_ms, 5);
  EXPECT_EQ(row.duration_ms, 9);
  EXPECT_EQ(row.history_hash, 77U);
  what.reset();
  EXPECT_EQ(hub_.credits.taken(), 1U);  // the row holds it
  taken = {};
  EXPECT_EQ(hub_.credits.taken(), 0U);
}

TEST_F(Settlement, RemembersOnlyADeliveredConversation) {
  settle(shard_, *make_call(), *make_config(6), outcome_of("truncated"));
  EXPECT_FALSE(hub_.conversations.find(77));
  EXPECT_EQ(hub_.outbox.take().rows[0].history_hash, 0U);
  settle(shard_, *make_call(), *make_config(6), outcome_of("delivered"));
  EXPECT_EQ(hub_.conversations.find(77), "conv");
}

TEST_F(Settlement, WakesTheWriterAtOnceForAFullBatch) {
  int woken = 0;
  hub_.stats_writer = writer_stub([&woken] { ++woken; }, [](stats_writer_actor::pointer) { return change_reply(); });
  for (int i = 0; i < 2; ++i) settle(shard_, *make_call(), *make_config(6), outcome_of("delivered"));
  run();
  EXPECT_EQ(woken, 0);
  for (int i = 0; i < 5; ++i) settle(shard_, *make_call(), *make_config(6), outcome_of("delivered"));
  run();
  EXPECT_EQ(woken, 1);
}

}  // namespace
}  // namespace nexus
