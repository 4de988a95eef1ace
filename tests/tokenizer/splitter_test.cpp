#include "tokenizer/splitter.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/tokenizer/reference_splitter.hpp"
#include "tests/tokenizer/splitter_texts.hpp"

namespace nexus::tokenizer {
namespace {

std::vector<std::string> pieces(splitter kind, std::string_view text) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    auto end = piece_end(kind, text, begin);
    out.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

std::vector<uint32_t> ends_one_by_one(splitter kind, std::string_view text, unicode_version version) {
  std::vector<uint32_t> ends;
  for (size_t begin = 0; begin < text.size();) {
    begin = piece_end(kind, text, begin, version);
    ends.push_back(static_cast<uint32_t>(begin));
  }
  return ends;
}

std::vector<uint32_t> ends_in_blocks(splitter kind, std::string_view text, unicode_version version,
                                     instruction_set set = instruction_set::avx512, size_t room = 64) {
  std::vector<uint32_t> ends, some(room);
  size_t begin = 0;
  while (auto count = split(kind, text, begin, some, true, version, set)) {
    ends.insert(ends.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
    begin = ends.back();
  }
  return ends;
}

std::string shown(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (c >= 0x20 && c < 0x7f) {
      out += static_cast<char>(c);
    } else {
      out += "\\x" + std::string(1, "0123456789abcdef"[c >> 4]) + "0123456789abcdef"[c & 15];
    }
  }
  return out;
}

void expect_same(splitter kind, std::string_view text, unicode_version version = unicode_version::v16) {
  auto wanted = reference::split(kind, text, version);
  auto name = splitters()[static_cast<size_t>(kind)].name;
  ASSERT_EQ(ends_one_by_one(kind, text, version), wanted) << name << ": " << shown(text);
  for (auto set : {instruction_set::plain, instruction_set::avx2, instruction_set::avx512}) {
    ASSERT_EQ(ends_in_blocks(kind, text, version, set, 3 + text.size() % 61), wanted) << name << ": " << shown(text);
  }
}

using list = std::vector<std::string>;

TEST(Splitter, FollowsGpt2) {
  EXPECT_EQ(pieces(splitter::gpt2, "I'll DON'T  go 123x\n\n y."),
            (list{"I", "'ll", " DON", "'", "T", " ", " go", " 123", "x", "\n\n", " y", "."}));
}

TEST(Splitter, FollowsCl100k) {
  EXPECT_EQ(pieces(splitter::cl100k, "I'LL (foo) 12345\t\tx  \n  y !!\n\n"),
            (list{"I", "'LL", " (", "foo", ")", " ", "123", "45", "\t", "\tx", "  \n", " ", " y", " !!\n\n"}));
}

TEST(Splitter, TakesDigitsOneByOneForQwen) {
  EXPECT_EQ(pieces(splitter::qwen, "a 123"), (list{"a", " ", "1", "2", "3"}));
}

TEST(Splitter, KeepsMarksInWordsForQwen3_6) {
  EXPECT_EQ(pieces(splitter::qwen3_6, "e\u0301f!!\u0301"), (list{"e\u0301f", "!!", "\u0301"}));
  EXPECT_EQ(pieces(splitter::qwen, "e\u0301f!!\u0301"), (list{"e", "\u0301f", "!!\u0301"}));
}

TEST(Splitter, CutsWhereCaseChangesForO200k) {
  EXPECT_EQ(pieces(splitter::o200k, "iPhone XMLHttp HTML's 中文ABC! ABC中ABC"),
            (list{"i", "Phone", " XMLHttp", " HTML's", " 中文", "ABC", "!", " ABC中", "ABC"}));
}

TEST(Splitter, LeavesAMarkAloneBeforeCapitalsForO200k) {
  EXPECT_EQ(pieces(splitter::o200k, "\u0301ABC"), (list{"\u0301", "ABC"}));
  EXPECT_EQ(pieces(splitter::o200k, "\u0301ABc"), (list{"\u0301ABc"}));
}

TEST(Splitter, TakesSlashesAfterPunctuationForO200k) {
  EXPECT_EQ(pieces(splitter::o200k, "a //\n//x"), (list{"a", " //\n//", "x"}));
  EXPECT_EQ(pieces(splitter::kimi, "a //\n//x"), (list{"a", " //\n", "//", "x"}));
}

TEST(Splitter, KnowsTheLongS) {
  EXPECT_EQ(pieces(splitter::cl100k, "it'\u017f"), (list{"it", "'\u017f"}));
  EXPECT_EQ(pieces(splitter::o200k, "it'\u017f"), (list{"it'\u017f"}));
  EXPECT_EQ(pieces(splitter::gpt2, "it'\u017f"), (list{"it", "'", "\u017f"}));
}

TEST(Splitter, HasNoContractionsForTekken) {
  EXPECT_EQ(pieces(splitter::tekken, "it's 12"), (list{"it", "'s", " ", "1", "2"}));
  EXPECT_EQ(pieces(splitter::tekken, "it'll"), (list{"it", "'ll"}));
}

TEST(Splitter, TakesRunsOfHanFirstForKimi) {
  EXPECT_EQ(pieces(splitter::kimi, "a中文b 中〇⺀"), (list{"a", "中文", "b", " ", "中〇⺀"}));
}

TEST(Splitter, SplitsInThreePassesForDeepSeek) {
  EXPECT_EQ(pieces(splitter::deepseek_v3, "a  1234 中ア・イx .foo\x01\x02y"),
            (list{"a", "  ", "123", "4", " ", "中ア", "・", "イ", "x", " .", "foo", "\x01", "\x02y"}));
}

TEST(Splitter, IsolatesDigitsForCommandR) {
  EXPECT_EQ(pieces(splitter::command_r, "a  12 b"), (list{"a", "  ", "1", "2", " b"}));
}

TEST(Splitter, GroupsDigitsFromTheRightForCommandA) {
  EXPECT_EQ(pieces(splitter::command_a, "x  12345."), (list{"x", "  ", "12", "345", "."}));
  EXPECT_EQ(pieces(splitter::command_a, "x  12345a"), (list{"x", " ", " ", "123", "45", "a"}));
}

TEST(Splitter, LeavesTheTextWholeWithoutASplitter) { EXPECT_EQ(pieces(splitter::none, "a b\n"), (list{"a b\n"})); }

TEST(Splitter, AgreesWithTheReferenceOnCodePointsOfAllBlocks) {
  for (const auto& row : splitters()) {
    for (char32_t code = 0; code <= 0x10ffff; code += code < 0x300 ? 1 : 211) {
      if (code >= 0xd800 && code < 0xe000) continue;
      // Alone, before a letter, a capital, a sign, behind spaces and a digit: each context in which a class decides.
      auto c = utf8(code);
      expect_same(row.kind, c + "a " + c + "B!" + c + "1" + c + c + "C中" + c + "D");
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Splitter, AgreesWithTheReferenceOnRandomTexts) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 4000; ++i) {
    auto text = random_text(random, 24);
    for (const auto& row : splitters()) {
      expect_same(row.kind, text, i % 2 == 0 ? unicode_version::v16 : unicode_version::v17);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Splitter, AgreesWithTheReferenceOnCodeAndProse) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 1000; ++i) {
    auto text = random_ascii(random, 80);
    for (const auto& row : splitters()) {
      expect_same(row.kind, text);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Splitter, WritesOnlyWhatNoContinuationChanges) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    auto text = random_text(random, 12);
    auto cut = text.size() == 0 ? 0 : random() % text.size();
    for (const auto& row : splitters()) {
      auto all = reference::split(row.kind, text, unicode_version::v16);
      std::vector<uint32_t> certain(text.size() + 1);
      certain.resize(split(row.kind, std::string_view(text).substr(0, cut), 0, certain, false));
      ASSERT_LE(certain.size(), all.size());
      all.resize(certain.size());
      ASSERT_EQ(certain, all) << row.name << ": " << shown(text) << " cut at " << cut;
    }
  }
}

TEST(Splitter, StopsWhenTheRoomIsFull) {
  uint32_t ends[2];
  EXPECT_EQ(split(splitter::cl100k, "a b c d", 0, ends), 2U);
  EXPECT_EQ(ends[1], 3U);
  EXPECT_EQ(split(splitter::cl100k, "a b c d", 3, ends), 2U);
  EXPECT_EQ(split(splitter::cl100k, "a b c d", 7, ends), 0U);
  EXPECT_EQ(split(splitter::cl100k, "a b c d", 0, std::span<uint32_t>()), 0U);
}

TEST(Splitter, ReadsNothingBehindTheText) {
  // The texts end where a page that cannot be read begins.
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto* pages = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  char* guard = static_cast<char*>(pages) + page;
  ASSERT_EQ(mprotect(guard, page, PROT_NONE), 0);
  std::mt19937_64 random(4);
  for (int i = 0; i < 2000; ++i) {
    auto text = i % 2 == 0 ? random_text(random, 40) : random_ascii(random, 60);
    std::memcpy(guard - text.size(), text.data(), text.size());
    std::string_view guarded(guard - text.size(), text.size());
    for (const auto& row : splitters()) {
      for (auto set : {instruction_set::plain, instruction_set::avx2, instruction_set::avx512}) {
        EXPECT_EQ(ends_in_blocks(row.kind, guarded, unicode_version::v16, set),
                  ends_one_by_one(row.kind, text, unicode_version::v16));
      }
    }
  }
  munmap(pages, 2 * page);
}

TEST(Splitter, TakesLinearStepsThroughLongRuns) {
  // Each would need minutes if a piece were looked for from its beginning again and again.
  for (std::string_view unit : {"a", "A", " ", "中", "1", "'", "\n", "中A", "\u0301", "\x01"}) {
    std::string text;
    for (int i = 0; i < 40000; ++i) text += unit;
    for (const auto& row : splitters()) {
      EXPECT_EQ(ends_in_blocks(row.kind, text, unicode_version::v16).back(), text.size());
    }
  }
}

TEST(Splitter, IsRecognisedByItsPatterns) {
  for (const auto& row : splitters()) {
    std::vector<split_step> steps;
    for (auto pattern : row.patterns) steps.push_back({split_step::type::regex, pattern});
    EXPECT_EQ(recognise(steps), row.kind) << row.name;
  }
}

TEST(Splitter, IsRecognisedInOtherSpellings) {
  EXPECT_EQ(recognise("'(?i:[sdmt]|ll|ve|re)|[^\r\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\r\n]*+"
                      "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
            splitter::cl100k);
  split_step digits[] = {{split_step::type::single_digits}, {split_step::type::byte_level_regex}};
  EXPECT_EQ(recognise(digits), splitter::command_r);
  EXPECT_EQ(recognise(std::span(digits).subspan(1)), splitter::gpt2);
}

TEST(Splitter, IsNotRecognisedWhenUnknown) {
  EXPECT_EQ(recognise("\\w+|\\W"), std::nullopt);
  EXPECT_EQ(recognise(""), std::nullopt);
  // White space at the end of the text would be one piece here, newlines or not.
  EXPECT_EQ(
      recognise("'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+"
                "|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"),
      std::nullopt);
  // A plus less in DeepSeek's list of signs is another grammar.
  std::string signs(splitters()[static_cast<size_t>(splitter::deepseek_v3)].patterns[2]);
  signs.erase(signs.find("*+,") + 1, 1);
  split_step steps[] = {{split_step::type::regex, R"(\p{N}{1,3})"},
                        {split_step::type::regex, "[一-龥぀-ゟ゠-ヿ]+"},
                        {split_step::type::regex, signs}};
  EXPECT_EQ(recognise(steps), std::nullopt);
}

}  // namespace
}  // namespace nexus::tokenizer
