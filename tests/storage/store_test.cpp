#include "store_samples.hpp"

namespace nexus::storage {
namespace {

TEST(Store, IsNewUntilSomethingIsConfigured) {
  const temporary_folder folder;
  {
    const auto opened = open_store(folder.path());
    EXPECT_TRUE(*opened->is_new());
    ASSERT_TRUE(record(*opened, std::vector{exchange("r", "c")}));
    EXPECT_TRUE(*opened->is_new());
    ASSERT_TRUE(opened->insert_provider(sample("x"), 1));
    EXPECT_FALSE(*opened->is_new());
    ASSERT_TRUE(opened->delete_provider(1, {}));
  }
  EXPECT_FALSE(*open_store(folder.path())->is_new());
}

TEST(Store, CanBeMarkedUsedMoreThanOnce) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  EXPECT_TRUE(opened->mark_used());
  EXPECT_TRUE(opened->mark_used());
  EXPECT_FALSE(*opened->is_new());
}

TEST(Store, MakesItsSeedOnce) {
  const temporary_folder folder;
  const temporary_folder other;
  const auto seed = *open_store(folder.path())->hash_seed();
  EXPECT_EQ(seed.size(), 16u);
  EXPECT_EQ(*open_store(folder.path())->hash_seed(), seed);
  EXPECT_NE(*open_store(other.path())->hash_seed(), seed);
}

TEST(Store, ReopensWithEverything) {
  const temporary_folder folder;
  provider first;
  provider_model model;
  {
    const auto opened = open_store(folder.path());
    first = *opened->insert_provider(sample("one"), 100);
    ASSERT_TRUE(opened->insert_provider(sample("two"), 101));
    model = *[&] {
      auto row = model_of(first.id, "org/model");
      row.description = "d";
      row.prices = {.input = 1, .output = 2, .cached = 3, .reasoning = 4};
      row.output_tokens_max = 5;
      return opened->insert_model(row, 102);
    }();
    ASSERT_TRUE(record(*opened, std::vector{exchange("r", "c")}));
  }
  const auto opened = open_store(folder.path());
  const auto loaded = opened->load_control_plane();
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->providers.size(), 2u);
  expect_equal(loaded->providers[0], first);
  EXPECT_EQ(loaded->providers[1].name, "two");
  ASSERT_EQ(loaded->models.size(), 1u);
  EXPECT_EQ(loaded->models[0].id, model.id);
  EXPECT_EQ(loaded->models[0].provider_id, first.id);
  EXPECT_EQ(loaded->models[0].model_name, "org/model");
  EXPECT_EQ(loaded->models[0].description, "d");
  EXPECT_EQ(loaded->models[0].created_at, 102);
  EXPECT_EQ(loaded->models[0].version, 1);
  expect_totals(*opened, 1, 1, 10, 3);
}

TEST(Store, InsertAnswersTheRowAsStored) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  const auto stored = opened->insert_provider(sample("x"), 1234);
  ASSERT_TRUE(stored) << stored.error().detail;
  auto expected = sample("x");
  expected.id = 1;
  expected.created_at = expected.updated_at = 1234;
  expected.version = 1;
  expect_equal(*stored, expected);
  expect_equal(opened->load_control_plane()->providers.at(0), expected);
}

TEST(Store, KeepsEmptySecretsEmpty) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto row = sample("x");
  row.server_key = secret();
  row.enabled = false;
  ASSERT_TRUE(opened->insert_provider(row, 1));
  EXPECT_TRUE(opened->load_control_plane()->providers.at(0).server_key.empty());
  EXPECT_FALSE(opened->load_control_plane()->providers.at(0).enabled);
  EXPECT_EQ(other_program(folder.path()).integer("SELECT length(server_key) FROM service_providers"), 0);
}

