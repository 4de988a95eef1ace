#include "actors/chat_frames.hpp"

#include "conf/json.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

client_frame read(std::string_view text) {
  std::string id;
  auto frame = read_client_frame(text, id);
  EXPECT_TRUE(frame) << text;
  if (!frame) return {};
  EXPECT_EQ(id, frame->id);
  return *frame;
}

struct refused {
  std::string param, id, message;
};
refused refuse(std::string_view text) {
  std::string id = "left over";
  const auto frame = read_client_frame(text, id);
  EXPECT_FALSE(frame) << text;
  if (frame) return {};
  EXPECT_EQ(frame.error().code, errc::invalid_request) << text;
  EXPECT_FALSE(frame.error().message.empty());
  return {frame.error().param, id, frame.error().message};
}

TEST(ClientFrame, StartsAChat) {
  const auto frame = read(R"({"type":"chat","id":"a","model":"org/m","messages":[{"role":"user","content":"x"}],
    "provider_id":7,"conversation_id":"c","params":{"temperature":0.5}})");
  EXPECT_EQ(frame.what, client_frame::kind::chat);
  EXPECT_EQ(frame.id + frame.model + frame.conversation_id, "aorg/mc");
  EXPECT_EQ(frame.messages, R"([{"role":"user","content":"x"}])");
  EXPECT_EQ(frame.params, R"({"temperature":0.5})");
  EXPECT_EQ(frame.provider_id, 7);
}

TEST(ClientFrame, LeavesOutWhatIsNull) {
  const auto frame = read(
      R"({"params":null,"provider_id":null,"conversation_id":null,"messages":[],"model":"m","id":"a","type":"chat"})");
  EXPECT_FALSE(frame.provider_id);
  EXPECT_EQ(frame.params + frame.conversation_id, "");
  EXPECT_EQ(frame.messages, "[]");
}

TEST(ClientFrame, StopsResumesAndCounts) {
  EXPECT_EQ(read(R"({"type":"stop","id":"a"})").what, client_frame::kind::stop);
  const auto resume = read(R"({"type":"resume","id":"a","last_seq":12})");
  EXPECT_EQ(resume.what, client_frame::kind::resume);
  EXPECT_EQ(resume.last_seq, 12);
  EXPECT_EQ(read(R"({"type":"resume","id":"a"})").last_seq, 0);
  const auto count = read(R"({"type":"count","id":"a","model":"m","text":"q\u00e9"})");
  EXPECT_EQ(count.what, client_frame::kind::count);
  EXPECT_EQ(count.text, "qé");
}

TEST(ClientFrame, TakesTheShortForm) {
  const auto frame = read(R"({"message":"say \"hi\"\n","provider_id":3,"model_name":"m"})");
  EXPECT_EQ(frame.what, client_frame::kind::chat);
  EXPECT_EQ(frame.model, "m");
  EXPECT_EQ(frame.provider_id, 3);
  EXPECT_EQ(frame.messages, R"([{"role":"user","content":"say \"hi\"\n"}])");
  EXPECT_EQ(frame.id, "");
  EXPECT_EQ(read(R"({"id":"a","message":"","model_name":"m"})").id, "a");
  EXPECT_EQ(refuse(R"({"message":"x"})").param, "model_name");
}

TEST(ClientFrame, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(refuse(R"({"type":"chat","model":"m","messages":[]})").param, "id");
  EXPECT_EQ(refuse(R"({"type":"chat","id":"a","messages":[]})").param, "model");
  EXPECT_EQ(refuse(R"({"type":"chat","id":"a","model":"m"})").param, "messages");
  EXPECT_EQ(refuse(R"({"type":"chat","id":"a","model":"m","messages":{}})").param, "messages");
  EXPECT_EQ(refuse(R"({"type":"chat","id":"a","model":"m","messages":[],"params":[]})").param, "params");
  EXPECT_EQ(refuse(R"({"type":"chat","id":"a","model":5,"messages":[]})").param, "model");
  EXPECT_EQ(refuse(R"({"type":"chat","id":"a","model":["m"],"messages":[]})").param, "model");
  EXPECT_EQ(refuse(R"({"type":"count","id":"a","text":"x"})").param, "model");
  EXPECT_EQ(refuse(R"({"type":"dance","id":"a"})").param, "type");
  EXPECT_EQ(refuse(R"({"id":"a"})").param, "type");
  for (const auto* number : {"-1", "1.5", "\"1\"", "true", "1e400", "99999999999999999999", "[1]"}) {
    EXPECT_FALSE(refuse(R"({"type":"resume","id":"a","last_seq":)" + std::string(number) + "}").message.empty());
    EXPECT_FALSE(refuse(R"({"type":"chat","id":"a","provider_id":)" + std::string(number) + "}").message.empty());
  }
  const auto unknown = refuse(R"({"type":"stop","id":"a","colour":"red"})");
  EXPECT_EQ(unknown.param, "colour");
  EXPECT_NE(unknown.message.find("colour"), std::string::npos);
}

TEST(ClientFrame, RefusesAnIdThatIsNoLabel) {
  for (const auto& id : {std::string("a b"), std::string("a\\n"), std::string("é"), std::string(129, 'x')})
    EXPECT_EQ(refuse("{\"type\":\"stop\",\"id\":\"" + id + "\"}").param, "id") << id;
  EXPECT_EQ(read("{\"type\":\"stop\",\"id\":\"" + std::string(128, 'x') + "\"}").id.size(), 128U);
}

