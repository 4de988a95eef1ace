#include "actors/chat_call.hpp"

#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

call_origin from(std::string conversation_id = {}, std::optional<int64_t> provider_id = {}) {
  call_origin origin;
  origin.conversation_id = std::move(conversation_id);
  origin.provider_id = provider_id;
  return origin;
}

class MakeCall : public actor_fixture {
 protected:
  result<call_ptr> make(const std::string& body, call_origin origin = {}) {
    origin.request_id = "r";
    origin.label = "l";
    origin.output_tokens_default = 100;
    auto parsed = parse_call(hub_, principal_, body, std::move(origin));
    if (!parsed) return parsed.error();
    return admit_call(hub_, std::move(*parsed), body, {make_model_counting("m"), {6, true}}, report_);
  }
  errc code(const std::string& body, call_origin origin = {}) {
    const auto made = make(body, std::move(origin));
    EXPECT_FALSE(made) << body;
    return made ? errc::internal : made.error().code;
  }
  // A key of its own, with limits.
  void limit(storage::key_limits limits, token_prices prices = {}) {
    auto made = std::make_shared<principal>(*reaching({with_model(1, {}), with_model(2, prices)}));
    made->key_id = 5;
    made->limits = std::move(limits);
    principal_ = made;
  }
  static provider_ptr with_model(int64_t id, token_prices prices) {
    auto model = std::make_shared<storage::provider_model>(storage::model_of(id, "m"));
    model->prices = prices;
    auto config = std::make_shared<provider_config>(*make_config(id));
    config->by_name.emplace("m", model);
    return config;
  }
  key_account::balance balance() { return hub_.ledger.accounts().account(5)->look(0); }
  principal_ptr principal_ = reaching({make_config(1), make_config(2)});
  limit_report report_;
};

const std::string plain = R"({"model":"m","messages":[{"role":"user","content":"12345678"}]})";

TEST_F(MakeCall, TakesOverWhatTheRequestSays) {
  auto origin = from("", 2);
  origin.received_at = 5;
  origin.answer_bytes_max = 6;
  const auto made = make(plain, origin);
  ASSERT_TRUE(made);
  const auto& call = **made;
  EXPECT_EQ(call.request_id + call.label + call.model, "rlm");
  EXPECT_EQ(call.body, plain);
  EXPECT_EQ(call.provider_id, 2);
  EXPECT_EQ(call.received_at, 5);
  EXPECT_EQ(call.settings.answer_bytes_max, 6U);
  EXPECT_FALSE(call.settings.stream);
  EXPECT_EQ(call.prompt_tokens, 6);
  EXPECT_TRUE(call.is_exact);
  EXPECT_EQ(call.principal, principal_);
  EXPECT_TRUE(call.conversation_id.starts_with("conv_"));
}

TEST_F(MakeCall, StandsInTheLedgerAndIsSettledWhenNobodyDidIt) {
  auto made = make(plain);
  ASSERT_TRUE(made);
  EXPECT_EQ(hub_.ledger.journal().in_use(), 1U);
  EXPECT_TRUE(hub_.ledger.take().empty());
  made->reset();
  const auto settled = hub_.ledger.take();
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0]->request_id.view(), "r");
  EXPECT_EQ(settled[0]->outcome, storage::outcome::rejected);
  EXPECT_EQ(settled[0]->charged, token_counts());
}

TEST_F(MakeCall, RefusesWithoutAPlaceAndSaysWhenToReturn) {
  while (hub_.ledger.journal().claim() != nullptr) {
  }
  const auto made = make(plain);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::overloaded);
  EXPECT_EQ(made.error().retry_after, std::chrono::seconds(1));
}

TEST_F(MakeCall, ReservesPromptAndOutputOfTheDearestProvider) {
  limit({.budget = storage::budget{.unit = storage::budget_unit::money, .amount = 1'000'000}},
        {.input = 1'000'000, .output = 10'000'000});
  auto made = make(R"({"model":"m","n":2,"max_tokens":7,"messages":[{"role":"user","content":"12345678"}]})");
  ASSERT_TRUE(made);
  EXPECT_EQ(balance().reserved_tokens, 6 + 14);
  EXPECT_EQ(balance().reserved_cost, 6 + 140);
  EXPECT_EQ(balance().running, 1);
  made->reset();
  EXPECT_EQ(balance().reserved_tokens, 0);
  EXPECT_EQ(balance().running, 0);
}