TEST(Store, NamesTheTakenProviderName) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(opened->insert_provider(sample("x"), 1));
  auto second = opened->insert_provider(sample("y"), 1);
  const auto again = opened->insert_provider(sample("x"), 1);
  second->name = "x";
  const auto renamed = opened->update_provider(*second, {}, 1);
  for (const auto* refused : {&again, &renamed}) {
    ASSERT_FALSE(*refused);
    EXPECT_EQ(refused->error().code, errc::conflict);
    EXPECT_EQ(refused->error().message, "A provider named 'x' exists already.");
    EXPECT_EQ(refused->error().param, "name");
  }
  EXPECT_EQ(opened->load_control_plane()->providers.at(1).name, "y");
}

TEST(Store, UpdateReplacesTheRowAndCountsItsVersion) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto row = std::move(*opened->insert_provider(sample("x"), 100));
  row.name = "renamed";
  row.kind = "demo";
  row.server_key = secret("sk-new");
  row.enabled = false;
  row.headers = "{}";
  row.created_at = 7;  // not the caller's to set
  row.version = 99;
  const auto stored = opened->update_provider(row, 1, 200);
  ASSERT_TRUE(stored) << stored.error().detail;
  row.created_at = 100;
  row.updated_at = 200;
  row.version = 2;
  expect_equal(*stored, row);
  expect_equal(opened->load_control_plane()->providers.at(0), row);
  EXPECT_EQ(opened->update_provider(row, {}, 300)->version, 3);
}

TEST(Store, RefusesAStaleVersion) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto row = std::move(*opened->insert_provider(sample("x"), 100));
  auto model = *opened->insert_model(model_of(row.id, "m"), 100);
  row.name = "y";
  model.model_name = "n";
  EXPECT_EQ(opened->update_provider(row, 2, 200).error().code, errc::precondition_failed);
  EXPECT_EQ(opened->delete_provider(row.id, 2).error().code, errc::precondition_failed);
  EXPECT_EQ(opened->update_model(model, 2, 200).error().code, errc::precondition_failed);
  const auto kept = opened->delete_model(model.id, 2);
  EXPECT_EQ(kept.error().code, errc::precondition_failed);
  EXPECT_EQ(kept.error().message, "Provider model 1 was changed meanwhile: read it again and repeat the change.");
  const auto loaded = opened->load_control_plane();
  EXPECT_EQ(loaded->providers.at(0).name, "x");
  EXPECT_EQ(loaded->models.at(0).model_name, "m");
}

TEST(Store, SaysThatARowIsGone) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto row = sample("x");
  row.id = 9;
  auto model = model_of(1, "m");
  model.id = 9;
  EXPECT_EQ(opened->update_provider(row, {}, 1).error().message, "There is no provider 9.");
  EXPECT_EQ(opened->update_provider(row, 1, 1).error().code, errc::not_found);
  EXPECT_EQ(opened->delete_provider(9, {}).error().code, errc::not_found);
  EXPECT_EQ(opened->update_model(model, {}, 1).error().message, "There is no provider model 9.");
  EXPECT_EQ(opened->delete_model(9, {}).error().code, errc::not_found);
}

TEST(Store, DeletesAProviderWithItsModelsButNotItsStatistics) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(opened->insert_provider(sample("x"), 1));
  ASSERT_TRUE(opened->insert_provider(sample("y"), 1));
  ASSERT_TRUE(opened->insert_model(model_of(1, "m"), 1));
  ASSERT_TRUE(opened->insert_model(model_of(2, "m"), 1));
  ASSERT_TRUE(record(*opened, std::vector{exchange("r", "c")}));
  ASSERT_TRUE(opened->delete_provider(1, 1));
  const auto loaded = opened->load_control_plane();
  ASSERT_EQ(loaded->providers.size(), 1u);
  ASSERT_EQ(loaded->models.size(), 1u);
  EXPECT_EQ(loaded->models[0].provider_id, 2);
  expect_totals(*opened, 1, 1, 10, 3);
  EXPECT_EQ(opened->conversation("c")->value().rounds, 1);
}

