#include "actors/token_counting.hpp"

#include "tokenizer/tokenizer.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

class TokenCounting : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(tokenizer::load(*counting_->text.encoding)); }

  int64_t count(const std::string& content, tokenizer::count_cache* cache) {
    const auto body = R"({"messages":[{"role":"user","content":")" + content + R"("}]})";
    auto request = tokenizer::read_chat_request(body);
    if (!request) return -1;
    const auto counted = count_prompt(*counting_, calibrations_, request->prompt, 7, cache);
    EXPECT_TRUE(counted.is_exact);
    return counted.tokens;
  }

  model_counting_ptr counting_ = make_model_counting("gpt-4o");
  model_calibrations calibrations_;
};

TEST_F(TokenCounting, RemembersMessagesToTheByte) {
  tokenizer::count_cache cache(100);
  for (const auto* const text : {"foobar", "foo bar", "foo  bar", "foo bar ", R"(foo\nbar)", " foobar"}) {
    const auto expected = count(text, nullptr);
    EXPECT_EQ(count(text, &cache), expected) << text;
    EXPECT_EQ(count(text, &cache), expected) << text;
  }
}

TEST_F(TokenCounting, CountsAWholeTextLikeItsPieces) {
  const std::string text = "Hello, 世界! The quick brown fox jumps over the lazy dog.";
  text_tally pieces(counting_, calibrations_);
  for (const char c : text) pieces.add({&c, 1});
  text_tally whole(counting_, calibrations_);
  EXPECT_EQ(whole.tokens(), 0);
  whole.add_whole(text);
  EXPECT_EQ(whole.tokens(), pieces.tokens());
  EXPECT_EQ(whole.tokens(), count_text(*counting_, calibrations_, text).tokens);
  EXPECT_TRUE(whole.is_exact());
}

TEST_F(TokenCounting, EstimatesWholeTextsAndPiecesAlike) {
  const auto unknown = make_model_counting("some-closed-model");
  text_tally pieces(unknown, calibrations_);
  for (const std::string_view piece : {"Hello, ", "wide ", "world!"}) pieces.add(piece);
  text_tally whole(unknown, calibrations_);
  whole.add_whole("Hello, wide world!");
  EXPECT_EQ(whole.tokens(), pieces.tokens());
  EXPECT_FALSE(whole.is_exact());
  EXPECT_TRUE(whole.features());
}

}  // namespace
}  // namespace nexus
