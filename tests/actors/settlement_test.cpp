#include "actors/settlement.hpp"

#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

using storage::outcome;
using storage::token_source;

outcome_facts outcome_of(outcome how, std::optional<net::usage> reported = std::nullopt) {
  outcome_facts made;
  made.outcome = how;
  made.facts.reported = reported;
  made.facts.history_hash = 77;
  made.facts.has_text = true;
  made.completion_tokens = 9;
  made.ttft = milliseconds(5);
  made.duration = milliseconds(9);
  return made;
}

class Settlement : public actor_fixture {
 protected:
  Settlement() {
    auto settings = std::make_shared<options>();
    settings->storage.batch_delay = std::chrono::hours(1);
    shard_.options = settings;
  }
};

TEST_F(Settlement, ChargesWhatTheUpstreamReported) {
  for (const auto how : {outcome::delivered, outcome::truncated, outcome::client_cancelled}) {
    const auto made = make_settlement(*make_call(), outcome_of(how, net::usage{.prompt_tokens = 4,
                                                                               .completion_tokens = 2,
                                                                               .total_tokens = 6,
                                                                               .cached_tokens = 3,
                                                                               .reasoning_tokens = 1}));
    EXPECT_EQ(made.charged, (token_counts{.prompt = 4, .completion = 2, .cached = 3, .reasoning = 1}));
    EXPECT_EQ(made.prompt_source, token_source::reported);
    EXPECT_EQ(made.completion_source, token_source::reported);
    EXPECT_EQ(made.cached_source, token_source::reported);
    EXPECT_EQ(made.reasoning_source, token_source::reported);
    EXPECT_EQ(made.flags, 0U);
  }
}

TEST_F(Settlement, ChargesOursWhereTheReportIsNotWhole) {
  for (const auto& reported : {std::optional<net::usage>(), std::optional(net::usage{.prompt_tokens = 4}),
                               std::optional(net::usage{.completion_tokens = 4})}) {
    const auto made = make_settlement(*make_call(), outcome_of(outcome::delivered, reported));
    EXPECT_EQ(made.charged, (token_counts{.prompt = 11, .completion = 9}));
    EXPECT_EQ(made.prompt_source, token_source::estimated);
    EXPECT_EQ(made.completion_source, token_source::estimated);
    EXPECT_EQ(made.cached_source, token_source::none);
    EXPECT_EQ(made.flags, reported ? storage::report_incomplete : 0U);
    EXPECT_EQ(made.reported_prompt, reported ? reported->prompt_tokens : storage::no_number);
  }
}

TEST_F(Settlement, CallsOurCountOfABrokenAnswerPartial) {
  for (const auto how : {outcome::truncated, outcome::client_cancelled, outcome::interrupted}) {
    const auto made = make_settlement(*make_call(), outcome_of(how));
    EXPECT_EQ(made.completion_source, token_source::partial);
    EXPECT_EQ(made.history_hash, 0U);
  }
}

TEST_F(Settlement, SaysWhetherOurCountsAreExact) {
  auto what = make_call();
  what->is_exact = true;
  auto facts = outcome_of(outcome::delivered);
  EXPECT_EQ(make_settlement(*what, facts).completion_source, token_source::estimated);
  facts.is_exact = true;
  EXPECT_EQ(make_settlement(*what, facts).completion_source, token_source::counted);
  EXPECT_EQ(make_settlement(*what, outcome_of(outcome::truncated)).prompt_source, token_source::counted);
}

TEST_F(Settlement, ClampsAndFlagsWhatIsImpossible) {
  const auto made = make_settlement(
      *make_call(),
      outcome_of(outcome::delivered,
                 net::usage{.prompt_tokens = 4, .completion_tokens = 2, .cached_tokens = 5, .reasoning_tokens = 3}));
  EXPECT_EQ(made.charged, (token_counts{.prompt = 4, .completion = 2, .cached = 4, .reasoning = 2}));
  EXPECT_EQ(made.flags, storage::report_cached_above | storage::report_reasoning_above);

  net::usage negative{.prompt_tokens = 4};
  negative.had_negative = true;
  const auto left_out = make_settlement(*make_call(), outcome_of(outcome::delivered, negative));
  EXPECT_EQ(left_out.charged.completion, 9);
  EXPECT_EQ(left_out.flags, storage::report_negative | storage::report_incomplete);
  net::usage absurd;
  absurd.had_absurd = true;
  EXPECT_EQ(make_settlement(*make_call(), outcome_of(outcome::delivered, absurd)).flags,
            storage::report_absurd | storage::report_incomplete);
}

TEST_F(Settlement, NotesAStreamThatTheBudgetEnded) {
  auto facts = outcome_of(outcome::delivered);
  facts.facts.is_cut = true;
  EXPECT_EQ(make_settlement(*make_call(), facts).flags, storage::cut_at_budget);
}

TEST_F(Settlement, ChargesNothingForWhatWasNeverSent) {
  auto facts = outcome_of(outcome::client_cancelled);
  facts.is_sent = false;
  EXPECT_EQ(make_settlement(*make_call(), facts).charged, token_counts());
}

TEST_F(Settlement, SettlesOnceAndRemembersTheConversation) {
  auto what = make_call();
  what->ticket->sent(6, {}, 1'000);
  settle(shard_, *what, outcome_of(outcome::delivered));
  settle(shard_, *what, outcome_of(outcome::truncated));
  settle_as_it_stands(shard_, *what);
  const auto settled = hub_.ledger.take();
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0]->outcome, outcome::delivered);
  EXPECT_EQ(settled[0]->provider_id, 6);
  EXPECT_EQ(settled[0]->history_hash, 77U);
  EXPECT_EQ(settled[0]->ttft_ms, 5U);
  EXPECT_EQ(settled[0]->duration_ms, 9U);
  EXPECT_EQ(settled[0]->charged, (token_counts{.prompt = 11, .completion = 9}));
  EXPECT_EQ(hub_.conversations.find(77), what->conversation_id);
}

}  // namespace
}  // namespace nexus
