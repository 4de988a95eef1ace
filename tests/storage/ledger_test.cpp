#include "storage/reader.hpp"

#include "storage/database.hpp"
#include "storage/migrations.hpp"
#include "store_samples.hpp"

namespace nexus::storage {
namespace {

std::unique_ptr<reader> open_reader(const temporary_folder& folder) {
  auto opened = reader::open(store::file(folder.path()));
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? std::move(*opened) : nullptr;
}

std::string differences(const temporary_folder& folder) {
  const auto report = open_reader(folder)->audit();
  EXPECT_TRUE(report) << report.error().message << report.error().detail;
  std::string all;
  if (report)
    for (const auto& difference : report->differences) all += difference.what + " (" + difference.where + ")\n";
  return all;
}

// Requests of two keys, two providers, all outcomes, some days.
std::vector<sample_request> mixed() {
  std::vector<sample_request> rows;
  for (int i = 0; i < 60; ++i) {
    auto row = exchange("r" + std::to_string(i), "c" + std::to_string(i % 7), 86'400'000 * 2 + i * 3'000'000);
    row.key_id = i % 3;
    row.provider_id = 1 + i % 2;
    row.model_name = i % 5 == 0 ? "n" : "m";
    row.how = static_cast<outcome>(i % 6);
    row.attempts = row.how == outcome::rejected ? 0 : static_cast<uint8_t>(1 + i % 4);
    row.period_begin = row.key_id == 1 ? 86'400'000 : 0;
    row.prices = {.input = 2'000'000'000, .output = 8'000'000'000};
    rows.push_back(row);
  }
  return rows;
}

TEST(Ledger, IsConsistentWithEverySumItMoves) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(record(*opened, mixed()));
  ASSERT_TRUE(record(*opened, mixed()));  // known already
  EXPECT_EQ(differences(folder), "");
  const auto report = open_reader(folder)->audit();
  EXPECT_EQ(report->requests, 50);
  EXPECT_EQ(report->rejected, 10);
  EXPECT_EQ(report->tokens.prompt, 600);
  EXPECT_EQ(report->cost, 60 * (10 * 2'000 + 3 * 8'000));
  expect_consistent(folder.path());
}

TEST(Ledger, CountsRoundsOnlyWhereAnUpstreamWorked) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto failed = exchange("r1", "c");
  failed.how = outcome::upstream_error;
  auto rejected = exchange("r2", "c");
  rejected.how = outcome::rejected;
  rejected.attempts = 0;
  ASSERT_TRUE(record(*opened, {failed, rejected, exchange("r3", "c")}));
  expect_totals(*opened, 1, 1, 10, 3);
  other_program other(folder.path());
  EXPECT_EQ(other.integer("SELECT count(*) FROM chat_stats"), 2);
  EXPECT_EQ(other.integer("SELECT count(*) FROM requests"), 3);
  EXPECT_EQ(other.integer("SELECT sum(errors) FROM usage_series WHERE span = 60000 AND grouping = 0"), 2);
}

TEST(Ledger, KeepsEveryTryOfARequestThatTookMore) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto row = exchange("r1", "c");
  row.attempts = 3;
  row.provider_id = 9;
  ASSERT_TRUE(record(*opened, {row, exchange("r2", "c")}));
  other_program other(folder.path());
  EXPECT_EQ(other.integer("SELECT count(*) FROM attempts"), 3);
  EXPECT_EQ(other.integer("SELECT provider_id FROM attempts WHERE attempt = 1"), 7);
  EXPECT_EQ(other.integer("SELECT count(*) FROM attempts WHERE outcome = 'delivered' AND attempt = 3"), 1);
  EXPECT_EQ(other.integer("SELECT provider_id FROM requests WHERE request_id = 'r1'"), 9);
}

TEST(Ledger, RemembersWhatKeysSpent) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto row = exchange("r1", "c");
  row.key_id = 4;
  row.period_begin = 86'400'000;
  row.prices = {.input = 1'000'000};
  auto next = row;
  next.request_id = "r2";
  next.period_begin = 86'400'000 * 2;
  ASSERT_TRUE(record(*opened, {row, next}));
  const auto spending = opened->spending();
  ASSERT_EQ(spending->size(), 3U);
  EXPECT_EQ((*spending)[0].period_begin, 0);
  EXPECT_EQ((*spending)[0].tokens, 26);
  EXPECT_EQ((*spending)[0].cost, 20);
  EXPECT_EQ((*spending)[2].period_begin, 86'400'000 * 2);
  EXPECT_EQ((*spending)[2].requests, 1);
}

