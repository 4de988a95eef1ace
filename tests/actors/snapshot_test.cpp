#include "actors/snapshot.hpp"

#include "actors/stats_writer.hpp"
#include "storage/secrets.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

class Snapshot : public testing::Test {
 protected:
  storage::provider& add(const std::string& key = "") {
    storage::provider row;
    row.id = static_cast<int64_t>(rows_.providers.size()) + 1;
    row.name = "p" + std::to_string(row.id);
    row.server_url = "https://api.example/v1";
    row.personalized_key = secret(key);
    rows_.providers.push_back(std::move(row));
    return rows_.providers.back();
  }
  void serve(int64_t provider_id, const std::string& model) {
    storage::provider_model row;
    row.id = static_cast<int64_t>(rows_.models.size()) + 1;
    row.provider_id = provider_id;
    row.model_name = model;
    rows_.models.push_back(row);
  }
  // As the store does it: a row for each text that providers bear.
  snapshot_ptr make() {
    for (const auto& provider : rows_.providers) {
      if (provider.personalized_key.empty()) continue;
      auto& key = key_of(provider.personalized_key.reveal());
      key.origin = storage::key_origin::provider;
      key.providers.push_back(provider.id);
    }
    return make_snapshot(*share(std::move(rows_)), options_, 9);
  }
  storage::api_key& key_of(std::string_view text) {
    const auto digest = digest_of(text);
    for (auto& row : rows_.keys)
      if (row.digest == digest) return row;
    auto& made = rows_.keys.emplace_back();
    made.id = static_cast<int64_t>(rows_.keys.size());
    made.digest = digest;
    return made;
  }
  std::string digest_of(std::string_view text) const { return storage::keyed_digest(pepper_, text); }
  const principal* who(const snapshot& made, std::string_view key) {
    const auto found = made.keys.find(digest_of(key));
    return found == made.keys.end() ? nullptr : found->second.get();
  }
  static std::string ids(const principal* caller, std::string_view model) {
    std::string out;
    const auto* providers = caller != nullptr ? caller->find(model) : nullptr;
    if (providers == nullptr) return "none";
    for (const auto& config : *providers) out += std::to_string(config->row->id) + " ";
    return out;
  }

  Snapshot() {
    rows_.providers.reserve(16);
    rows_.keys.reserve(16);
  }
  storage::control_plane rows_;
  options options_;
  secret pepper_{"pepper"};
};

TEST_F(Snapshot, OfNothingReachesNothing) {
  const auto made = make();
  EXPECT_EQ(made->version, 9U);
  EXPECT_TRUE(made->providers.empty() && made->keys.empty());
  EXPECT_TRUE(made->administrator->routes.empty());
}

TEST_F(Snapshot, GivesAKeyTheProvidersThatBearIt) {
  add("alice");
  add("bob");
  add("alice");
  add("");
  for (const int64_t id : {1, 2, 3, 4}) serve(id, "m");
  serve(3, "n");
  const auto made = make();
  EXPECT_EQ(made->keys.size(), 2U);
  EXPECT_EQ(ids(who(*made, "alice"), "m"), "1 3 ");
  EXPECT_EQ(ids(who(*made, "alice"), "n"), "3 ");
  EXPECT_EQ(ids(who(*made, "bob"), "m"), "2 ");
  EXPECT_EQ(ids(who(*made, "bob"), "n"), "none");
  EXPECT_EQ(ids(who(*made, ""), "m"), "none");
  EXPECT_EQ(ids(made->administrator.get(), "m"), "1 2 3 4 ");
  EXPECT_NE(who(*made, "alice")->id, who(*made, "bob")->id);
  EXPECT_NE(who(*made, "alice")->id, made->administrator->id);
}

TEST_F(Snapshot, GivesAKeyTheIdOfItsRow) {
  key_of("alice").id = 7;
  key_of("bob").id = 9;
  const auto made = make();
  EXPECT_EQ(who(*made, "alice")->id, 7U);
  EXPECT_EQ(who(*made, "alice")->key_id, 7);
  EXPECT_EQ(who(*made, "bob")->key_id, 9);
  EXPECT_EQ(made->administrator->key_id, 0);
  EXPECT_EQ(made->key_rows.size(), 2U);
}

