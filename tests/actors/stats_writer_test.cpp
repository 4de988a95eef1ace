#include "actors/stats_writer.hpp"

#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

using storage::exchange;
using storage::other_program;

class StatsWriter : public actor_fixture {
 protected:
  StatsWriter() {
    auto settings = storage::quick;
    settings.busy_timeout = milliseconds(0);
    auto opened = storage::store::open(folder_.path(), settings, storage::test_key());
    EXPECT_TRUE(opened);
    const auto store = std::make_shared<std::unique_ptr<storage::store>>(std::move(*opened));
    hub_.stats_writer = keep(system_.spawn<caf::hidden>(stats_writer, &hub_, store));
    run();
  }

  void push(const std::string& request, const std::string& conversation = "c") {
    auto* entry = hub_.ledger.journal().claim();
    storage::fill(*entry, exchange(request, conversation));
    hub_.ledger.push(entry);
  }
  void wake() {
    caf::anon_send(hub_.stats_writer, rows_due{});
    run();
  }
  int64_t rounds() {
    return other_program(folder_.path()).integer("SELECT count(*) FROM chat_stats WHERE is_prompt = 1");
  }
  size_t timers() { return scheduler().clock().schedule().size(); }

  storage::temporary_folder folder_;
};

TEST_F(StatsWriter, WritesWhatTheLedgerHoldsOnce) {
  for (const auto* request : {"a", "b", "c"}) push(request);
  EXPECT_EQ(rounds(), 0);
  wake();
  EXPECT_EQ(rounds(), 3);
  wake();
  EXPECT_EQ(rounds(), 3);
  EXPECT_EQ(timers(), 0U);
  storage::expect_consistent(folder_.path());
}

