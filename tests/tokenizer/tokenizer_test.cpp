#include "tokenizer/tokenizer.hpp"

#include "tests/tokenizer/fuzz_texts.hpp"
#include "tests/tokenizer/vectors.hpp"
#include "tokenizer/embedded_tables.hpp"
#include "tokenizer/text_form.hpp"
#include "tokenizer/vocabulary_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace nexus::tokenizer {
namespace {

class EveryEncoding : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const tokenizer> one_ = load(*encoding(GetParam())).value();
  std::string form(const std::string& text) const {
    std::string own;
    return std::string(
        merging_form(text, one_->rules().normal, one_->words().symbols() == alphabet::characters, false, own));
  }
};

TEST_P(EveryEncoding, DecodesWhatItEncodes) {
  for (const vector_record& record : read_vectors("o200k_base")) {
    ASSERT_EQ(one_->decode(one_->encode(record.text)), form(record.text)) << record.id;
  }
}

TEST_P(EveryEncoding, DecodesEveryCodePoint) {
  std::string text;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c < 0xD800 || c > 0xDFFF) text += utf8(c);
    if (text.size() < 60'000 && c != 0x10FFFF) continue;
    ASSERT_EQ(one_->decode(one_->encode(text)), form(text)) << "up to " << static_cast<uint32_t>(c);
    text.clear();
  }
}

TEST_P(EveryEncoding, CountsInvalidBytesAsTheReplacementOfEachMaximalSubpart) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(one_->encode("a\xFFz"), one_->encode("a" + r + "z"));
  EXPECT_EQ(one_->encode("\xE4\xBDz"), one_->encode(r + "z"));
  EXPECT_EQ(one_->encode("\xED\xA0\x80"), one_->encode(r + r + r));
  EXPECT_EQ(one_->encode("\xF0\x9F\x99"), one_->encode(r));
  EXPECT_EQ(one_->encode("\xC0\xAF"), one_->encode(r + r));
}

TEST_P(EveryEncoding, StopsCountingBeyondALimit) {
  const std::string text = "One two three, four: 五六七.";
  const size_t count = one_->count(text);
  EXPECT_EQ(one_->count_up_to(text, count), count);
  EXPECT_EQ(one_->count_up_to(text, count - 1), std::nullopt);
  EXPECT_EQ(one_->count(""), 0);
  EXPECT_EQ(one_->count(std::string("\0", 1)), one_->rules().prefix_space ? 2 : 1);
}

TEST_P(EveryEncoding, FitsIntoMemory) { EXPECT_LE(one_->words().memory() + one_->cuts().memory(), size_t{25} << 20); }