TEST_F(MakeCall, BoundsAWholeAnswerOnABudgetThatSetsNoBound) {
  limit({.budget = storage::budget{.amount = 1'000}});
  const auto whole = make(plain);
  EXPECT_EQ((*whole)->body, R"({"max_tokens":100,"model":"m","messages":[{"role":"user","content":"12345678"}]})");
  const auto stream = make(R"({"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ((*stream)->body.find("max_tokens"), std::string::npos) << "it can be cut";
  limit({});
  EXPECT_EQ((*make(plain))->body, plain);
}

TEST_F(MakeCall, RefusesWhatTheBudgetDoesNotCover) {
  limit({.budget = storage::budget{.amount = 105}});
  const auto refused = make(plain);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::insufficient_quota);
  EXPECT_EQ(hub_.ledger.journal().in_use(), 0U);
  EXPECT_EQ(balance().reserved_tokens, 0);
}

TEST_F(MakeCall, GivesTheReservationBackIfTheJournalIsFull) {
  limit({.concurrent_requests = 1});
  while (hub_.ledger.journal().claim() != nullptr) {
  }
  EXPECT_EQ(code(plain), errc::overloaded);
  EXPECT_EQ(code(plain), errc::overloaded) << "not: too many at once";
  EXPECT_EQ(balance().reserved_tokens, 0);
}

TEST_F(MakeCall, SaysHowTheLimitsStand) {
  limit({.requests_per_minute = 2, .tokens_per_minute = 1'000});
  ASSERT_TRUE(make(plain));
  EXPECT_EQ(report_.requests->limit, 2);
  EXPECT_EQ(report_.requests->remaining, 1);
  EXPECT_EQ(report_.tokens->remaining, 1'000 - 106);
}

TEST_F(MakeCall, RefusesWhatCannotBeRouted) {
  EXPECT_EQ(code("oops"), errc::invalid_request);
  EXPECT_EQ(code(R"({"model":"other","messages":[{"role":"user","content":"x"}]})"), errc::model_not_found);
  EXPECT_EQ(code(plain, from("", 3)), errc::model_not_found);
  EXPECT_EQ(code(plain, from("two words")), errc::invalid_request);
  EXPECT_EQ(hub_.ledger.journal().in_use(), 0U);
}

TEST_F(MakeCall, KeepsTheConversationThatTheCallerNames) {
  const auto made = make(plain, from("mine"));
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->conversation_id, "mine");
}

TEST_F(MakeCall, RecognisesAConversationByTheHistoryThatIsResent) {
  const auto first = make(plain);
  ASSERT_TRUE(first);
  net::history_hasher answer((*first)->settings.history_seed, (*first)->settings.history_hash);
  answer.role("assistant");
  answer.text("Hello");
  hub_.conversations.remember(answer.value(), "known");
  const std::string next = R"({"model":"m","messages":[{"role":"user","content":"12345678"},)"
                           R"({"role":"assistant","content":"Hello"},{"role":"user","content":"On"}]})";
  const auto second = make(next);
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->conversation_id, "known");
  auto stranger = std::make_shared<principal>(*principal_);
  stranger->id = 8;  // the same words of somebody else
  principal_ = stranger;
  const auto other = make(next);
  ASSERT_TRUE(other);
  EXPECT_NE((*other)->conversation_id, "known");
}

TEST_F(MakeCall, AlwaysAsksTheUpstreamOfAStreamForItsUsage) {
  auto origin = from();
  origin.mode = net::delivery::deltas;
  const auto made = make(R"({"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]})", origin);
  EXPECT_TRUE((*made)->settings.stream);
  EXPECT_FALSE((*made)->settings.include_usage);
  EXPECT_EQ((*made)->settings.mode, net::delivery::deltas);
  EXPECT_NE((*made)->body.find("\"include_usage\":true"), std::string::npos) << (*made)->body;
}

}  // namespace
}  // namespace nexus