TEST_F(Snapshot, GivesAKeyWithoutGrantsEveryModelOfEveryProvider) {
  add();
  add();
  key_of("alice");
  serve(1, "m");
  serve(2, "m");
  serve(2, "n");
  const auto made = make();
  EXPECT_EQ(ids(who(*made, "alice"), "m"), "1 2 ");
  EXPECT_EQ(ids(who(*made, "alice"), "n"), "2 ");
}

TEST_F(Snapshot, RoutesAKeyToWhatItIsGrantedAlone) {
  add();
  add();
  add();
  auto& key = key_of("alice");
  key.providers = {1, 3};
  key.models = {"gpt-*", "exact"};
  for (const int64_t id : {1, 2, 3})
    for (const auto* model : {"gpt-4o", "exact", "exactly", "claude"}) serve(id, model);
  const auto made = make();
  EXPECT_EQ(ids(who(*made, "alice"), "gpt-4o"), "1 3 ");
  EXPECT_EQ(ids(who(*made, "alice"), "exact"), "1 3 ");
  EXPECT_EQ(ids(who(*made, "alice"), "exactly"), "none");
  EXPECT_EQ(ids(who(*made, "alice"), "claude"), "none");
}

TEST_F(Snapshot, GrantsNothingThroughAProviderThatIsGone) {
  add();
  key_of("alice").providers = {99};
  serve(1, "m");
  EXPECT_EQ(ids(who(*make(), "alice"), "m"), "none");
}

