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
    return nexus::make_call(hub_, principal_, body, std::move(origin));
  }
  errc code(const std::string& body, call_origin origin = {}) {
    const auto made = make(body, std::move(origin));
    EXPECT_FALSE(made) << body;
    return made ? errc::internal : made.error().code;
  }
  principal_ptr principal_ = reaching({make_config(1), make_config(2)});
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
  EXPECT_EQ(call.prompt_estimate, 6);  // 8 characters, and what a message costs
  EXPECT_EQ(call.principal, principal_);
  EXPECT_TRUE(call.conversation_id.starts_with("conv_"));
}

TEST_F(MakeCall, HoldsACreditAsLongAsItLives) {
  auto made = make(plain);
  ASSERT_TRUE(made);
  EXPECT_EQ(hub_.credits.taken(), 1U);
  made->reset();
  EXPECT_EQ(hub_.credits.taken(), 0U);
}

TEST_F(MakeCall, RefusesWithoutACreditAndSaysWhenToReturn) {
  std::vector<std::shared_ptr<const stats_credit>> taken;
  while (auto credit = hub_.credits.take()) taken.push_back(std::move(credit));
  const auto made = make(plain);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::overloaded);
  EXPECT_EQ(made.error().retry_after, std::chrono::seconds(1));
}

TEST_F(MakeCall, RefusesWhatCannotBeRouted) {
  EXPECT_EQ(code("oops"), errc::invalid_request);
  EXPECT_EQ(code(R"({"model":"other","messages":[{"role":"user","content":"x"}]})"), errc::model_not_found);
  EXPECT_EQ(code(plain, from("", 3)), errc::model_not_found);
  EXPECT_EQ(code(plain, from("two words")), errc::invalid_request);
  EXPECT_EQ(hub_.credits.taken(), 0U);
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