TEST(Store, NeverUsesAnIdTwice) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(opened->insert_provider(sample("x"), 1));
  ASSERT_TRUE(opened->delete_provider(1, {}));
  EXPECT_EQ(opened->insert_provider(sample("x"), 1)->id, 2);
}

TEST(Store, ChangesAndDeletesModels) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(opened->insert_provider(sample("x"), 1));
  ASSERT_TRUE(opened->insert_provider(sample("y"), 1));
  auto model = *opened->insert_model(model_of(1, "m"), 100);
  model.provider_id = 2;
  model.model_name = "n";
  model.description = "new";
  const auto stored = opened->update_model(model, 1, 200);
  ASSERT_TRUE(stored) << stored.error().detail;
  EXPECT_EQ(stored->version, 2);
  EXPECT_EQ(stored->created_at, 100);
  EXPECT_EQ(stored->updated_at, 200);
  const auto loaded = opened->load_control_plane();
  EXPECT_EQ(loaded->models.at(0).provider_id, 2);
  EXPECT_EQ(loaded->models.at(0).model_name, "n");
  EXPECT_EQ(loaded->models.at(0).description, "new");
  EXPECT_EQ(loaded->models.at(0).version, 2);
  ASSERT_TRUE(opened->delete_model(model.id, 2));
  EXPECT_TRUE(opened->load_control_plane()->models.empty());
}

TEST(Store, NamesTheTakenModelNameAndTheMissingProvider) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(opened->insert_provider(sample("x"), 1));
  ASSERT_TRUE(opened->insert_model(model_of(1, "m"), 1));
  auto second = *opened->insert_model(model_of(1, "n"), 1);
  const auto again = opened->insert_model(model_of(1, "m"), 1);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::conflict);
  EXPECT_EQ(again.error().message, "Provider 1 has a model named 'm' already.");
  EXPECT_EQ(again.error().param, "model_name");
  second.model_name = "m";
  EXPECT_EQ(opened->update_model(second, {}, 1).error().code, errc::conflict);
  second.provider_id = 7;
  const auto moved = opened->update_model(second, {}, 1);
  const auto orphan = opened->insert_model(model_of(7, "m"), 1);
  for (const auto* refused : {&moved, &orphan}) {
    ASSERT_FALSE(*refused);
    EXPECT_EQ(refused->error().code, errc::not_found);
    EXPECT_EQ(refused->error().message, "There is no provider 7.");
    EXPECT_EQ(refused->error().param, "provider_id");
  }
}

TEST(Store, RecordsAnExchangeAsTwoRows) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(record(*opened, std::vector{exchange("r", "c", 1234)}));
  other_program other(folder.path());
  EXPECT_EQ(other.integer("SELECT count(*) FROM chat_stats"), 2);
  EXPECT_EQ(other.integer(
                "SELECT count(*) FROM chat_stats WHERE timestamp = 1234 AND conversation_id = 'c' AND provider_id = 1 "
                "AND model_name = 'm'"),
            2);
  EXPECT_EQ(
      other.integer("SELECT count(*) FROM requests WHERE created_at = 1234 AND request_id = 'r' AND prompt_source = "
                    "'reported' AND outcome = 'delivered' AND stream = 1 AND ttft_ms = 5 AND duration_ms = 50"),
      1);
  EXPECT_EQ(other.integer("SELECT tokens_count FROM chat_stats WHERE is_prompt = 1"), 10);
  EXPECT_EQ(other.integer("SELECT tokens_count FROM chat_stats WHERE is_prompt = 0"), 3);
}

TEST(Store, RecordsTheSameRequestOnce) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  const std::vector rows{exchange("r1", "c"), exchange("r2", "c"), exchange("r1", "c")};
  ASSERT_TRUE(record(*opened, rows));
  ASSERT_TRUE(record(*opened, rows));
  ASSERT_TRUE(record(*opened, {}));
  auto elsewhere = exchange("r1", "another");
  elsewhere.prompt_tokens = 1'000'000;
  ASSERT_TRUE(record(*opened, {elsewhere}));
  expect_totals(*opened, 1, 2, 20, 6);
  EXPECT_FALSE(opened->conversation("another")->has_value());
  expect_consistent(folder.path());
}