// In steps, not in time: twice the text takes at most 2.3 times the steps.
TEST_P(EveryEncoding, NeedsStepsInProportionToTheText) {
  std::mt19937_64 random(3);
  const std::string letters = random_letters(random, 60'000, 26);
  const std::string wide = random_code_points(random, 20'000, 0x4E00, 0x9FA5);
  const std::string astral = random_code_points(random, 15'000, 0x10000, 0x10FFFF);
  std::vector<std::string> texts = {letters, wide, astral};
  for (const std::string unit : {"a", " ", "\n", "_", "的", "👨‍👩‍👧", "e\u0301\u0323", "aA"}) {
    std::string run;
    while (run.size() < 60'000) run += unit;
    texts.push_back(run);
  }
  for (const std::string& text : texts) {
    size_t half = text.size() / 2;
    while ((static_cast<unsigned char>(text[half]) & 0xC0) == 0x80) ++half;
    const auto steps = [&](std::string_view part) {
      merger merge;
      std::string own;
      merge.count(one_->words(), merging_form(part, one_->rules().normal, true, false, own));
      return merge.steps();
    };
    EXPECT_LE(static_cast<double>(steps(text)), 2.3 * static_cast<double>(steps(text.substr(0, half))) + 1000)
        << text.substr(0, 8);
  }
}

std::vector<std::string> bundled() {
  std::vector<std::string> names;
  for (const encoding_info& info : encodings()) {
    if (info.bundled()) names.emplace_back(info.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Bundled, EveryEncoding, testing::ValuesIn(bundled()),
                         [](const auto& one) { return one.param; });

TEST(Tokenizer, IsSharedBetweenThreads) {
  const auto one = load(*encoding("cl100k_base")).value();
  const auto other = load(*encoding("llama3")).value();
  const auto third = load(*encoding("llama2")).value();
  const std::string text = "Threads share the tokenizer, 每个线程都有自己的缓存.";
  const size_t expected[] = {one->count(text), other->count(text), third->count(text)};
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        wrong += one->count(text) != expected[0];
        wrong += other->count(text) != expected[1];
        wrong += third->count(text) != expected[2];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Found by fuzzing: as a part it had been kept with the count of its parts.
TEST(Tokenizer, CountsAWholeOnlyTokenAsOneAfterItWasAPart) {
  for (const auto* name : {"llama3", "glm5"}) {
    const auto one = load(*encoding(name)).value();
    for (token_id id = 0; id < one->words().size(); ++id) {
      if (one->words().kind(id) != token_kind::whole_only) continue;
      const std::string_view bytes = one->words().bytes(id);
      if (find_invalid(bytes) != bytes.size()) continue;  // no piece: it ends inside a character
      const size_t parts = one->pieces().count_part(bytes);
      ASSERT_GT(parts, 1) << name << " " << id;
      ASSERT_EQ(one->pieces().count(bytes), 1) << name << " " << id;
      ASSERT_EQ(one->pieces().count_part(bytes), parts) << name << " " << id;
    }
  }
}

TEST(Table, RefusesWhatWasChanged) {
  const std::string table(embedded_table("r50k_base"));
  ASSERT_TRUE(read_table(table));
  EXPECT_FALSE(read_table(""));
  EXPECT_FALSE(read_table("NXV0" + table.substr(4)));
  EXPECT_FALSE(read_table(table.substr(0, table.size() / 2)));
  for (size_t at = 4; at < table.size(); at += table.size() / 97) {
    std::string changed = table;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    EXPECT_FALSE(read_table(changed)) << "byte " << at;
  }
  const auto cut = read_table(table.substr(0, 100));
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message.find("byte "), std::string::npos);
}

TEST(Table, HoldsWhatWasWritten) {
  auto parts = read_table(embedded_table("llama3")).value();
  const auto again = read_table(write_table(parts)).value();
  EXPECT_EQ(again.arena, parts.arena);
  EXPECT_EQ(again.lengths, parts.lengths);
  EXPECT_EQ(again.kinds, parts.kinds);
  EXPECT_EQ(again.merges.size(), parts.merges.size());
  EXPECT_EQ(again.specials.size(), parts.specials.size());
}

TEST(Vocabulary, RefusesBrokenParts) {
  const auto parts = read_table(embedded_table("r50k_base")).value();
  const auto refused = [](vocabulary_parts changed) {
    const auto built = vocabulary::build(std::move(changed));
    return built ? std::string() : built.error().message;
  };
  auto changed = parts;
  changed.merges[7].left_bytes = 0;
  EXPECT_NE(refused(changed).find("merge 7 does not divide"), std::string::npos);
  changed = parts;
  changed.merges[7].merged = 60'000;
  EXPECT_NE(refused(changed).find("merge 7 has no product"), std::string::npos);
  changed = parts;
  changed.arena.pop_back();
  EXPECT_NE(refused(changed).find("lengths"), std::string::npos);
  changed = parts;
  changed.byte_tokens[65] = no_token;
  EXPECT_NE(refused(changed).find("byte"), std::string::npos);
  changed = parts;
  changed.kinds.pop_back();
  EXPECT_NE(refused(changed).find("kind"), std::string::npos);
  EXPECT_FALSE(vocabulary::build({}));
}

}  // namespace
}  // namespace nexus::tokenizer
