// Random texts that make merging hard: tokens side by side, runs, long pieces, scripts without spaces, broken UTF-8.
#pragma once

#include "tests/tokenizer/splitter_texts.hpp"
#include "tokenizer/vocabulary.hpp"

#include <random>
#include <string>

namespace nexus::tokenizer {

inline std::string random_tokens(std::mt19937_64& random, const vocabulary& words, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += words.bytes(static_cast<token_id>(random() % words.size()));
  return text;
}

inline std::string random_letters(std::mt19937_64& random, size_t size, unsigned kinds) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += static_cast<char>('a' + random() % kinds);
  return text;
}

inline std::string random_code_points(std::mt19937_64& random, size_t count, char32_t first, char32_t last) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    const char32_t c = first + static_cast<char32_t>(random() % (last - first + 1));
    if (c < 0xD800 || c > 0xDFFF) text += utf8(c);
  }
  return text;
}

inline std::string random_run(std::mt19937_64& random) {
  static const std::string units[] = {"a",  " ", "\n", "\t",   "-",  "=",    "ab", "aA",
                                      "的", "0", "_",  "\r\n", "ha", "🙂", "é"};
  std::string text;
  for (size_t runs = 1 + random() % 3; runs > 0; --runs) {
    const std::string& unit = units[random() % std::size(units)];
    for (size_t times = random() % 200; times > 0; --times) text += unit;
  }
  return text;
}

/// One text of a kind of its own for each number.
inline std::string fuzz_text(std::mt19937_64& random, const vocabulary& words) {
  switch (random() % 12) {
    case 0:
      return random_text(random, 1 + random() % 30);
    case 1:
      return random_ascii(random, 1 + random() % 40);
    case 2:
      return random_tokens(random, words, 1 + random() % 12);
    case 3:
      return random_letters(random, 1 + random() % 60, 26);
    case 4:
      return random_letters(random, random() % 30 == 0 ? 200 + random() % 800 : random() % 90,
                            2 + static_cast<unsigned>(random() % 4));
    case 5:
      return random_code_points(random, 1 + random() % 40, 0x4E00, 0x9FA5);
    case 6:
      return random_code_points(random, 1 + random() % 25, 0x20, 0x10FFFF);
    case 7:
      return random() % 4 == 0 ? random_run(random) : random_letters(random, 3, 3);
    case 8:
      return random_code_points(random, 1 + random() % 30, 0x1F300, 0x1F6FF);
    case 9:
      return random_code_points(random, 1 + random() % 40, 0x80, 0x7FF);
    case 10:
      return random_tokens(random, words, 2) + random_text(random, 3) + random_tokens(random, words, 2);
    default: {
      std::string text = random_text(random, 8);
      for (char& c : text) {
        if (random() % 12 == 0) c = static_cast<char>(random());
      }
      return text;
    }
  }
}

}  // namespace nexus::tokenizer
