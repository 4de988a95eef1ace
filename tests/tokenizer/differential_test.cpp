// The tokenizer beside the plain reference implementation. NEXUS_FUZZ_STRINGS sets how many texts each encoding gets,
// NEXUS_FUZZ_SEED another sequence of them.
#include "tests/tokenizer/fuzz_texts.hpp"
#include "tests/tokenizer/reference_tokenizer.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace nexus::tokenizer {
namespace {

uint64_t number_of(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

std::string hex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[c & 15];
  }
  return out;
}

class Differential : public testing::TestWithParam<std::string> {};

TEST_P(Differential, EncodesAndCountsAsTheReferenceDoes) {
  const auto one = load(*encoding(GetParam()));
  ASSERT_TRUE(one) << one.error().message;
  const reference::reference_tokenizer plain(**one);
  std::mt19937_64 random(number_of("NEXUS_FUZZ_SEED", 1));
  const uint64_t strings = number_of("NEXUS_FUZZ_STRINGS", 1500);
  for (uint64_t i = 0; i < strings; ++i) {
    const std::string text = fuzz_text(random, (*one)->words());
    const auto expected = plain.encode(text);
    ASSERT_EQ((*one)->encode(text), expected) << "text " << i << ": " << hex(text);
    ASSERT_EQ((*one)->count(text), expected.size()) << "text " << i << ": " << hex(text);
  }
}

std::vector<std::string> bundled() {
  std::vector<std::string> names;
  for (const encoding_info& info : encodings()) {
    if (info.bundled()) names.emplace_back(info.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Bundled, Differential, testing::ValuesIn(bundled()),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace nexus::tokenizer
