#include "tokenizer/normalizer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/tokenizer/splitter_texts.hpp"

namespace nexus::tokenizer {
namespace {

std::string nfc(std::string_view text) {
  std::string own;
  return std::string(normalise(text, normalizer::nfc, own));
}

std::string nfkc(std::string_view text) {
  std::string own;
  return std::string(normalise(text, normalizer::nfkc, own));
}

/// A text of valid UTF-8 in which marks, what composes and what decomposes are frequent.
std::string random_text_with_marks(std::mt19937_64& random, size_t characters) {
  static constexpr char32_t picks[] = {'a',     'e',     'o',     ' ',    0xe9,   0x1e69, 0x301,   0x316,
                                       0x323,   0x307,   0x345,   0x334,  0x4e2d, 0x1100, 0x1161,  0x11a8,
                                       0xac00,  0xac01,  0x3099,  0x304b, 0x212b, 0x2126, 0xfb01,  0xff21,
                                       0x113c2, 0x16d67, 0x1d15e, 0x958,  0x9c7,  0x9be,  0x1f600, 0xbd};
  std::string out;
  for (size_t i = 0, n = random() % (characters + 1); i < n; ++i) {
    out +=
        utf8(random() % 4 != 0 ? picks[random() % std::size(picks)] : static_cast<char32_t>(0xa0 + random() % 0x3000));
  }
  return out;
}

TEST(Normalizer, ComposesForNfc) {
  EXPECT_EQ(nfc("e\u0301a"), "\u00e9a");
  EXPECT_EQ(nfc("s\u0323\u0307"), "\u1e69");
  EXPECT_EQ(nfc("か\u3099"), "が");
  EXPECT_EQ(nfc("\u212b\u2126"), "\u00c5\u03a9");
  EXPECT_EQ(nfc("\u1100\u1161\u11a8"), "\uac01");
  EXPECT_EQ(nfc("\uac00\u11a8"), "\uac01");
  EXPECT_EQ(nfc("\uac01\u11a8"), "\uac01\u11a8");
}

TEST(Normalizer, OrdersMarksByTheirClass) {
  EXPECT_EQ(nfc("a\u0301\u0323"), "\u1ea1\u0301");
  EXPECT_EQ(nfc("x\u0301\u0323"), "x\u0323\u0301");
  EXPECT_EQ(nfc("x\u0301\u0300"), "x\u0301\u0300");
  EXPECT_EQ(nfc("\u0301\u0323"), "\u0323\u0301");
}

TEST(Normalizer, DoesNotComposeAcrossWhatBlocks) {
  EXPECT_EQ(nfc("e\u0300\u0301"), "\u00e8\u0301");
  EXPECT_EQ(nfc("e\u0334\u0301"), "\u00e9\u0334");
  EXPECT_EQ(nfc("a\u0591\u0301\u0301"), "\u00e1\u0591\u0301");
  EXPECT_EQ(nfc("e \u0301"), "e \u0301");
}

TEST(Normalizer, LeavesExcludedCompositionsApart) {
  EXPECT_EQ(nfc("\u0958"), "\u0915\u093c");
  EXPECT_EQ(nfc("\u0915\u093c"), "\u0915\u093c");
  EXPECT_EQ(nfc("\U0001d15e"), "\U0001d157\U0001d165");
}

TEST(Normalizer, ComposesWhatIsBothFirstAndSecond) {
  EXPECT_EQ(nfc("\U000113c2\U000113c5"), "\U000113c5\U000113c2");
  EXPECT_EQ(nfc("\U00016d67\U00016d67"), "\U00016d68");
}

TEST(Normalizer, DecomposesCompatibilityOnlyForNfkc) {
  EXPECT_EQ(nfkc("ﬁ Ａ½ ㈱\u00a0"), "fi A1\u20442 (株) ");
  EXPECT_EQ(nfkc("\u1e9b\u0323"), "\u1e69");
  EXPECT_EQ(nfkc("\ufdfa").size(), 33U);
  EXPECT_EQ(nfc("ﬁ Ａ½"), "ﬁ Ａ½");
}

TEST(Normalizer, ReturnsTheTextItselfIfNothingCanChange) {
  std::string own = "untouched";
  for (std::string_view text :
       {"", "plain text, 1234567890 and more of it", "中文，한국어, déjà vu", "x\u0334\u0316 q\u0489"}) {
    auto form = normalise(text, normalizer::nfc, own);
    EXPECT_EQ(form.data(), text.data());
    EXPECT_EQ(find_denormal(text, normalizer::nfc), text.size());
  }
  std::string_view any = "e\u0301";
  EXPECT_EQ(normalise(any, normalizer::none, own).data(), any.data());
  EXPECT_EQ(own, "untouched");
}

TEST(Normalizer, NamesTheFirstStretchToBeWrittenAnew) {
  EXPECT_EQ(find_denormal("abcdefghijkle\u0301x", normalizer::nfc), 12U);
  EXPECT_EQ(find_denormal("中か\u3099", normalizer::nfc), 3U);
  EXPECT_EQ(find_denormal("中か\u3099", normalizer::none), 9U);
}

TEST(Normalizer, IsIdempotent) {
  std::mt19937_64 random(21);
  for (int i = 0; i < 20000; ++i) {
    auto text = random_text_with_marks(random, 12);
    EXPECT_EQ(nfc(nfc(text)), nfc(text));
    EXPECT_EQ(nfkc(nfkc(text)), nfkc(text));
    EXPECT_EQ(nfkc(nfc(text)), nfkc(text));
  }
}

TEST(Normalizer, GivesTheSameInSettledPartsOfAnyChunks) {
  std::mt19937_64 random(22);
  for (int i = 0; i < 20000; ++i) {
    auto text = random_text_with_marks(random, 20);
    for (auto form : {normalizer::none, normalizer::nfc, normalizer::nfkc}) {
      std::string out, kept, own;
      for (size_t at = 0; at < text.size();) {
        auto size = 1 + random() % 5;
        kept.append(text, at, size);
        at += size;
        auto settled = settled_bytes(kept, form);
        if (form == normalizer::none) {
          EXPECT_EQ(settled, kept.size());
        }
        out += normalise(std::string_view(kept).substr(0, settled), form, own);
        kept.erase(0, settled);
      }
      out += normalise(kept, form, own);
      EXPECT_EQ(out, normalise(text, form, own)) << testing::PrintToString(text);
    }
  }
}

TEST(Normalizer, SettlesBeforeTheLastLetter) {
  EXPECT_EQ(settled_bytes("", normalizer::nfc), 0U);
  EXPECT_EQ(settled_bytes("abc", normalizer::nfc), 2U);
  EXPECT_EQ(settled_bytes("abe\u0301\u0301", normalizer::nfc), 2U);
  EXPECT_EQ(settled_bytes("abc\xe4\xb8", normalizer::nfc), 2U);
  EXPECT_EQ(settled_bytes("\u0301\u0301", normalizer::nfc), 0U);
}

TEST(Normalizer, CopesWithOneLetterOfAMillionMarks) {
  std::string text = "a";
  for (int i = 0; i < 500000; ++i) text += i % 2 == 0 ? "\u0301" : "\u0323";
  auto form = nfc(text);
  EXPECT_EQ(form.substr(0, 3), "\u1ea1");
  EXPECT_EQ(form.substr(form.size() - 2), "\u0301");
  EXPECT_EQ(form.size(), text.size());
}

}  // namespace
}  // namespace nexus::tokenizer
