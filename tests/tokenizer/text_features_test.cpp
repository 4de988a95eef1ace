#include "tokenizer/text_features.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace nexus::tokenizer {
namespace {

uint64_t count(std::string_view text, feature what) {
  text_features features;
  features.add(text);
  return features.sums()[static_cast<size_t>(what)];
}

TEST(TextFeatures, CountWordsByWhatStandsBefore) {
  EXPECT_EQ(count("one two  three", feature::word_blank), 2U);
  EXPECT_EQ(count("one two", feature::word_other), 1U);
  EXPECT_EQ(count("x.name (y) --z _a", feature::word_joined), 1U);
  EXPECT_EQ(count("x.name (y) --z _a", feature::word_mark), 3U);
  EXPECT_EQ(count("a\nb1c", feature::word_other), 3U);
}

TEST(TextFeatures, CountLettersBehindTheFourthSeventhAndEleventh) {
  EXPECT_EQ(count("abcd abcde", feature::letter_5), 1U);
  EXPECT_EQ(count("abcdefg abcdefgh", feature::letter_8), 1U);
  EXPECT_EQ(count("abcdefghijklm", feature::letter_12), 2U);
  const std::string run(1000, 'a');
  EXPECT_EQ(count(run, feature::letter_5), 996U);
  EXPECT_EQ(count(run, feature::letter_8), 993U);
  EXPECT_EQ(count(run, feature::letter_12), 989U);
}

TEST(TextFeatures, CountCapitalsDigitsMarksAndBlanks) {
  EXPECT_EQ(count("camelCase HTTPServer", feature::case_change), 1U);
  EXPECT_EQ(count("camelCase HTTPServer", feature::capital), 4U);
  EXPECT_EQ(count("12 345 x6", feature::digit_blank), 1U);
  EXPECT_EQ(count("12 345 x6", feature::digit_other), 2U);
  EXPECT_EQ(count("12 345 x6", feature::digit), 6U);
  EXPECT_EQ(count("a; (b) ==== {", feature::mark_run), 5U);
  EXPECT_EQ(count("a; (b) ==== {", feature::mark_second), 1U);
  EXPECT_EQ(count("a; (b) ==== {", feature::mark_more), 2U);
  EXPECT_EQ(count("a;\n\nb\n  c\r\n", feature::line_mark), 1U);
  EXPECT_EQ(count("a;\n\nb\n  c\r\n", feature::line_other), 2U);
  EXPECT_EQ(count("a b  c    d", feature::blank_run), 2U);
  EXPECT_EQ(count("a b  c    d", feature::blank_more), 2U);
}

TEST(TextFeatures, CountScripts) {
  EXPECT_EQ(count("中文 字，混合abc", feature::han), 5U);
  EXPECT_EQ(count("中文 字，混合abc", feature::han_run), 3U);
  EXPECT_EQ(count("中文，。「", feature::cjk_mark), 3U);
  EXPECT_EQ(count("ひらカタ。", feature::kana), 4U);
  EXPECT_EQ(count("한국어", feature::hangul), 3U);
  EXPECT_EQ(count("été über", feature::accented), 3U);
  EXPECT_EQ(count("Привет мир", feature::letter_2), 9U);
  EXPECT_EQ(count("Привет мир", feature::word_2), 2U);
  EXPECT_EQ(count("ไทย→", feature::letter_3), 4U);
  EXPECT_EQ(count("😀👍", feature::letter_4), 2U);
}

TEST(TextFeatures, NothingIsNothing) {
  text_features features;
  features.add("");
  EXPECT_EQ(features.sums(), feature_sums{});
  EXPECT_EQ(features.bytes(), 0U);
}

/// Texts of all kinds of bytes, also of broken characters.
std::string random_text(std::mt19937& random, size_t length) {
  static const std::string pieces[] = {"a",  "B",  "word", "LONGWORDS", " ",  "  ",   "\n",   "\r\n",
                                       "7",  "42", ".",    "==",        "中", "文字", "。",   "ひ",
                                       "한", "é",  "ж",    "ไ",         "😀",  "\x80", "\xe4", "\xff"};
  std::string text;
  while (text.size() < length) text += pieces[random() % std::size(pieces)];
  return text;
}

TEST(TextFeatures, AreTheSameHoweverTheTextIsCut) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): repeatable
  for (int round = 0; round < 2000; ++round) {
    const std::string text = random_text(random, 1 + random() % 300);
    text_features whole;
    whole.add(text);
    text_features cut;
    for (size_t at = 0; at < text.size();) {
      const size_t length = std::min<size_t>(random() % (round % 2 == 0 ? 5 : 90), text.size() - at);
      cut.add(std::string_view(text).substr(at, length));
      at += length;
    }
    ASSERT_EQ(cut.sums(), whole.sums()) << text;
    ASSERT_EQ(cut.bytes(), whole.bytes());
  }
}

TEST(TextFeatures, AreTheSameOnEveryPath) {
  std::mt19937 random(8);  // NOLINT(cert-msc51-cpp): repeatable
  for (int round = 0; round < 500; ++round) {
    std::string text = random_text(random, random() % 500);
    for (int i = 0; i < 20 && !text.empty(); ++i) text[random() % text.size()] = static_cast<char>(random());
    std::map<std::string_view, feature_sums> found;
    for (const auto path : feature_paths()) {
      if (path.empty()) continue;
      text_features::history past{};
      add_features(path, text, past, found[path]);
    }
    for (const auto& [path, sums] : found) ASSERT_EQ(sums, found["scalar"]) << path;
  }
}

TEST(TextFeatures, StateOfAStreamIsSmall) { EXPECT_LE(sizeof(text_features), 512U); }

}  // namespace
}  // namespace nexus::tokenizer
