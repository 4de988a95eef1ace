// Random texts that visit every branch of the splitters' grammars.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

inline std::string utf8(char32_t code) {
  std::string out;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 63));
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
  return out;
}

/// Words to draw from: each class, its Han form, contractions, what is special in one grammar or another, broken UTF-8.
inline const std::vector<std::string>& snippets() {
  static const std::vector<std::string> all = {"a",          "b",        "Z",          "Q",
                                               "é",          "Ж",        "ß",          "ǅ",
                                               "ʰ",          "中",       "文",         "か",
                                               "ー",         "の",       "・",         "゛",
                                               "\u3099",     "\u3040",   "ア",         "가",
                                               "ا",          "ª",        "々",         "〇",
                                               "⺀",         "㐀",       "\U00020000", "\u0301",
                                               "\u20dd",     "\ufe0f",   "\U00016ff0", "\U00016fe2",
                                               "1",          "2",        "7",          "٣",
                                               "½",          "Ⅷ",        "²",          "_",
                                               "‿",          "-",        "!",          "/",
                                               "'",          "’",        "\"",         "(",
                                               "。",         "$",        "+",          "^",
                                               "€",          "🙂",     "\u200d",     "\u200b",
                                               "\x01",       "\x7f",     "\u0085",     "\ue000",
                                               "\U000e0001", " ",        " ",          " ",
                                               "  ",         "\t",       "\u00a0",     "\u3000",
                                               "\u2028",     "\v",       "\n",         "\r",
                                               "\r\n",       "\n\n",     "'s",         "'S",
                                               "'ſ",         "'t",       "'re",        "'RE",
                                               "'vE",        "'m",       "'ll",        "'lL",
                                               "'d",         "'l",       "'r",         "'ve",
                                               "ſ",          "hello",    "World",      "ABC",
                                               "Hello",      "123",      "1234",       "\xff",
                                               "\xe4",       "\xe4\xb8", "\xc0\xaf",   "\xed\xa0\x80",
                                               "\xf0\x9f",   "\xf4\x90", "\xf0",       std::string(1, '\0')};
  return all;
}

/// Returns a text of up to `words` snippets; half of the texts draw from few of them, so that long runs come up.
inline std::string random_text(std::mt19937_64& random, size_t words) {
  const auto& all = snippets();
  auto draw = [&](size_t limit) { return static_cast<size_t>(random() % limit); };
  std::vector<size_t> few;
  if (draw(2) == 0) {
    for (size_t i = 0, n = 1 + draw(6); i < n; ++i) few.push_back(draw(all.size()));
  }
  std::string out;
  for (size_t i = 0, n = draw(words + 1); i < n; ++i) {
    out += all[few.empty() ? draw(all.size()) : few[draw(few.size())]];
  }
  return out;
}

/// Returns a text of ASCII only, of the shapes that code and prose have.
inline std::string random_ascii(std::mt19937_64& random, size_t words) {
  static constexpr std::string_view parts[] = {
      "the", "Quick", "BROWN", " ",    " ",   " ",       "  ",      "    ", "\n", "\r\n", "\t", "\v",
      "a",   "I",     "x",     "1",    "42",  "1234567", "'s",      "'LL",  "'",  "(",    ");", "//",
      "/",   "-",     "_",     "\x7f", "{\n", "iPhone",  "XMLHttp", ".",    ",",  "!"};
  std::string out;
  for (size_t i = 0, n = random() % (words + 1); i < n; ++i) out += parts[random() % std::size(parts)];
  return out;
}

}  // namespace nexus::tokenizer
