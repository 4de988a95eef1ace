#include "actors/chat_run.hpp"

#include "actors/router.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

constexpr auto* question = R"({"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]})";

class ChatRun : public actor_fixture {
 protected:
  ChatRun() {
    auto settings = std::make_shared<options>();
    settings->websocket.resume_window = milliseconds(10'000);
    shard_.options = settings;
    router_ = spawn<router>();
    shard_.router = router_;
    socket_ = consumer(sent_);
  }
  ~ChatRun() override { chat_ = socket_ = router_ = nullptr; }

  void serve(int count = 1) {
    routes update;
    for (int64_t id = 1; id <= count; ++id) {
      auto row = make_row(id);
      row->priority = static_cast<int32_t>(id);
      configs_.push_back(make_config(row));
      update.providers.emplace(id, spawn<provider>(configs_.back(), scripted()));
    }
    caf::anon_send(router_, std::move(update));
  }
  void start(const std::string& body = question) {
    chat_ = shard_.spawn<chat_run>(chat_start{.id = "a",
                                              .number = 5,
                                              .body = body,
                                              .conversation_id = "conv",
                                              .provider_id = {},
                                              .principal = reaching(configs_),
                                              .socket = socket_});
    run();
  }
  /// A chat that was accepted; its start frame is written.
  void begin() {
    serve();
    start();
    acknowledge();
  }
  void part(const std::string& content) {
    call_part message;
    message.attempt = clients().back().calls.back().attempt;
    message.part.content = content;
    caf::anon_send(chat_, message);
    run();
  }
  void acknowledge(int count = 1) {
    for (int i = 0; i < count; ++i) caf::anon_send(chat_, frame_written{});
    run();
  }
  void attach(const caf::actor& socket, uint64_t last_seq, uint64_t number = 5) {
    caf::anon_send(chat_, attach_socket{socket, number, last_seq});
    run();
  }
  void detach() {
    caf::anon_send(chat_, detach_socket{socket_.address()});
    run();
  }
  bool says(const ws_frame& frame, const std::string& text) { return frame.text.find(text) != std::string::npos; }

  std::vector<provider_ptr> configs_;
  std::shared_ptr<heard> sent_ = std::make_shared<heard>();
  caf::actor router_;
  caf::actor socket_;
  caf::actor chat_;
};

TEST_F(ChatRun, SaysWhoAnswersAndStreamsAndEnds) {
  serve();
  start();
  ASSERT_EQ(sent_->frames.size(), 1U);
  EXPECT_TRUE(
      says(sent_->frames[0], R"("type":"start","id":"a","conversation_id":"conv","provider_id":1,"model":"m")"));
  EXPECT_EQ(hub_.counters.exchanges, 1U);
  part("Hello");
  ASSERT_EQ(sent_->frames.size(), 2U);
  EXPECT_EQ(sent_->frames[1].text, R"({"type":"delta","id":"a","seq":1,"content":"Hello"})");
  play(0, "answer");
  ASSERT_EQ(sent_->frames.size(), 3U);
  EXPECT_TRUE(says(sent_->frames[2], R"("type":"done","id":"a","finish_reason":"stop")"));
  EXPECT_TRUE(says(sent_->frames[2], R"("counted":{"prompt_tokens":)"));
  for (const auto& frame : sent_->frames) {
    EXPECT_EQ(frame.chat, 5U);
    EXPECT_EQ(frame.last, &frame == &sent_->frames.back());
  }
  EXPECT_EQ(hub_.counters.exchanges, 0U);
  acknowledge(2);
  EXPECT_FALSE(ended(chat_));  // the last frame is still on its way
  acknowledge();
  EXPECT_TRUE(ended(chat_));
}

TEST_F(ChatRun, GathersDeltasToSixtyFramesASecond) {
  begin();
  part("a");
  acknowledge();
  part("b");
  part("c");
  acknowledge(0);
  ASSERT_EQ(sent_->frames.size(), 2U);
  now_ += milliseconds(17);
  acknowledge();
  ASSERT_EQ(sent_->frames.size(), 3U);
  EXPECT_EQ(sent_->frames[2].text, R"({"type":"delta","id":"a","seq":2,"content":"bc"})");
}

TEST_F(ChatRun, SendsWhatItGatheredBeforeItEnds) {
  begin();
  part("a");
  part("b");
  play(0, "answer");
  ASSERT_EQ(sent_->frames.size(), 4U);
  EXPECT_TRUE(says(sent_->frames[2], R"("content":"b")"));
  EXPECT_TRUE(sent_->frames[3].last);
}

TEST_F(ChatRun, HasOnlySoManyFramesUnderWay) {
  begin();
  for (int i = 0; i < 10; ++i) {
    now_ += milliseconds(20);
    part(std::to_string(i));
  }
  ASSERT_EQ(sent_->frames.size(), 5U);
  now_ += milliseconds(20);
  acknowledge();
  ASSERT_EQ(sent_->frames.size(), 6U);
  EXPECT_TRUE(says(sent_->frames[5], R"("seq":5,"content":"456789")"));
}

TEST_F(ChatRun, PausesItsUpstreamWhileTheSocketIsSlow) {
  begin();
  part("a");
  part(std::string(70'000, 'x'));
  EXPECT_EQ(clients()[0].flow, "p");
  part("y");
  EXPECT_EQ(clients()[0].flow, "p");
  now_ += milliseconds(20);
  acknowledge();
  EXPECT_EQ(clients()[0].flow, "pr");
}

TEST_F(ChatRun, TellsAFailure) {
  begin();
  part("a");
  play(0, "fail");
  ASSERT_EQ(sent_->frames.size(), 3U);
  EXPECT_TRUE(says(sent_->frames[2], R"("type":"error","id":"a")"));
  EXPECT_TRUE(says(sent_->frames[2], R"("code":"upstream_error")"));
  EXPECT_TRUE(sent_->frames[2].last);
}

TEST_F(ChatRun, TriesTheNextProviderWhileNothingWasSaid) {
  serve(2);
  start();
  ASSERT_EQ(clients().size(), 1U);
  call_end failed;
  failed.attempt = 1;
  failed.provider_id = 1;
  failed.verdict.failure = make_error(errc::upstream_error, "x");
  failed.verdict.elsewhere = true;
  caf::anon_send(chat_, failed);
  run();
  ASSERT_EQ(clients().size(), 2U);
  EXPECT_EQ(clients()[1].config->row->id, 2);
  caf::anon_send(chat_, failed);  // of the former attempt: nobody's
  run();
  EXPECT_EQ(sent_->frames.size(), 1U);
  play(1, "answer");
  ASSERT_EQ(sent_->frames.size(), 2U);
  EXPECT_TRUE(says(sent_->frames[1], R"("provider_id":2)"));
}

TEST_F(ChatRun, RefusesWhatCannotBegin) {
  serve();
  start("oops");
  start(R"({"model":"other","messages":[{"role":"user","content":"x"}]})");
  shard_.router = nullptr;
  start();
  ASSERT_EQ(sent_->frames.size(), 3U);
  EXPECT_TRUE(says(sent_->frames[0], R"("code":"invalid_request")"));
  EXPECT_TRUE(says(sent_->frames[1], R"("code":"model_not_found")"));
  EXPECT_TRUE(says(sent_->frames[2], R"("code":"upstream_unavailable")"));
  for (const auto& frame : sent_->frames) EXPECT_TRUE(frame.last);
  EXPECT_EQ(hub_.counters.exchanges, 0U);
}

TEST_F(ChatRun, RefusesWithoutAPlaceInTheJournal) {
  serve();
  while (hub_.ledger.journal().claim() != nullptr) {
  }
  start();
  ASSERT_EQ(sent_->frames.size(), 1U);
  EXPECT_TRUE(says(sent_->frames[0], R"("code":"overloaded")"));
}

TEST_F(ChatRun, StopsItsCallWhenTheUserDoes) {
  begin();
  part("a");
  part("b");
  caf::anon_send(chat_, stop_chat{});
  run();
  ASSERT_EQ(sent_->frames.size(), 4U);
  EXPECT_TRUE(says(sent_->frames[2], R"("content":"b")"));
  EXPECT_TRUE(says(sent_->frames[3], R"("finish_reason":"cancelled")"));
  EXPECT_TRUE(sent_->frames[3].last);
  EXPECT_FALSE(clients()[0].alive);
  caf::anon_send(chat_, stop_chat{});
  run();
  EXPECT_EQ(sent_->frames.size(), 4U);
}

TEST_F(ChatRun, CancelsItsCallWhenItIsKilled) {
  begin();
  kill(chat_);
  EXPECT_FALSE(clients()[0].alive);
  EXPECT_EQ(hub_.counters.exchanges, 0U);
}

TEST_F(ChatRun, GoesOnWithoutItsSocketAndReplaysWhatWasMissed) {
  begin();
  part("a");
  detach();
  now_ += milliseconds(20);
  part("b");
  now_ += milliseconds(20);
  part("c");
  EXPECT_EQ(sent_->frames.size(), 2U);
  const auto again = std::make_shared<heard>();
  attach(consumer(again), 1, 8);
  ASSERT_EQ(again->frames.size(), 3U);
  EXPECT_TRUE(says(again->frames[0], R"("type":"start")"));
  EXPECT_TRUE(says(again->frames[1], R"("seq":2,"content":"b")"));
  EXPECT_TRUE(says(again->frames[2], R"("seq":3,"content":"c")"));
  now_ += milliseconds(20);
  part("d");
  ASSERT_EQ(again->frames.size(), 4U);
  for (const auto& frame : again->frames) EXPECT_TRUE(frame.chat == 8 && !frame.last);
  advance(milliseconds(60'000));  // it has a socket again
  play(0, "answer");
  EXPECT_TRUE(again->frames.back().last);
}

TEST_F(ChatRun, KeepsItsEndForAResume) {
  begin();
  part("a");
  detach();
  play(0, "answer");
  EXPECT_EQ(sent_->frames.size(), 2U);
  const auto again = std::make_shared<heard>();
  attach(consumer(again), 1);
  ASSERT_EQ(again->frames.size(), 2U);
  EXPECT_FALSE(again->frames[0].last);
  EXPECT_TRUE(says(again->frames[1], R"("type":"done")"));
  EXPECT_TRUE(again->frames[1].last);
  acknowledge(2);
  EXPECT_TRUE(ended(chat_));
}

TEST_F(ChatRun, EndsWhenNobodyResumesIt) {
  begin();
  detach();
  advance(milliseconds(9'900));
  EXPECT_TRUE(clients()[0].alive);
  past(milliseconds(100));
  EXPECT_FALSE(clients()[0].alive);
  EXPECT_TRUE(ended(chat_));
}

TEST_F(ChatRun, TellsTheFormerSocketThatItIsTakenOver) {
  begin();
  const auto other = std::make_shared<heard>();
  attach(consumer(other), 0);
  ASSERT_EQ(sent_->frames.size(), 2U);
  EXPECT_TRUE(says(sent_->frames[1], R"("code":"conflict")"));
  EXPECT_TRUE(sent_->frames[1].last);
  detach();  // the former one's farewell
  now_ += milliseconds(20);
  part("a");
  EXPECT_EQ(other->frames.size(), 2U);
  EXPECT_EQ(sent_->frames.size(), 2U);
}

TEST_F(ChatRun, RefusesAResumeOfMoreThanItKept) {
  begin();
  for (int i = 0; i < 8; ++i) {
    now_ += milliseconds(20);
    part(std::string(200'000, 'x'));
    acknowledge();
  }
  const auto recent = std::make_shared<heard>();
  attach(consumer(recent), 7);
  ASSERT_EQ(recent->frames.size(), 1U);
  EXPECT_TRUE(says(recent->frames[0], R"("seq":8)"));
  const auto late = std::make_shared<heard>();
  attach(consumer(late), 1);
  ASSERT_EQ(late->frames.size(), 1U);
  EXPECT_TRUE(says(late->frames[0], R"("code":"invalid_request")"));
  EXPECT_TRUE(late->frames[0].last);
  EXPECT_FALSE(clients()[0].alive);
}

TEST_F(ChatRun, FinishesWhatRunsWhileDraining) {
  begin();
  shard_.announce_drain();
  run();
  part("a");
  play(0, "answer");
  EXPECT_TRUE(sent_->frames.back().last);
}

TEST_F(ChatRun, EndsWhenItsKeyIsRevoked) {
  hub_.access = std::make_unique<access_control>(secret("key"), "t", "", access_control::settings{});
  begin();
  auto world = std::make_shared<snapshot>();
  world->providers.emplace(1, configs_[0]);
  world->keys.emplace("", nullptr);
  world->administrator = reaching(configs_);
  shard_.snapshot = world;
  caf::anon_send(chat_, access_changed{});
  run();
  EXPECT_FALSE(ended(chat_));  // nothing was shown: the administrator token, which holds
  auto revoked = shard_.spawn<chat_run>(chat_start{.id = "b",
                                                   .number = 6,
                                                   .body = question,
                                                   .conversation_id = "conv",
                                                   .provider_id = {},
                                                   .principal = reaching(configs_),
                                                   .shown = {"unknown digest", {}, {}},
                                                   .socket = socket_});
  run();
  caf::anon_send(revoked, access_changed{});
  run();
  EXPECT_TRUE(ended(revoked));
  EXPECT_TRUE(says(sent_->frames.back(), "invalid_api_key"));
  EXPECT_TRUE(sent_->frames.back().last);
  kill(chat_);
}

}  // namespace
}  // namespace nexus
