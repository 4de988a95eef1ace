#include "storage/secrets.hpp"
#include "store_samples.hpp"

#include <algorithm>

namespace nexus::storage {
namespace {

class Keys : public testing::Test {
 protected:
  std::vector<api_key> keys() { return std::move(store_->load_control_plane()->keys); }
  std::optional<api_key> of(std::string_view text) {
    const auto digest = keyed_digest(store_->pepper(), text);
    for (auto& row : keys())
      if (row.digest == digest) return row;
    return std::nullopt;
  }
  provider add(const std::string& name, const std::string& key) {
    auto row = sample(name);
    row.personalized_key = secret(key);
    return *store_->insert_provider(row, 1);
  }
  void rename_key(provider& row, const std::string& key) {
    row.personalized_key = secret(key);
    const auto done = store_->update_provider(row, {}, 2);
    ASSERT_TRUE(done) << done.error().message;
  }
  static api_key hub_key(const std::string& digest) {
    api_key row;
    row.name = "laptop";
    row.digest = digest;
    row.masked = "nxh_u_…3f9a";
    row.providers = {1, 2};
    row.models = {"gpt-*", "quoted \"name\""};
    row.addresses = {"10.0.0.0/8"};
    row.expires_at = 99;
    row.limits = {.requests_per_minute = 1,
                  .tokens_per_minute = 2,
                  .concurrent_requests = 3,
                  .budget = budget{budget_unit::money, 4, budget_period::week, "Europe/Berlin"},
                  .on_leave = leave_policy::finish,
                  .drain_time = std::chrono::seconds(5),
                  .drain_tokens = 6,
                  .drain_money = 7};
    return row;
  }
  void reopen() {
    store_.reset();
    store_ = open_store(folder_.path());
  }