TEST(Store, SumsUpConversationsAndTheHub) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(record(*opened, std::vector{exchange("r1", "a", 300), exchange("r2", "b", 100)}));
  ASSERT_TRUE(record(*opened, std::vector{exchange("r3", "a", 200), exchange("r4", "a", 400)}));
  const auto totals = opened->conversation("a")->value();
  EXPECT_EQ(totals.conversation_id, "a");
  EXPECT_EQ(totals.rounds, 3);
  EXPECT_EQ(totals.prompt_tokens, 30);
  EXPECT_EQ(totals.completion_tokens, 9);
  EXPECT_EQ(totals.first_at, 200);
  EXPECT_EQ(totals.last_at, 400);
  EXPECT_FALSE(opened->conversation("unknown")->has_value());
  expect_totals(*opened, 2, 4, 40, 12);
  expect_consistent(folder.path());
}

TEST(Store, StartsWithTotalsOfZero) {
  const temporary_folder folder;
  expect_totals(*open_store(folder.path()), 0, 0, 0, 0);
}

TEST(Store, KeepsAbsurdCountsFromTheTotals) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  auto row = exchange("r1", "c");
  row.prompt_tokens = -5;
  row.completion_tokens = INT64_MAX;
  auto again = row;
  again.request_id = "r2";
  ASSERT_TRUE(record(*opened, std::vector{row, again}));
  expect_totals(*opened, 1, 2, 0, 2'000'000'000'000);
  expect_consistent(folder.path());
}

TEST(Store, RemembersTheNewestHistories) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  const auto note = [&](const std::string& request, const std::string& conversation, int64_t at, uint64_t hash) {
    auto row = exchange(request, conversation, at);
    row.history_hash = hash;
    ASSERT_TRUE(record(*opened, {row}));
  };
  note("r1", "a", 100, 1);
  note("r2", "b", 200, UINT64_MAX);
  note("r3", "never", 250, 0);
  note("r4", "c", 300, 3);
  note("r5", "a", 400, 4);
  note("r6", "a", 350, 5);  // a branch: another answer to what r1 asked
  note("r7", "c", 500, 0);  // failed: the client will send the same history again
  const auto all = opened->recent_history(SIZE_MAX);
  ASSERT_TRUE(all) << all.error().detail;
  std::string found;
  for (const auto& link : *all) found += link.conversation_id + std::to_string(link.history_hash) + " ";
  EXPECT_EQ(found, "a1 b18446744073709551615 c3 a4 a5 ");
  const auto two = opened->recent_history(2);
  ASSERT_EQ(two->size(), 2u);
  EXPECT_EQ(two->at(0).history_hash, 4u);
  EXPECT_TRUE(opened->recent_history(0)->empty());
}

TEST(Store, RecordsNothingWhileAnotherProgramHoldsTheLock) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  const std::vector rows{exchange("r1", "c"), exchange("r2", "c")};
  {
    other_program other(folder.path());
    other.run("BEGIN IMMEDIATE");
    const auto done = record(*opened, rows);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::storage_error);
    EXPECT_EQ(done.error().message, "The database is locked by another program.");
    EXPECT_EQ(opened->insert_provider(sample("x"), 1).error().code, errc::storage_error);
    EXPECT_EQ(opened->delete_provider(1, {}).error().code, errc::storage_error);
    EXPECT_EQ(opened->mark_used().error().code, errc::storage_error);
    expect_totals(*opened, 0, 0, 0, 0);
    other.run("ROLLBACK");
  }
  ASSERT_TRUE(record(*opened, rows));
  expect_totals(*opened, 1, 2, 20, 6);
  expect_consistent(folder.path());
}