TEST_F(StatsWriter, WritesMoreThanOneTransactionHolds) {
  for (int i = 0; i < 900; ++i) push("first-" + std::to_string(i));
  wake();
  for (int i = 0; i < 2'100; ++i) push("then-" + std::to_string(i), "d");
  wake();
  EXPECT_EQ(rounds(), 3'000);
  EXPECT_EQ(hub_.ledger.journal().in_use(), 0U);
  storage::expect_consistent(folder_.path());
}

TEST_F(StatsWriter, CountsARequestThatComesTwiceOnce) {
  push("a");
  push("a");
  wake();
  push("a");
  wake();
  EXPECT_EQ(rounds(), 1);
}

TEST_F(StatsWriter, KeepsWhatTheStoreRefusesUntilItWorksAgain) {
  other_program other(folder_.path());
  other.run("BEGIN IMMEDIATE");
  push("a");
  push("b");
  wake();
  push("c");
  wake();
  advance_caf(milliseconds(1'000));
  EXPECT_EQ(rounds(), 0);
  other.run("COMMIT");
  advance_caf(milliseconds(999));
  EXPECT_EQ(rounds(), 0);
  advance_caf(milliseconds(1));
  EXPECT_EQ(rounds(), 3);
  EXPECT_EQ(timers(), 0U);
  EXPECT_EQ(other.integer("SELECT count(DISTINCT request_id) FROM requests"), 3);
  storage::expect_consistent(folder_.path());
}

TEST_F(StatsWriter, GivesPlacesBackOnlyAfterTheCommit) {
  other_program other(folder_.path());
  other.run("BEGIN IMMEDIATE");
  push("a");
  push("b");
  EXPECT_EQ(hub_.ledger.journal().in_use(), 2U);
  wake();
  EXPECT_EQ(hub_.ledger.journal().in_use(), 2U);
  other.run("COMMIT");
  wake();
  EXPECT_EQ(rounds(), 2);
  EXPECT_EQ(hub_.ledger.journal().in_use(), 0U);
}

TEST_F(StatsWriter, WaitsForARefusingStoreWithOneTimerHoweverOftenItIsWoken) {
  other_program other(folder_.path());
  other.run("BEGIN IMMEDIATE");
  for (int i = 0; i < 5; ++i) {
    push("r" + std::to_string(i));
    wake();
  }
  EXPECT_EQ(timers(), 1U);
  advance_caf(milliseconds(1'000));
  EXPECT_EQ(timers(), 1U);
  other.run("COMMIT");
  advance_caf(milliseconds(1'000));
  EXPECT_EQ(timers(), 0U);
  EXPECT_EQ(rounds(), 5);
}

TEST_F(StatsWriter, AnswersQueriesWithEverythingPushedBefore) {
  push("a", "one");
  push("b", "one");
  push("c", "two");
  const auto conversation = ask<conversation_reply>(hub_.stats_writer, conversation_query{"one"});
  const auto totals = ask<totals_reply>(hub_.stats_writer, totals_query{});
  const auto unknown = ask<conversation_reply>(hub_.stats_writer, conversation_query{"three"});
  run();
  ASSERT_TRUE(*conversation && (*conversation)->totals && *totals && *unknown);
  EXPECT_EQ((*conversation)->totals->rounds, 2);
  EXPECT_EQ((*conversation)->totals->prompt_tokens, 20);
  EXPECT_EQ((*totals)->totals.conversations, 2);
  EXPECT_EQ((*totals)->totals.rounds, 3);
  EXPECT_FALSE((*unknown)->failure || (*unknown)->totals);
}

TEST_F(StatsWriter, AnswersNoNumbersThatLackRows) {
  other_program other(folder_.path());
  other.run("BEGIN IMMEDIATE");
  push("a", "one");
  const auto conversation = ask<conversation_reply>(hub_.stats_writer, conversation_query{"one"});
  const auto totals = ask<totals_reply>(hub_.stats_writer, totals_query{});
  run();
  ASSERT_TRUE(*conversation && (*conversation)->failure && *totals && (*totals)->failure);
  EXPECT_EQ((*conversation)->failure->code, errc::storage_error);
  EXPECT_EQ((*totals)->failure->code, errc::storage_error);
  EXPECT_FALSE((*conversation)->totals);
  other.run("COMMIT");
  advance_caf(milliseconds(1'000));  // the query's failure armed the next try
  EXPECT_EQ(rounds(), 1);
}

TEST_F(StatsWriter, StoresChangesAndAnswersTheWholeControlPlane) {
  store_change change;
  change.provider = std::make_shared<const storage::provider>(storage::sample("p"));
  const auto made = ask<change_reply>(hub_.stats_writer, change);
  run();
  ASSERT_TRUE(*made && !(*made)->failure && (*made)->state);
  const auto id = (*made)->id;
  EXPECT_EQ((*made)->state->providers.at(id)->name, "p");

  store_change model;
  model.what = store_change::kind::insert_model;
  model.model = std::make_shared<const storage::provider_model>(storage::model_of(id, "m"));
  const auto with_model = ask<change_reply>(hub_.stats_writer, model);
  run();
  ASSERT_TRUE(*with_model && (*with_model)->state);
  EXPECT_EQ((*with_model)->state->models.at((*with_model)->id)->model_name, "m");

  const auto twice = ask<change_reply>(hub_.stats_writer, change);
  run();
  ASSERT_TRUE(*twice && (*twice)->failure);
  EXPECT_EQ((*twice)->failure->code, errc::conflict);
  EXPECT_FALSE((*twice)->state);

  auto renamed = std::make_shared<storage::provider>(storage::sample("q"));
  renamed->id = id;
  store_change update;
  update.what = store_change::kind::update_provider;
  update.provider = renamed;
  update.version = 99;
  const auto stale = ask<change_reply>(hub_.stats_writer, update);
  run();
  ASSERT_TRUE(*stale && (*stale)->failure);
  EXPECT_EQ((*stale)->failure->code, errc::precondition_failed);

  store_change removal;
  removal.what = store_change::kind::delete_model;
  removal.id = (*with_model)->id;
  const auto removed = ask<change_reply>(hub_.stats_writer, removal);
  removal.what = store_change::kind::delete_provider;
  removal.id = id;
  const auto emptied = ask<change_reply>(hub_.stats_writer, removal);
  run();
  ASSERT_TRUE(*removed && (*removed)->state && *emptied && (*emptied)->state);
  EXPECT_TRUE((*removed)->state->models.empty());
  EXPECT_TRUE((*emptied)->state->providers.empty());
}

TEST_F(StatsWriter, WritesTheRestWhenItCloses) {
  push("a");
  push("b");
  const auto closed = ask<store_closed>(hub_.stats_writer, close_store{});
  run();
  ASSERT_TRUE(*closed);
  EXPECT_EQ((*closed)->lost, 0U);
  EXPECT_EQ(hub_.ledger.journal().in_use(), 0U);
  const auto again = storage::open_store(folder_.path());  // the folder is free
  ASSERT_TRUE(again);
  storage::expect_totals(*again, 1, 2, 20, 6);
}

TEST_F(StatsWriter, SaysHowMuchItCouldNotWriteWhenItCloses) {
  other_program other(folder_.path());
  other.run("BEGIN IMMEDIATE");
  push("a");
  wake();
  push("b");
  const auto closed = ask<store_closed>(hub_.stats_writer, close_store{});
  run();
  ASSERT_TRUE(*closed);
  EXPECT_EQ((*closed)->lost, 2U);
}

}  // namespace
}  // namespace nexus