TEST(ClientFrame, TellsTheIdOfABrokenFrameAsFarAsItWasRead) {
  EXPECT_EQ(refuse(R"({"type":"chat","id":"a","colour":1})").id, "a");
  EXPECT_EQ(refuse(R"({"colour":1,"id":"a"})").id, "");
  EXPECT_EQ(refuse(R"({"id":"a","type":)").id, "a");
}

TEST(ClientFrame, RefusesWhatIsNoStrictJson) {
  for (const auto* text : {"", " ", "null", "[]", "7", "\"x\"", "{", "{}", R"({"type":"stop","id":"a"} x)",
                           R"({"type":"stop","type":"chat","id":"a"})", "{\"type\":\"stop\",\"id\":\"\xff\"}",
                           R"({"type":"stop","id":"a",})"}) {
    const auto why = refuse(text);
    EXPECT_FALSE(why.message.starts_with("The body")) << text;
  }
}

// --- What the server says: whole frames, read back.

std::string field(const json::document& frame, const char* name) {
  const auto member = frame.FindMember(name);
  if (member == frame.MemberEnd()) return "absent";
  if (member->value.IsString()) return member->value.GetString();
  if (member->value.IsNull()) return "null";
  if (member->value.IsBool()) return member->value.GetBool() ? "true" : "false";
  if (member->value.IsInt64()) return std::to_string(member->value.GetInt64());
  return "other";
}

TEST(ServerFrame, Starts) {
  EXPECT_EQ(
      frames::make_start({.id = "a\"", .conversation_id = "c", .model = "m", .provider_id = 3, .prompt_tokens = 9}),
      R"({"type":"start","id":"a\"","conversation_id":"c","provider_id":3,"model":"m","prompt_tokens":9,"exact":false})");
}

TEST(ServerFrame, CarriesOnlyTheDeltasThereAre) {
  net::stream_part part;
  part.content = "x\n";
  EXPECT_EQ(frames::make_delta("a", 1, part), R"({"type":"delta","id":"a","seq":1,"content":"x\n"})");
  part.content.clear();
  part.reasoning = "r";
  part.tool_calls = R"({"index":0},{"index":1})";
  EXPECT_EQ(frames::make_delta("a", 2, part),
            R"({"type":"delta","id":"a","seq":2,"reasoning":"r","tool_calls":[{"index":0},{"index":1}]})");
}

TEST(ServerFrame, EndsWithBothCounts) {
  frames::done done{.id = "a",
                    .finish_reason = "stop",
                    .request_id = "r",
                    .provider_id = 3,
                    .usage = std::nullopt,
                    .prompt_tokens = 4,
                    .completion_tokens = 5,
                    .ttft_ms = 6,
                    .duration_ms = 7};
  const auto without = json::parse(frames::make_done(done));
  ASSERT_TRUE(without);
  EXPECT_EQ(field(*without, "type") + field(*without, "finish_reason") + field(*without, "request_id"), "donestopr");
  EXPECT_EQ(field(*without, "usage"), "null");
  EXPECT_EQ(field(*without, "ttft_ms") + field(*without, "duration_ms") + field(*without, "provider_id"), "673");
  const auto& counted = (*without)["counted"];
  EXPECT_EQ(counted["prompt_tokens"].GetInt64(), 4);
  EXPECT_EQ(counted["completion_tokens"].GetInt64(), 5);
  EXPECT_EQ(counted["total_tokens"].GetInt64(), 9);
  EXPECT_FALSE(counted["exact"].GetBool());

  done.usage = net::usage{.prompt_tokens = 1, .completion_tokens = 2};
  const auto summed = json::parse(frames::make_done(done));
  ASSERT_TRUE(summed);
  EXPECT_EQ((*summed)["usage"]["total_tokens"].GetInt64(), 3);
  done.usage->total_tokens = 30;
  EXPECT_NE(frames::make_done(done).find(R"("total_tokens":30)"), std::string::npos);
  done.usage = net::usage{.prompt_tokens = 1};
  EXPECT_NE(frames::make_done(done).find(R"("usage":null)"), std::string::npos);
}

TEST(ServerFrame, SaysEveryErrorLikeTheHttpApi) {
  for (int code = 0; code <= static_cast<int>(errc::internal); ++code) {
    const auto& row = info(static_cast<errc>(code));
    const auto frame = json::parse(frames::make_error("a", make_error(row.code, "Why \"so\".", "hidden"), "r"));
    ASSERT_TRUE(frame) << row.name;
    const auto& told = (*frame)["error"];
    EXPECT_EQ(field(*frame, "type") + field(*frame, "id") + field(*frame, "request_id"), "errorar");
    EXPECT_EQ(told["message"].GetString(), std::string("Why \"so\"."));
    EXPECT_EQ(told["type"].GetString(), std::string(row.type));
    EXPECT_EQ(told["code"].GetString(), std::string(row.name));
    EXPECT_TRUE(told["param"].IsNull());
  }
  auto failure = make_error(errc::invalid_request, "x", "hidden");
  failure.param = "model";
  const auto text = frames::make_error("a", failure, "r");
  EXPECT_NE(text.find(R"("param":"model")"), std::string::npos);
  EXPECT_EQ(text.find("hidden"), std::string::npos);
}

TEST(ServerFrame, Counts) {
  EXPECT_EQ(frames::make_count("a", 12, false), R"({"type":"count","id":"a","tokens":12,"exact":false})");
  EXPECT_EQ(frames::make_count("a", 12, true), R"({"type":"count","id":"a","tokens":12,"exact":true})");
}

}  // namespace
}  // namespace nexus
