#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tokenizer/splitter_texts.hpp"
#include "tokenizer/splitter.hpp"

namespace nexus::tokenizer {
namespace {

std::vector<uint64_t> whole(splitter kind, std::string_view text) {
  std::vector<uint64_t> ends;
  for (size_t begin = 0; begin < text.size();) ends.push_back(begin = piece_end(kind, text, begin));
  return ends;
}

/// Feeds the text in chunks of these sizes, again and again; checks what the scanner promises in between.
std::vector<uint64_t> scanned(splitter kind, std::string_view text, const std::vector<size_t>& chunks,
                              size_t room = 8) {
  split_scanner scanner(kind);
  std::vector<uint64_t> ends, some(room);
  uint64_t fork = 0, certain = 0;
  auto add = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (some[i] < certain) {
        EXPECT_EQ(some[i], fork) << "a boundary where it was certain that none comes";
      }
      ends.push_back(some[i]);
    }
  };
  for (size_t at = 0, i = 0; at < text.size(); ++i) {
    auto chunk = text.substr(at, chunks[i % chunks.size()]);
    at += chunk.size();
    while (!chunk.empty()) {
      add(scanner.feed(chunk, some));
      EXPECT_EQ(scanner.open(), ends.empty() ? 0 : ends.back());
      fork = scanner.fork();
      certain = scanner.certain();
      EXPECT_LE(scanner.open(), fork);
      EXPECT_LE(certain, scanner.fed());
      EXPECT_LE(scanner.fed() - certain, split_scanner::lookback_max);
    }
    EXPECT_EQ(scanner.fed(), at);
  }
  while (auto count = scanner.finish(some)) add(count);
  EXPECT_EQ(scanner.fed(), 0U);
  return ends;
}

/// Returns whether the scanner promises to be exact: Command A's digits must not go on too long.
bool is_exact(splitter kind, std::string_view text) {
  size_t digits = 0, most = 0;
  for (size_t at = 0; at < text.size();) {
    auto [code, size, incomplete] = decode(text, at);
    digits = class_of(code) == char_class::digit ? digits + size : 0;
    most = std::max(most, digits);
    at += size;
  }
  return kind != splitter::command_a || most < 80;
}

TEST(SplitScanner, FindsTheSameBoundariesByteByByte) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 2000; ++i) {
    auto text = random_text(random, 20);
    for (const auto& row : splitters()) {
      if (!is_exact(row.kind, text)) continue;
      ASSERT_EQ(scanned(row.kind, text, {1}), whole(row.kind, text))
          << row.name << ": " << testing::PrintToString(text);
      ASSERT_FALSE(testing::Test::HasFailure()) << row.name << ": " << testing::PrintToString(text);
    }
  }
}

TEST(SplitScanner, FindsTheSameBoundariesInAnyChunks) {
  std::mt19937_64 random(12);
  for (int i = 0; i < 3000; ++i) {
    auto text = i % 2 == 0 ? random_text(random, 60) : random_ascii(random, 100);
    std::vector<size_t> chunks;
    for (size_t n = 0; n < 5; ++n) chunks.push_back(1 + random() % (n % 2 == 0 ? 4 : 60));
    for (const auto& row : splitters()) {
      if (!is_exact(row.kind, text)) continue;
      ASSERT_EQ(scanned(row.kind, text, chunks, 1 + random() % 9), whole(row.kind, text))
          << row.name << ": " << testing::PrintToString(text);
      ASSERT_FALSE(testing::Test::HasFailure()) << row.name << ": " << testing::PrintToString(text);
    }
  }
}

TEST(SplitScanner, KeepsLittleOfPiecesWithoutEnd) {
  std::string lead = "x ";
  for (std::string_view unit : {"a", "A", " ", "\t", "中", "\u0301", "\x01", "!", "\n", "é"}) {
    for (std::string_view then : {"", "b", "B", "1", "!", " x", "\n", "\nx", "'s", "'lx", "中", "\x01", "/"}) {
      std::string text = lead + (unit == "A" || unit == "!" ? "中" : unit == " " ? "\n" : "");
      for (int i = 0; i < 3000; ++i) text += unit;
      text += then;
      for (const auto& row : splitters()) {
        ASSERT_EQ(scanned(row.kind, text, {7, 1, 501}), whole(row.kind, text)) << row.name << " " << unit << then;
      }
    }
  }
}

TEST(SplitScanner, NamesTheForkBehindANewline) {
  split_scanner scanner(splitter::cl100k);
  uint64_t ends[4];
  std::string text = "\n" + std::string(1000, ' ');
  std::string_view bytes = text;
  EXPECT_EQ(scanner.feed(bytes, ends), 0U);
  EXPECT_EQ(scanner.fork(), 1U);
  EXPECT_GE(scanner.certain(), 990U);
  bytes = "x";
  EXPECT_EQ(scanner.feed(bytes, ends), 2U);
  EXPECT_EQ(ends[0], 1U);
  EXPECT_EQ(ends[1], 1000U);
}

TEST(SplitScanner, NamesTheForkBehindALetterWithoutCase) {
  split_scanner scanner(splitter::o200k);
  uint64_t ends[4];
  std::string text = " 中" + std::string(1000, 'A');
  std::string_view bytes = text;
  EXPECT_EQ(scanner.feed(bytes, ends), 0U);
  EXPECT_EQ(scanner.fork(), 4U);
  auto lower = scanner;
  bytes = "a";
  EXPECT_EQ(lower.feed(bytes, ends), 0U);
  EXPECT_EQ(lower.fork(), 0U);
  bytes = " ";
  EXPECT_EQ(scanner.feed(bytes, ends), 2U);
  EXPECT_EQ(ends[0], 4U);
  EXPECT_EQ(ends[1], 1004U);
}

TEST(SplitScanner, MakesAsManyGroupsOfDigitsWithoutEnd) {
  for (size_t digits : {299U, 300U, 301U, 100000U}) {
    for (std::string_view then : {"", "a", "."}) {
      auto text = "x " + std::string(digits, '7') + std::string(then);
      for (const auto& chunks : {std::vector<size_t>{1}, std::vector<size_t>{64}, std::vector<size_t>{5, 1000}}) {
        auto found = scanned(splitter::command_a, text, chunks);
        EXPECT_EQ(found.size(), whole(splitter::command_a, text).size());
        EXPECT_EQ(found.back(), text.size());
      }
    }
  }
}

TEST(SplitScanner, BeginsAnewWhenFinished) {
  split_scanner scanner(splitter::gpt2);
  uint64_t ends[4];
  for (int i = 0; i < 2; ++i) {
    std::string_view bytes = "a b";
    EXPECT_EQ(scanner.feed(bytes, ends), 1U);
    EXPECT_EQ(scanner.finish(ends), 1U);
    EXPECT_EQ(ends[0], 3U);
    EXPECT_EQ(scanner.finish(ends), 0U);
  }
}

}  // namespace
}  // namespace nexus::tokenizer
