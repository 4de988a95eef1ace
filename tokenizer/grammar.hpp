// The splitters' grammars as data, for splitter.cpp and its parts only. A grammar is what its regular expression says,
// taken apart: which characters make a word, what may stand before it, how numbers and punctuation end.
#pragma once

#include "tokenizer/splitter.hpp"

namespace nexus::tokenizer {

/// A set of char_class, one bit each; bit 31 is the end of the text (or of the stretch that is split on its own).
using class_set = uint32_t;

template <typename... Class>
constexpr class_set set_of(Class... classes) {
  return (0U | ... | (1U << static_cast<unsigned>(classes)));
}

namespace sets {
using enum char_class;
constexpr class_set end = 1U << 31;
constexpr class_set cased_upper = set_of(upper);
constexpr class_set cased_lower = set_of(lower);
constexpr class_set letters = set_of(upper, lower, letter, han_letter);
constexpr class_set marks = set_of(mark, han_mark);
constexpr class_set numbers = set_of(digit, number, han_number);
constexpr class_set newlines = set_of(newline);
constexpr class_set white = set_of(space, newline);
constexpr class_set han = set_of(han_letter, han_mark, han_number, han_punctuation, han_symbol);
constexpr class_set digits = set_of(digit);
constexpr class_set signs = set_of(connector, punctuation, symbol, han_punctuation, han_symbol);
constexpr class_set others = set_of(other);
// What \b has no boundary between, as Command A's reference here (hypertok) sees it. Hugging Face's engine leaves out
// the 909 characters of No above U+00FF, which matters only directly behind a digit.
constexpr class_set word_characters = letters | marks | numbers | set_of(connector);
}  // namespace sets

enum class contraction_rule : uint8_t { none, before, before_exact_case, after };
enum class word_rule : uint8_t { plain, cased };
/// What splits first, so that the rest never sees across it.
enum class stretch_rule : uint8_t { none, single_digits, grouped_digits, numbers_and_kana };

struct grammar {
  contraction_rule contractions = contraction_rule::before;
  word_rule words = word_rule::plain;
  stretch_rule stretches = stretch_rule::none;
  class_set first = 0;            // runs of these are pieces before anything else
  class_set word = 0;             // plain: the characters of a word
  class_set upper = 0;            // cased: of its first part
  class_set lower = 0;            // cased: of its second part
  class_set prefix = 0;           // one of these may stand before a word
  bool space_prefix = false;      // only U+0020 may, before words, numbers and punctuation
  bool punctuated_ascii = false;  // one ASCII sign and ASCII letters are a word
  uint8_t digits_max = 3;         // 0: no limit
  class_set punctuation = 0;
  bool newline_tail = true;  // punctuation takes newlines that follow
  bool slash_tail = false;   // and slashes
  bool newlines = true;      // \s*[\r\n]+
};

constexpr class_set complement(class_set set) { return ~set & ~sets::end; }

namespace grammars {
using namespace sets;

constexpr class_set not_word_start = complement(newlines | letters | numbers);
constexpr class_set not_white_letter_number = complement(white | letters | numbers);

constexpr grammar gpt2 = {.contractions = contraction_rule::before_exact_case,
                          .word = letters,
                          .space_prefix = true,
                          .digits_max = 0,
                          .punctuation = not_white_letter_number,
                          .newline_tail = false,
                          .newlines = false};
constexpr grammar cl100k = {.word = letters, .prefix = not_word_start, .punctuation = not_white_letter_number};
constexpr grammar qwen = {
    .word = letters, .prefix = not_word_start, .digits_max = 1, .punctuation = not_white_letter_number};
constexpr grammar qwen3_6 = {.word = letters | marks,
                             .prefix = not_word_start,
                             .digits_max = 1,
                             .punctuation = complement(white | letters | marks | numbers)};
constexpr grammar o200k = {.contractions = contraction_rule::after,
                           .words = word_rule::cased,
                           .upper = (letters & ~cased_lower) | marks,
                           .lower = (letters & ~cased_upper) | marks,
                           .prefix = not_word_start,
                           .punctuation = not_white_letter_number,
                           .slash_tail = true};
constexpr grammar tekken = {.contractions = contraction_rule::none,
                            .words = word_rule::cased,
                            .upper = o200k.upper,
                            .lower = o200k.lower,
                            .prefix = not_word_start,
                            .digits_max = 1,
                            .punctuation = not_white_letter_number,
                            .slash_tail = true};
constexpr grammar kimi = {.contractions = contraction_rule::after,
                          .words = word_rule::cased,
                          .first = han,
                          .upper = o200k.upper & ~han,
                          .lower = o200k.lower & ~han,
                          .prefix = not_word_start,
                          .punctuation = not_white_letter_number};
constexpr grammar deepseek_v3 = {.contractions = contraction_rule::none,
                                 .stretches = stretch_rule::numbers_and_kana,
                                 .word = letters | marks,
                                 .prefix = complement(newlines | letters | signs),
                                 .punctuated_ascii = true,
                                 .punctuation = signs};
constexpr grammar command_r = {.contractions = contraction_rule::before_exact_case,
                               .stretches = stretch_rule::single_digits,
                               .word = letters,
                               .space_prefix = true,
                               .digits_max = 1,
                               .punctuation = not_white_letter_number,
                               .newline_tail = false,
                               .newlines = false};
constexpr grammar command_a = {.contractions = contraction_rule::after,
                               .words = word_rule::cased,
                               .stretches = stretch_rule::grouped_digits,
                               .upper = o200k.upper,
                               .lower = o200k.lower,
                               .prefix = not_word_start,
                               .punctuation = not_white_letter_number,
                               .slash_tail = true};
}  // namespace grammars

}  // namespace nexus::tokenizer