TEST(Store, RecordsNothingOfABatchThatFailsMidway) {
  for (const auto* place : {"chat_stats", "conversations"}) {
    const temporary_folder folder;
    const auto opened = open_store(folder.path());
    const std::string trigger = "CREATE TRIGGER poison BEFORE INSERT ON " + std::string(place) +
                                " WHEN NEW.conversation_id = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END";
    other_program(folder.path()).run(trigger.c_str());
    const std::vector rows{exchange("r1", "a"), exchange("r2", "poison"), exchange("r3", "b")};
    EXPECT_FALSE(record(*opened, rows));
    expect_totals(*opened, 0, 0, 0, 0);
    EXPECT_FALSE(opened->conversation("a")->has_value());
    EXPECT_EQ(other_program(folder.path()).integer("SELECT count(*) FROM chat_stats"), 0);
    other_program(folder.path()).run("DROP TRIGGER poison");
    ASSERT_TRUE(record(*opened, rows));
    expect_totals(*opened, 3, 3, 30, 9);
    expect_consistent(folder.path());
  }
}

TEST(Store, RecordsNothingIfTheTotalsCannotMove) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  other_program(folder.path()).run("CREATE TRIGGER t BEFORE UPDATE ON totals BEGIN SELECT RAISE(ABORT, 'no'); END");
  EXPECT_FALSE(record(*opened, std::vector{exchange("r1", "a")}));
  EXPECT_FALSE(opened->conversation("a")->has_value());
}

TEST(Store, ReportsTablesThatAreGone) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  other_program other(folder.path());
  for (const auto* table : {"totals", "conversations", "requests", "provider_models", "service_providers", "meta"}) {
    other.run(("DROP TABLE " + std::string(table)).c_str());
  }
  EXPECT_EQ(opened->totals().error().code, errc::storage_error);
  EXPECT_FALSE(opened->conversation("a"));
  EXPECT_FALSE(opened->recent_history(1));
  EXPECT_FALSE(opened->load_control_plane());
  EXPECT_FALSE(opened->hash_seed());
  EXPECT_FALSE(opened->is_new());
  EXPECT_FALSE(opened->mark_used());
  EXPECT_FALSE(opened->insert_provider(sample("x"), 1));
  EXPECT_FALSE(opened->update_provider(sample("x"), {}, 1));
  EXPECT_FALSE(opened->delete_provider(1, {}));
  EXPECT_FALSE(opened->insert_model(model_of(1, "m"), 1));
  EXPECT_FALSE(opened->update_model(model_of(1, "m"), {}, 1));
  EXPECT_FALSE(record(*opened, std::vector{exchange("r", "c")}));
}

TEST(Store, ChecksItsLogIn) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(record(*opened, std::vector{exchange("r", "c")}));
  const auto before = opened->wal_bytes();
  EXPECT_GT(before, 0);
  opened->checkpoint(false);  // too little to be worth it
  EXPECT_EQ(opened->wal_bytes(), before);
  std::vector<sample_request> rows(256);
  for (int batch = 0; opened->wal_bytes() <= 4 * 1024 * 1024; ++batch) {
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i] = exchange("r" + std::to_string(batch) + "-" + std::to_string(i), "c" + std::to_string(i));
    }
    ASSERT_TRUE(record(*opened, rows));
  }
  opened->checkpoint(false);
  EXPECT_EQ(opened->wal_bytes(), 0);
  EXPECT_GT(std::filesystem::file_size(folder / "nexus-hub.db-wal"), 4u * 1024 * 1024);
  opened->checkpoint(true);
  EXPECT_EQ(std::filesystem::file_size(folder / "nexus-hub.db-wal"), 0u);
  expect_consistent(folder.path());
}

TEST(Store, SurvivesACheckpointThatAReaderHoldsUp) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  other_program reader(folder.path());
  reader.run("BEGIN; SELECT count(*) FROM totals");
  ASSERT_TRUE(record(*opened, std::vector{exchange("r", "c")}));
  opened->checkpoint(true);
  EXPECT_GT(opened->wal_bytes(), 0);
  expect_totals(*opened, 1, 1, 10, 3);
}

}  // namespace
}  // namespace nexus::storage
