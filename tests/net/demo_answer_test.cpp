#include "net/demo_answer.hpp"

#include "conf/json.hpp"

#include <gtest/gtest.h>

namespace nexus::net {
namespace {

std::string whole(std::string_view question) {
  std::string out;
  for (auto& piece : demo_answer(question)) out += piece;
  return out;
}

/// Returns the line that quotes the question.
std::string quoted_line(std::string_view question) {
  auto answer = whole(question);
  auto begin = answer.find("You asked: ");
  EXPECT_NE(begin, answer.npos);
  return answer.substr(begin, answer.find('\n', begin) - begin);
}

bool is_utf8(std::string_view text) {
  std::string escaped;
  json::append_string(escaped, text);
  // Invalid bytes become U+FFFD, so what has none before and after was valid.
  return escaped.find("\uFFFD") == escaped.npos && json::parse(escaped).has_value();
}

TEST(DemoAnswer, HoldsEveryKindOfMarkdown) {
  for (auto question : {"Hello", "你好"}) {
    auto answer = whole(question);
    for (auto mark : {"## ", "\n- ", "\n1. ", "\n```bash\n", "\n```\n", "\n| --- |", "**", "\n> "})
      EXPECT_NE(answer.find(mark), answer.npos) << mark;
    EXPECT_NE(answer.find(question), answer.npos);
  }
}

TEST(DemoAnswer, SaysWhatItIsInTheLanguageOfTheQuestion) {
  EXPECT_NE(whole("What is HTTP?").find("built-in demo"), std::string::npos);
  EXPECT_NE(whole("What is 世界?").find("内置演示"), std::string::npos);
  EXPECT_NE(whole("かな").find("built-in demo"), std::string::npos);
}

TEST(DemoAnswer, IsTheSameForTheSameQuestion) { EXPECT_EQ(demo_answer("Hello"), demo_answer("Hello")); }

TEST(DemoAnswer, ComesInPiecesOfTheSizeOfTokens) {
  for (auto question : {"Hello there", "你好，世界", "Donaudampfschifffahrtsgesellschaftskapitän"}) {
    auto pieces = demo_answer(question);
    EXPECT_GT(pieces.size(), 150u);
    for (auto& piece : pieces) {
      EXPECT_FALSE(piece.empty());
      EXPECT_LE(piece.size(), 24u) << piece;
      EXPECT_TRUE(is_utf8(piece)) << piece;
    }
  }
  EXPECT_EQ(demo_answer("Hello")[1], " Hello");
  EXPECT_EQ(demo_answer("你好")[1], " 你好");
}

TEST(DemoAnswer, ShowsCodeInTheLanguageAskedFor) {
  EXPECT_NE(whole("A Python script, please").find("```python"), std::string::npos);
  EXPECT_NE(whole("用 JavaScript 写").find("```javascript"), std::string::npos);
  EXPECT_NE(whole("anything").find("```bash"), std::string::npos);
}

TEST(DemoAnswer, QuotesOnOneLine) {
  EXPECT_EQ(quoted_line("a\nb\r\n\n# c\t\x01 d\xE2\x80\xA8 e\n"), "You asked: “a b \\# c d e”");
}

TEST(DemoAnswer, NeutralisesMarkup) {
  EXPECT_EQ(quoted_line("```<script>`"), "You asked: “'''‹script›'”");
  EXPECT_EQ(quoted_line("![x](http://y) **b** | &lt;"), "You asked: “\\!\\[x\\](http://y) \\*\\*b\\*\\* \\| \\&lt;”");
}

TEST(DemoAnswer, ShortensAtACharactersEnd) {
  for (size_t before = 115; before < 122; ++before) {
    auto line = quoted_line(std::string(before, 'a') + "éééééééé");
    EXPECT_TRUE(is_utf8(line)) << line;
    EXPECT_TRUE(line.ends_with("…”")) << line;
    EXPECT_LT(line.size(), 150u);
  }
  EXPECT_EQ(quoted_line(std::string(120, 'a')), "You asked: “" + std::string(120, 'a') + "”");
  EXPECT_LT(whole(std::string(1'000'000, '<')).size(), 3000u);
}

TEST(DemoAnswer, ReplacesInvalidBytes) { EXPECT_EQ(quoted_line("a\xFF\xC3z"), "You asked: “a\uFFFD\uFFFDz”"); }

TEST(DemoAnswer, AnswersAnEmptyQuestion) {
  EXPECT_NE(whole("").find("You sent an empty message\n"), std::string::npos);
  EXPECT_NE(whole(" \n").find("You sent an empty message\n"), std::string::npos);
}

TEST(LastUserText, ReturnsTheLastUserMessage) {
  EXPECT_EQ(last_user_text(R"({"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},
                               {"role":"assistant","content":"c"}]})"),
            "b");
}

TEST(LastUserText, JoinsTextParts) {
  EXPECT_EQ(last_user_text(R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},
              {"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"b"}]}]})"),
            "ab");
}

TEST(LastUserText, IsEmptyWithoutOne) {
  for (auto body : {"", "[]", "{}", R"({"messages":1})", R"({"messages":[]})",
                    R"({"messages":[1,{"role":"system","content":"x"}]})",
                    R"({"messages":[{"role":"user","content":null}]})", R"({"messages":[{"role":"user"}]})"})
    EXPECT_EQ(last_user_text(body), "") << body;
}

}  // namespace
}  // namespace nexus::net
