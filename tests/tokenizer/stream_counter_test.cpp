#include "tokenizer/stream_counter.hpp"

#include "tests/tokenizer/fuzz_texts.hpp"
#include "tests/tokenizer/vectors.hpp"

#include <gtest/gtest.h>

namespace nexus::tokenizer {
namespace {

uint64_t count_in_chunks(const std::shared_ptr<const tokenizer>& one, std::string_view text,
                         const std::vector<size_t>& sizes) {
  stream_counter counter(one);
  for (size_t i = 0; !text.empty(); ++i) {
    const size_t size = std::min(sizes[i % sizes.size()], text.size());
    counter.feed(text.substr(0, size));
    text.remove_prefix(size);
  }
  return counter.finish();
}

std::string hex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[c & 15];
  }
  return out;
}

class StreamCounter : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const tokenizer> one_ = load(*encoding(GetParam())).value();
};

TEST_P(StreamCounter, CountsTheVectorsInChunksOfAnySize) {
  std::ifstream file(vectors_path(GetParam()));
  for (std::string line; std::getline(file, line);) {
    const vector_record record = read_record(line);
    if (record.allow) continue;
    for (const size_t size : {1, 7, 64, 4096}) {
      ASSERT_EQ(count_in_chunks(one_, record.text, {size}), record.n) << record.id << " in chunks of " << size;
    }
  }
}

TEST_P(StreamCounter, EqualsTheWholeForEveryChunking) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 600; ++i) {
    const std::string text = fuzz_text(random, one_->words());
    std::vector<size_t> sizes;
    for (int n = 0; n < 5; ++n) sizes.push_back(1 + random() % (random() % 3 == 0 ? 200 : 12));
    ASSERT_EQ(count_in_chunks(one_, text, sizes), one_->count(text))
        << "text " << i << " in chunks of " << testing::PrintToString(sizes) << ": " << hex(text);
  }
}

TEST_P(StreamCounter, CountsWhatWasFedSoFar) {
  const std::string text = "Hello, 世界! It's 12345 times\n\n  better <h1>now</h1>\t\té🙂 ";
  stream_counter counter(one_);
  for (size_t end = 0; end < text.size(); ++end) {
    ASSERT_EQ(counter.count(), one_->count(text.substr(0, end))) << "after " << end << " bytes";
    counter.feed(text.substr(end, 1));
  }
  EXPECT_EQ(counter.finish(), one_->count(text));
  EXPECT_EQ(counter.finish(), 0) << "it begins anew";
}

// Pieces that go on: no boundary, no cut, for far more than is remembered.
TEST_P(StreamCounter, CountsRunsWithoutAnEnd) {
  std::mt19937_64 random(8);
  std::vector<std::string> texts = {random_letters(random, 2000, 26), random_letters(random, 2000, 2)};
  for (const std::string unit :
       {"a", " ", "\n", " \n ", "aA", "é", "的", "_", "0", "🙂", "x\u0301", "\u00a0", "ªA"}) {
    std::string run;
    while (run.size() < 1200) run += unit;
    texts.push_back(run);
    texts.push_back("x" + run + "B\n" + run + "c");
    texts.push_back(run.substr(0, 700) + "\n" + std::string(900, ' ') + "x");
  }
  for (const std::string& text : texts) {
    ASSERT_EQ(count_in_chunks(one_, text, {1}), one_->count(text)) << hex(text.substr(0, 20));
    ASSERT_EQ(count_in_chunks(one_, text, {97, 3}), one_->count(text)) << hex(text.substr(0, 20));
  }
}

std::vector<std::string> bundled() {
  std::vector<std::string> names;
  for (const encoding_info& info : encodings()) {
    if (info.bundled()) names.emplace_back(info.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Bundled, StreamCounter, testing::ValuesIn(bundled()),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace nexus::tokenizer
