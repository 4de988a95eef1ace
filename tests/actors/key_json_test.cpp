#include "actors/key_json.hpp"

#include "actors/audit.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

result<storage::key_limits> limits_of(std::string_view text) {
  storage::key_limits limits;
  const auto parsed = json::parse(text);
  if (auto read = read_limits(*parsed, limits); !read) return read.error();
  return limits;
}

TEST(KeyLimits, OfAnEmptyObjectAreNone) {
  const auto limits = limits_of("{}");
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->requests_per_minute, 0);
  EXPECT_FALSE(limits->budget);
}

TEST(KeyLimits, ReplaceEveryFormerOne) {
  storage::key_limits limits{.requests_per_minute = 5,
                             .tokens_per_minute = 6,
                             .concurrent_requests = 7,
                             .budget = storage::budget{},
                             .drain_tokens = 8};
  ASSERT_TRUE(read_limits(*json::parse(R"({"tokens_per_minute":9})"), limits));
  EXPECT_EQ(limits.requests_per_minute, 0);
  EXPECT_EQ(limits.tokens_per_minute, 9);
  EXPECT_EQ(limits.concurrent_requests, 0);
  EXPECT_FALSE(limits.budget);
  EXPECT_EQ(limits.drain_tokens, 8);  // not of `limits`
}

TEST(KeyLimits, NameTheFieldThatIsWrong) {
  for (const auto& [text, param] : std::initializer_list<std::pair<const char*, const char*>>{
           {"[]", "limits"},
           {R"({"requests_per_minute":0})", "limits.requests_per_minute"},
           {R"({"budget":{"unit":"tokens"}})", "limits.budget.amount"},
           {R"({"budget":{"amount":5}})", "limits.budget.unit"},
           {R"({"budget":{"unit":"money","amount":5}})", "limits.budget.amount"},
           {R"({"budget":{"unit":"tokens","amount":5,"time_zone":5}})", "limits.budget.time_zone"},
           {R"({"more":1})", "limits.more"}}) {
    const auto refused = limits_of(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, errc::invalid_request);
    EXPECT_EQ(refused.error().param, param) << text;
  }
}

TEST(LeavePolicy, IsReadWithItsBounds) {
  storage::key_limits limits{.requests_per_minute = 5};
  ASSERT_TRUE(read_leave_policy(*json::parse(R"({"policy":"drain","seconds":9,"tokens":5,"money":"0.5"})"), limits));
  EXPECT_EQ(limits.on_leave, storage::leave_policy::drain);
  EXPECT_EQ(limits.drain_time, std::chrono::seconds(9));
  EXPECT_EQ(limits.drain_tokens, 5);
  EXPECT_EQ(limits.drain_money, 500'000'000);
  EXPECT_EQ(limits.requests_per_minute, 5);
  ASSERT_TRUE(read_leave_policy(*json::parse("{}"), limits));
  EXPECT_EQ(limits.on_leave, storage::leave_policy::cancel);
  EXPECT_EQ(limits.drain_time, std::chrono::seconds(30));
}

TEST(KeyTerms, AreWrittenAsTheyAreRead) {
  storage::api_key row;
  row.name = "laptop";
  row.limits.budget =
      storage::budget{storage::budget_unit::money, 12'500'000'000, storage::budget_period::month, "UTC"};
  row.limits.concurrent_requests = 4;
  json::writer out;
  out.object();
  write_key_terms(out, row);
  out.end_object();
  const auto written = json::parse(out.text());
  ASSERT_TRUE(written);
  storage::key_limits again;
  ASSERT_TRUE(read_limits(*json::find(*written, "limits"), again));
  EXPECT_EQ(again.budget->amount, 12'500'000'000);
  EXPECT_EQ(again.budget->period, storage::budget_period::month);
  EXPECT_EQ(again.concurrent_requests, 4);
  ASSERT_TRUE(read_leave_policy(*json::find(*written, "on_client_leave"), again));
}

TEST(Audit, SaysWhoAndWhatWithoutSecrets) {
  const auto by = std::make_shared<const change_origin>(change_origin{"administrator anna", "192.0.2.7", "req_1"});
  storage::provider before;
  before.name = "acme";
  before.server_key = secret("sk-PLANTED-server-key");
  before.headers = R"({"x-extra":"PLANTED-header"})";
  auto after = before.duplicate();
  after.enabled = false;
  const auto entry = audit_update(by, before, after);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->actor, "administrator anna");
  EXPECT_EQ(entry->address, "192.0.2.7");
  EXPECT_EQ(entry->request_id, "req_1");
  EXPECT_EQ(entry->action, "update");
  EXPECT_EQ(entry->resource, "provider");
  EXPECT_EQ((entry->before + entry->after).find("PLANTED"), std::string::npos);
  EXPECT_NE(entry->before.find(R"("enabled":true)"), std::string::npos);
  EXPECT_NE(entry->after.find(R"("enabled":false)"), std::string::npos);
  EXPECT_TRUE(json::parse(entry->before) && json::parse(entry->after));
  EXPECT_TRUE(audit_creation(by, after)->before.empty());
  EXPECT_TRUE(audit_removal(by, after)->after.empty());
  EXPECT_EQ(audit_rotation(by, storage::api_key(), storage::api_key())->action, "rotate");
  EXPECT_FALSE(audit_update(nullptr, before, after));
  EXPECT_FALSE(audit_rotation(nullptr, storage::api_key(), storage::api_key()));
}

TEST(Audit, ShowsNoPasswordOfAnAdministrator) {
  storage::administrator row;
  row.name = "anna";
  row.password = "$argon2id$PLANTED";
  EXPECT_EQ(describe_row(row), R"({"name":"anna","role":"administrator"})");
}

}  // namespace
}  // namespace nexus