TEST_F(Snapshot, KeepsTheConditionsOfAKey) {
  auto& key = key_of("alice");
  key.enabled = false;
  key.expires_at = 5'000;
  key.addresses = {"10.0.0.0/8"};
  key.limits.requests_per_minute = 3;
  const auto made = make();
  const auto* alice = who(*made, "alice");
  ASSERT_NE(alice, nullptr);
  EXPECT_FALSE(alice->terms->enabled);
  EXPECT_EQ(alice->terms->expires_at, 5'000);
  EXPECT_EQ(alice->terms->addresses.size(), 1U);
  EXPECT_EQ(alice->limits.requests_per_minute, 3);
}

TEST_F(Snapshot, LetsNobodyUseAKeyWhoseAddressesCannotBeRead) {
  key_of("alice").addresses = {"nonsense"};
  EXPECT_FALSE(who(*make(), "alice")->terms->enabled);
}

TEST_F(Snapshot, KnowsAFormerTextUntilItsGraceEnds) {
  auto& key = key_of("new");
  key.former_digest = digest_of("old");
  key.former_until = 9'000;
  add();
  serve(1, "m");
  auto made = make();
  ASSERT_NE(who(*made, "old"), nullptr);
  EXPECT_EQ(who(*made, "old")->key_id, who(*made, "new")->key_id);
  EXPECT_EQ(who(*made, "old")->terms->expires_at, 9'000);
  EXPECT_EQ(who(*made, "new")->terms->expires_at, 0);
  EXPECT_EQ(ids(who(*made, "old"), "m"), "1 ");
  rows_ = {};
  auto& sooner = key_of("new");
  sooner.former_digest = digest_of("old");
  sooner.former_until = 9'000;
  sooner.expires_at = 4'000;
  made = make();
  EXPECT_EQ(who(*made, "old")->terms->expires_at, 4'000);
}

TEST_F(Snapshot, SortsByPriorityAndThenById) {
  add().priority = 5;
  add().priority = -1;
  add().priority = 5;
  add().priority = 0;
  for (const int64_t id : {1, 2, 3, 4}) serve(id, "m");
  EXPECT_EQ(ids(make()->administrator.get(), "m"), "2 4 1 3 ");
}

TEST_F(Snapshot, KnowsTheKeyOfADisabledProviderButRoutesNothingToIt) {
  add("alice").enabled = false;
  serve(1, "m");
  const auto made = make();
  ASSERT_NE(who(*made, "alice"), nullptr);
  EXPECT_EQ(ids(who(*made, "alice"), "m"), "none");
  EXPECT_EQ(ids(made->administrator.get(), "m"), "none");
  EXPECT_FALSE(made->providers.at(1)->usable);
  EXPECT_EQ(made->providers.at(1)->models.size(), 1U);
}

TEST_F(Snapshot, RoutesNothingToAMisconfiguredProvider) {
  add("alice").server_url = "ftp://nowhere";
  add("alice");
  serve(1, "m");
  serve(2, "m");
  const auto made = make();
  EXPECT_FALSE(made->providers.at(1)->usable);
  EXPECT_EQ(ids(who(*made, "alice"), "m"), "2 ");
}

TEST_F(Snapshot, NeedsNoUrlForTheDemo) {
  auto& row = add("alice");
  row.kind = "demo";
  row.server_url.clear();
  serve(1, "m");
  const auto made = make();
  EXPECT_TRUE(made->providers.at(1)->is_demo() && made->providers.at(1)->usable);
  EXPECT_EQ(ids(who(*made, "alice"), "m"), "1 ");
}

TEST_F(Snapshot, PreparesWhatACallNeeds) {
  options_.upstream.idle_timeout = milliseconds(77);
  auto& row = add();
  row.timeouts = R"({"head": 5})";
  row.headers = R"({"X-Team": "blue"})";
  const auto made = make();
  const auto& config = *made->providers.at(1);
  EXPECT_TRUE(config.chat.tls);
  EXPECT_EQ(config.chat.host, "api.example");
  EXPECT_EQ(config.chat.path, "/v1/chat/completions");
  EXPECT_EQ(config.timeouts.head_timeout, milliseconds(5));
  EXPECT_EQ(config.timeouts.idle_timeout, milliseconds(77));
  EXPECT_EQ(config.headers, (net::header_list{{"x-team", "blue"}}));
}

TEST_F(Snapshot, FallsBackToTheDefaultsForBrokenColumns) {
  auto& row = add();
  row.timeouts = "oops";
  row.headers = "[]";
  serve(1, "m");
  const auto made = make();
  EXPECT_TRUE(made->providers.at(1)->usable);
  EXPECT_TRUE(made->providers.at(1)->timeouts == options_.upstream);
  EXPECT_TRUE(made->providers.at(1)->headers.empty());
}

TEST(ProviderHeaders, AreAnObjectOfStrings) {
  EXPECT_EQ(*parse_provider_headers("{}"), net::header_list());
  EXPECT_EQ(*parse_provider_headers(R"({"OpenAI-Organization":"org 1","x_b":"2"})"),
            (net::header_list{{"openai-organization", "org 1"}, {"x_b", "2"}}));
  for (const auto* text : {"", "[]", "1", "{", R"({"a":1})", R"({"a":null})", R"({"a":""})", R"({"a":"b\r\nc: d"})",
                           R"({"":"x"})", R"({"a b":"x"})", R"({"a:":"x"})", R"({"é":"x"})"}) {
    const auto refused = parse_provider_headers(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, errc::invalid_request);
  }
}

TEST(ProviderHeaders, AreNotThoseThatTheHubSetsItself) {
  for (const auto* name : {"host", "Content-Length", "content-type", "Transfer-Encoding", "connection", "Upgrade",
                           "Authorization", "accept", "accept-encoding", "expect", "TE", "trailer"})
    EXPECT_FALSE(parse_provider_headers("{\"" + std::string(name) + "\":\"x\"}")) << name;
  EXPECT_FALSE(parse_provider_headers("{\"" + std::string(65, 'x') + "\":\"x\"}"));
}

TEST(ProviderTimeouts, ReplaceTheDefaultsTheyName) {
  upstream_options defaults;
  const auto made =
      parse_provider_timeouts(R"({"connect":1,"head":2,"first_token":3,"idle":4,"total":86400000})", defaults);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->connect_timeout, milliseconds(1));
  EXPECT_EQ(made->head_timeout, milliseconds(2));
  EXPECT_EQ(made->first_token_timeout, milliseconds(3));
  EXPECT_EQ(made->idle_timeout, milliseconds(4));
  EXPECT_EQ(made->total_timeout, milliseconds(86'400'000));
  EXPECT_TRUE(*parse_provider_timeouts("{}", defaults) == defaults);
}

TEST(ProviderTimeouts, RefuseWhatIsNoTime) {
  for (const auto* text : {"", "[]", R"({"connect":0})", R"({"connect":-1})", R"({"connect":1.5})",
                           R"({"connect":"1"})", R"({"total":86400001})", R"({"retries":1})", R"({"connect":null})"})
    EXPECT_FALSE(parse_provider_timeouts(text, {})) << text;
}

}  // namespace
}  // namespace nexus