TEST(Ledger, NamesEveryKindOfDifference) {
  const std::pair<const char*, const char*> damages[] = {
      {"UPDATE totals SET rounds = rounds + 1", "total rounds"},
      {"UPDATE totals SET prompt_tokens = prompt_tokens - 1", "total prompt tokens"},
      {"UPDATE totals SET completion_tokens = 0", "total completion tokens"},
      {"UPDATE totals SET conversations = 99", "total conversations"},
      {"UPDATE conversations SET rounds = 0 WHERE conversation_id = 'c1'",
       "rounds of a conversation (conversation c1)"},
      {"DELETE FROM conversations WHERE conversation_id = 'c2'", "tokens of a conversation (conversation c2)"},
      {"DELETE FROM chat_stats WHERE id = 2", "rows of chat_stats (request r0)"},
      {"INSERT INTO chat_stats SELECT 999, timestamp, conversation_id, provider_id, model_name, tokens_count, "
       "is_prompt FROM chat_stats LIMIT 1",
       "rows of chat_stats (request 499)"},
      {"UPDATE key_spending SET cost = 0 WHERE key_id = 2", "spending of a key (key 2)"},
      {"DELETE FROM key_spending WHERE period_begin <> 0", "spending of a key in a period (key 1, from 86400000)"},
      {"UPDATE requests SET cost = cost + 1 WHERE request_id = 'r4'", "cost of a request (request r4)"},
      {"DELETE FROM attempts WHERE request_id = 'r1'", ""},
      {"DELETE FROM attempts WHERE request_id = 'r7' AND attempt = 1", "tries of a request (request r7)"},
      {"UPDATE chat_stats SET tokens_count = tokens_count + 1 WHERE id = 27", "rows of chat_stats (request r12)"},
      {"UPDATE usage_series SET requests = 77 WHERE span = 60000 AND grouping = 3 AND group_id = 1",
       "usage by the minute (key 1, from "},
      {"UPDATE usage_series SET errors = 77 WHERE span = 60000 AND grouping = 0", "usage by the minute (from "},
      {"UPDATE usage_series SET cost = 0 WHERE span = 3600000 AND grouping = 1",
       "usage by the hour (provider 1, from "},
      {"DELETE FROM usage_series WHERE span = 86400000 AND grouping = 2", "usage by the day (model m, from "},
      {"UPDATE usage_days SET duration_ms = 0 WHERE key_id = 2", "usage of a day (key 2, provider 1, model m, from "},
      {"DELETE FROM requests WHERE request_id = 'r6'", "usage by the minute"},
  };
  for (const auto& [damage, expected] : damages) {
    const temporary_folder folder;
    {
      const auto opened = open_store(folder.path());
      ASSERT_TRUE(record(*opened, mixed()));
    }
    other_program(folder.path()).run(damage);
    const auto found = differences(folder);
    if (*expected == '\0') {
      EXPECT_EQ(found, "") << damage;  // one try has no rows
    } else {
      EXPECT_NE(found.find(expected), std::string::npos) << damage << " led to: " << found;
    }
  }
}

TEST(Ledger, AnswersUsageFromTheRollUps) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(record(*opened, mixed()));
  const auto from_reader = open_reader(folder);
  const auto total = [](const std::vector<usage_row>& rows) {
    usage_row sum;
    for (const auto& row : rows) {
      sum.requests += row.requests;
      sum.errors += row.errors;
      sum.tokens.prompt += row.tokens.prompt;
      sum.cost += row.cost;
    }
    return sum;
  };
  for (const auto span : {minute_span, hour_span, day_span}) {
    for (const auto group : {usage_group::none, usage_group::provider, usage_group::model, usage_group::key}) {
      const auto rows = from_reader->usage(span, 0, 86'400'000 * 9, group);
      ASSERT_TRUE(rows);
      EXPECT_EQ(total(*rows).requests, 60);
      EXPECT_EQ(total(*rows).errors, 40);
      EXPECT_EQ(total(*rows).tokens.prompt, 600);
    }
  }
  const auto by_model = from_reader->usage(day_span, 0, 86'400'000 * 9, usage_group::model);
  EXPECT_EQ(by_model->front().group_name, "m");
  EXPECT_EQ(by_model->back().group_name, "n");
  const auto one_day = from_reader->usage(day_span, 86'400'000 * 3, 86'400'000 * 4, usage_group::none);
  ASSERT_EQ(one_day->size(), 1U);
  EXPECT_EQ(one_day->front().begin_at, 86'400'000 * 3);
  EXPECT_EQ(from_reader->usage(day_span, 0, 86'400'000, usage_group::none)->size(), 0U);
}

TEST(Ledger, ComparesTheUpstreamsNumbersWithOurs) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto broken = exchange("r2", "c");
  broken.how = outcome::truncated;
  ASSERT_TRUE(record(*opened, {exchange("r1", "c"), broken}));
  const auto drift = open_reader(folder)->drift();
  ASSERT_EQ(drift->size(), 1U);
  EXPECT_EQ(drift->front().reported_prompt, 10);
  EXPECT_EQ(drift->front().counted_prompt, 11);
  EXPECT_EQ(drift->front().reported_completion, 3);
  EXPECT_EQ(drift->front().counted_completion, 4);
}

TEST(Ledger, TakesOverWhatWasRecordedBeforeItExisted) {
  const temporary_folder folder;
  {
    auto opened = database::open(store::file(folder.path()), std::chrono::milliseconds(50));
    ASSERT_TRUE(migrate(**opened, migrations().first(8)));
    for (const auto* statement :
         {"INSERT INTO chat_stats VALUES (1, 60000, 'c', 1, 'm', 10, 1, 'r', 'reported', 'delivered', 1, 5, 50)",
          "INSERT INTO chat_stats VALUES (2, 60000, 'c', 1, 'm', 3, 0, 'r', 'reported', 'delivered', 1, 5, 50)",
          "INSERT INTO conversations VALUES ('c', 1, 10, 3, 60000, 60000, 42)",
          "UPDATE totals SET conversations = 1, rounds = 1, prompt_tokens = 10, completion_tokens = 3"})
      ASSERT_TRUE((*opened)->execute(statement)) << statement;
  }
  const auto opened = open_store(folder.path());
  EXPECT_EQ(differences(folder), "");
  EXPECT_EQ(open_reader(folder)->audit()->requests, 1);
  EXPECT_EQ(open_reader(folder)->usage(hour_span, 0, 1'000'000, usage_group::none)->front().tokens.completion, 3);
}

TEST(Reader, ChecksTheWholeFile) {
  const temporary_folder folder;
  open_store(folder.path());
  EXPECT_TRUE(open_reader(folder)->check_integrity());
  EXPECT_FALSE(reader::open(folder / "absent.db"));
}

}  // namespace
}  // namespace nexus::storage