  temporary_folder folder_;
  std::unique_ptr<store> store_ = open_store(folder_.path());
};

TEST_F(Keys, ComeBackAsTheyWereStored) {
  const auto made = store_->insert_key(hub_key("d"), 10);
  ASSERT_TRUE(made) << made.error().message;
  reopen();
  const auto found = keys();
  ASSERT_EQ(found.size(), 1U);
  const auto& row = found[0];
  EXPECT_EQ(row.id, made->id);
  EXPECT_EQ(row.origin, key_origin::hub);
  EXPECT_EQ(row.name, "laptop");
  EXPECT_EQ(row.masked, "nxh_u_…3f9a");
  EXPECT_EQ(row.providers, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(row.models, hub_key("d").models);
  EXPECT_EQ(row.addresses, hub_key("d").addresses);
  EXPECT_EQ(row.expires_at, 99);
  EXPECT_EQ(row.limits.requests_per_minute, 1);
  EXPECT_EQ(row.limits.tokens_per_minute, 2);
  EXPECT_EQ(row.limits.concurrent_requests, 3);
  ASSERT_TRUE(row.limits.budget);
  EXPECT_EQ(row.limits.budget->unit, budget_unit::money);
  EXPECT_EQ(row.limits.budget->amount, 4);
  EXPECT_EQ(row.limits.budget->period, budget_period::week);
  EXPECT_EQ(row.limits.budget->time_zone, "Europe/Berlin");
  EXPECT_EQ(row.limits.on_leave, leave_policy::finish);
  EXPECT_EQ(row.limits.drain_time, std::chrono::seconds(5));
  EXPECT_EQ(row.limits.drain_tokens, 6);
  EXPECT_EQ(row.limits.drain_money, 7);
  EXPECT_EQ(row.created_at, 10);
  EXPECT_EQ(row.version, 1);
}

TEST_F(Keys, WithoutABudgetHaveNone) {
  api_key row;
  row.digest = "d";
  ASSERT_TRUE(store_->insert_key(row, 1));
  EXPECT_FALSE(keys()[0].limits.budget);
}

TEST_F(Keys, AreChangedUnderTheirVersion) {
  auto row = *store_->insert_key(hub_key("d"), 10);
  row.name = "desktop";
  EXPECT_EQ(store_->update_key(row, 9, 11).error().code, errc::precondition_failed);
  const auto changed = store_->update_key(row, 1, 11);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->version, 2);
  EXPECT_EQ(changed->created_at, 10);
  EXPECT_EQ(changed->updated_at, 11);
  EXPECT_EQ(keys()[0].name, "desktop");
  EXPECT_EQ(store_->delete_key(row.id, 1).error().code, errc::precondition_failed);
  EXPECT_TRUE(store_->delete_key(row.id, 2));
  EXPECT_TRUE(keys().empty());
  EXPECT_EQ(store_->update_key(row, {}, 12).error().code, errc::not_found);
  EXPECT_EQ(store_->delete_key(row.id, {}).error().code, errc::not_found);
}

TEST_F(Keys, OfOneDigestAreOne) {
  ASSERT_TRUE(store_->insert_key(hub_key("d"), 1));
  EXPECT_EQ(store_->insert_key(hub_key("d"), 2).error().code, errc::conflict);
}

TEST_F(Keys, RememberTheirLatestUse) {
  auto row = *store_->insert_key(hub_key("d"), 1);
  ASSERT_TRUE(store_->touch_key(row.id, 50));
  ASSERT_TRUE(store_->touch_key(row.id, 40));
  EXPECT_EQ(keys()[0].last_used_at, 50);
  ASSERT_TRUE(store_->update_key(row, {}, 60));  // made from a row that knew of no use
  EXPECT_EQ(keys()[0].last_used_at, 50);
}

TEST_F(Keys, BroughtAlongComeAndGoWithTheirProviders) {
  auto one = add("one", "pk-shared");
  auto two = add("two", "pk-shared");
  add("three", "");
  ASSERT_EQ(keys().size(), 1U);
  EXPECT_EQ(of("pk-shared")->origin, key_origin::provider);
  EXPECT_EQ(of("pk-shared")->providers, (std::vector<int64_t>{one.id, two.id}));
  EXPECT_EQ(of("pk-shared")->name, "one");
  ASSERT_TRUE(store_->delete_provider(one.id, {}));
  EXPECT_EQ(of("pk-shared")->providers, (std::vector<int64_t>{two.id}));
  rename_key(two, "");
  EXPECT_TRUE(keys().empty());
  rename_key(two, "pk-other");
  EXPECT_TRUE(of("pk-other"));
  ASSERT_TRUE(store_->delete_provider(two.id, {}));
  EXPECT_TRUE(keys().empty());
}

TEST_F(Keys, BroughtAlongKeepTheirLimitsWhenTheirOnlyBearerChangesTheText) {
  auto one = add("one", "pk-first");
  auto row = *of("pk-first");
  row.limits.requests_per_minute = 7;
  ASSERT_TRUE(store_->update_key(row, {}, 2));
  rename_key(one, "pk-second");
  EXPECT_FALSE(of("pk-first"));
  ASSERT_TRUE(of("pk-second"));
  EXPECT_EQ(of("pk-second")->id, row.id);
  EXPECT_EQ(of("pk-second")->limits.requests_per_minute, 7);
}

TEST_F(Keys, BroughtAlongPartWhenOneOfTwoBearersChangesTheText) {
  auto one = add("one", "pk-shared");
  const auto two = add("two", "pk-shared");
  const auto shared = of("pk-shared")->id;
  rename_key(one, "pk-own");
  EXPECT_EQ(of("pk-shared")->id, shared);
  EXPECT_EQ(of("pk-shared")->providers, (std::vector<int64_t>{two.id}));
  EXPECT_EQ(of("pk-own")->providers, (std::vector<int64_t>{one.id}));
  rename_key(one, "pk-shared");
  EXPECT_EQ(keys().size(), 1U);
  EXPECT_EQ(of("pk-shared")->providers, (std::vector<int64_t>{one.id, two.id}));
}

TEST_F(Keys, BroughtAlongAreNotDeletedAndKeepTheirOrigin) {
  add("one", "pk");
  auto row = *of("pk");
  EXPECT_EQ(store_->delete_key(row.id, {}).error().code, errc::conflict);
  row.origin = key_origin::hub;
  row.providers = {5};
  ASSERT_TRUE(store_->update_key(row, {}, 2));
  EXPECT_EQ(of("pk")->origin, key_origin::provider);
  EXPECT_EQ(of("pk")->providers, (std::vector<int64_t>{1}));
}

TEST_F(Keys, OfTheHubCannotBeBroughtAlong) {
  auto row = hub_key(keyed_digest(store_->pepper(), "nxh"));
  row.former_digest = keyed_digest(store_->pepper(), "former");
  ASSERT_TRUE(store_->insert_key(row, 1));
  for (const auto* text : {"nxh", "former"}) {
    auto provider = sample("p");
    provider.personalized_key = secret(text);
    const auto refused = store_->insert_provider(provider, 2);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::conflict);
    EXPECT_EQ(refused.error().param, "personalized_key");
  }
  EXPECT_TRUE(store_->load_control_plane()->providers.empty());
}

TEST_F(Keys, OfAStoreFromBeforeAreAdopted) {
  add("one", "pk-a");
  add("two", "pk-b");
  store_.reset();
  {
    other_program other(folder_.path());
    other.run("DELETE FROM provider_keys");
    other.run("DELETE FROM api_keys");
  }
  store_ = open_store(folder_.path());
  EXPECT_EQ(of("pk-a")->name, "one");
  EXPECT_EQ(of("pk-b")->name, "two");
}

TEST_F(Keys, WithDamagedGrantsAreRefused) {
  ASSERT_TRUE(store_->insert_key(hub_key("d"), 1));
  for (const auto* column : {"providers", "models", "addresses"}) {
    store_.reset();
    other_program(folder_.path()).run(("UPDATE api_keys SET " + std::string(column) + " = '{'").c_str());
    store_ = open_store(folder_.path());
    const auto refused = store_->load_control_plane();
    ASSERT_FALSE(refused) << column;
    EXPECT_EQ(refused.error().code, errc::storage_error);
    store_.reset();
    other_program(folder_.path()).run(("UPDATE api_keys SET " + std::string(column) + " = '[]'").c_str());
    store_ = open_store(folder_.path());
  }
}

TEST_F(Keys, LeaveNoTextInTheFile) {
  add("one", "pk-PLANTED-text");
  store_.reset();
  other_program other(folder_.path());
  EXPECT_EQ(other.integer("SELECT count(*) FROM api_keys WHERE instr(masked || name, 'PLANTED') > 0"), 0);
}

// --- The master key's rotation.

class Rotation : public Keys {};

TEST_F(Rotation, SealsEveryRowUnderTheActiveKeyAndKeepsThePepper) {
  for (int i = 0; i < 5; ++i) add("p" + std::to_string(i), "pk-" + std::to_string(i));
  const std::string pepper(store_->pepper().reveal());
  store_->use_master_key(store_->master().with_fresh_key(1));
  EXPECT_EQ(store_->finish_rotation().error().code, errc::conflict);
  EXPECT_EQ(*store_->reseal(2), 3);
  EXPECT_EQ(*store_->reseal(2), 1);
  add("new", "pk-new");  // sealed under the active key at once
  EXPECT_EQ(*store_->reseal(2), 0);
  EXPECT_EQ(*store_->reseal(2), 0);
  ASSERT_TRUE(store_->finish_rotation());
  const auto active = store_->master().active_only();
  store_.reset();
  EXPECT_NE(refusal(folder_.path()), "");  // the former key alone
  auto opened = store::open(folder_.path(), quick, active.duplicate());
  ASSERT_TRUE(opened) << opened.error().message;
  store_ = std::move(*opened);
  EXPECT_EQ(store_->pepper().reveal(), pepper);
  EXPECT_EQ(store_->load_control_plane()->providers[0].server_key.reveal(), "sk-server-0123456789");
  EXPECT_TRUE(of("pk-4"));
}

TEST_F(Rotation, GoesOnAfterARestart) {
  for (int i = 0; i < 5; ++i) add("p" + std::to_string(i), "pk-" + std::to_string(i));
  const auto ring = store_->master().with_fresh_key(1);
  store_->use_master_key(ring.duplicate());
  EXPECT_EQ(*store_->reseal(2), 3);
  store_.reset();
  auto opened = store::open(folder_.path(), quick, ring.duplicate());
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->load_control_plane()->providers.size(), 5U);
  EXPECT_EQ(*(*opened)->reseal(100), 0);
}

TEST_F(Rotation, StopsAtASecretThatDoesNotOpen) {
  add("p", "pk");
  store_.reset();
  other_program(folder_.path()).run("UPDATE service_providers SET server_key = x'0102030405'");
  store_ = open_store(folder_.path());
  store_->use_master_key(store_->master().with_fresh_key(1));
  EXPECT_EQ(store_->reseal(10).error().code, errc::storage_error);
  EXPECT_EQ(store_->finish_rotation().error().code, errc::conflict);
}

}  // namespace
}  // namespace nexus::storage
