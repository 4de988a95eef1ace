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
  snapshot_ptr make() { return make_snapshot(*share(std::move(rows_)), options_, pepper_, 9); }
  const principal* who(const snapshot& made, std::string_view key) {
    const auto found = made.keys.find(storage::keyed_digest(pepper_, key));
    return found == made.keys.end() ? nullptr : found->second.get();
  }
  static std::string ids(const principal* caller, std::string_view model) {
    std::string out;
    const auto* providers = caller != nullptr ? caller->find(model) : nullptr;
    if (providers == nullptr) return "none";
    for (const auto& config : *providers) out += std::to_string(config->row->id) + " ";
    return out;
  }

  Snapshot() { rows_.providers.reserve(16); }
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

TEST_F(Snapshot, GivesAKeyTheSameIdInEverySnapshot) {
  add("alice");
  const auto first = make();
  rows_ = {};
  add("bob");
  add("alice");
  const auto second = make();
  EXPECT_EQ(who(*first, "alice")->id, who(*second, "alice")->id);
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
