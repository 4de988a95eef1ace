// The exact scalar splitter: one piece at a time, written once for all grammars, for splitter.cpp and its parts only.
#pragma once

#include "tokenizer/grammar.hpp"
#include "tokenizer/unicode.hpp"

namespace nexus::tokenizer {

/// Reads characters with their classes and remembers whether it looked at or past the end of the text: if not, what
/// was decided stands whatever follows.
class reader {
 public:
  struct character {
    class_set bit;  // one bit; sets::end if there is none
    uint8_t size;
    char32_t code_point;
    constexpr bool in(class_set set) const { return (bit & set) != 0; }
  };
  /// Beyond which characters a stretch ends.
  enum class stretch : uint8_t { all, words, kana };

  reader(std::string_view text, unicode_version version) : text_(text), version_(version) {}

  template <stretch_rule Rule>
  [[gnu::always_inline]] character at(size_t position) {
    auto found = raw(position);
    // Where grouped digits end a stretch takes a look ahead, which is left to those who need to know.
    if constexpr (Rule == stretch_rule::none || Rule == stretch_rule::grouped_digits) return found;
    if (is_outside<Rule>(found)) return {sets::end, 0, 0};
    return found;
  }

  struct digit_run {
    size_t count;
    bool grouped;  // split in threes from its end: nothing that makes a word follows
  };
  digit_run digits_from(size_t position) {
    size_t count = 0;
    auto next = raw(position);
    for (; next.in(sets::digits); next = raw(position)) {
      position += next.size;
      ++count;
    }
    return {count, !next.in(sets::word_characters)};
  }

  /// Returns whether a digit ends at `position`.
  bool is_behind_digit(size_t position) {
    for (size_t back = 1; back <= 4 && back <= position; ++back) {
      auto previous = raw(position - back);
      if (previous.size == back) return previous.in(sets::digits);
    }
    return false;
  }

  /// Returns the character, whatever the stretch.
  [[gnu::always_inline]] character raw(size_t position) {
    if (position >= text_.size()) {
      touched_end_ = true;
      return {sets::end, 0, 0};
    }
    auto byte = static_cast<uint8_t>(text_[position]);
    if (byte < 0x80) return {set_of(class_of(byte, version_)), 1, byte};
    size_t left = text_.size() - position;
    if (byte >= 0xe1 && byte != 0xed && byte <= 0xef && left >= 3) {
      // None of three bytes that begin so is overlong or a surrogate.
      auto second = static_cast<uint8_t>(text_[position + 1] ^ 0x80),
           third = static_cast<uint8_t>(text_[position + 2] ^ 0x80);
      if ((second | third) < 0x40) {
        char32_t code = (byte & 15U) << 12 | second << 6U | third;
        bool unified = code >= 0x4e00 && code <= 0x9fff;
        return {set_of(unified ? char_class::han_letter : class_of(code, version_)), 3, code};
      }
    } else if (byte >= 0xc2 && byte <= 0xdf && left >= 2) {
      auto second = static_cast<uint8_t>(text_[position + 1] ^ 0x80);
      char32_t code = (byte & 31U) << 6 | second;
      if (second < 0x40) return {set_of(class_of(code, version_)), 2, code};
    }
    return decoded_at(position);
  }

  void enter(stretch kind) { stretch_ = kind; }
  bool touched_end() const { return touched_end_; }
  size_t size() const { return text_.size(); }

  /// Returns whether DeepSeek's second pattern takes it: [一-龥぀-ゟ゠-ヿ].
  static constexpr bool is_kana_or_han(char32_t code) {
    return (code >= 0x4e00 && code <= 0x9fa5) || (code >= 0x3040 && code <= 0x30ff);
  }

 private:
  [[gnu::noinline]] character decoded_at(size_t position) {
    auto character = decode(text_, position);
    touched_end_ |= character.incomplete;
    return {set_of(class_of(character.code_point, version_)), character.size, character.code_point};
  }

  template <stretch_rule Rule>
  bool is_outside(const character& found) const {
    if constexpr (Rule == stretch_rule::single_digits) return found.in(sets::numbers);
    if (stretch_ == stretch::kana) return !is_kana_or_han(found.code_point);
    return found.in(sets::numbers) || is_kana_or_han(found.code_point);
  }

  std::string_view text_;
  unicode_version version_;
  stretch stretch_ = stretch::all;
  bool touched_end_ = false;
};

/// Finds the end of one piece. Each member function is one alternative of the regular expression, in its order, and
/// returns 0 if it does not match.
template <grammar G>
class piece_finder {
 public:
  piece_finder(reader& text, size_t begin) : text_(text), begin_(begin) {}

  size_t end() {
    first_ = text_.raw(begin_);
    if constexpr (G.stretches != stretch_rule::none) {
      if (first_.in(sets::numbers)) return numbers();
      if constexpr (G.stretches == stretch_rule::numbers_and_kana) {
        bool kana = reader::is_kana_or_han(first_.code_point);
        text_.enter(kana ? reader::stretch::kana : reader::stretch::words);
      }
    }
    if constexpr (G.first != 0) {
      if (first_.in(G.first)) return run(begin_, G.first);
    }
    if constexpr (G.contractions == contraction_rule::before || G.contractions == contraction_rule::before_exact_case) {
      if (auto size = contraction(begin_)) return begin_ + size;
    }
    if (auto end = word()) return end;
    if (first_.in(sets::numbers)) return numbers();
    if (auto end = punctuation()) return end;
    if (first_.in(sets::white)) return white_space();
    return unmatched();
  }

 private:
  using character = reader::character;
  [[gnu::always_inline]] character at(size_t position) { return text_.template at<G.stretches>(position); }

  size_t run(size_t from, class_set set) {
    for (auto next = at(from); next.in(set); next = at(from)) from += next.size;
    return from;
  }

  /// '(?i:s|t|re|ve|m|ll|d), where U+017F is an s, too.
  size_t contraction(size_t from) {
    if (at(from).code_point != '\'') return 0;
    auto fold = [](const character& found) -> char32_t {
      if (G.contractions == contraction_rule::before_exact_case) return found.code_point;
      if (found.code_point == 0x17f) return U's';
      return found.code_point >= 'A' && found.code_point <= 'Z' ? found.code_point + 32 : found.code_point;
    };
    auto one = at(from + 1);
    auto letter = fold(one);
    if (letter == 's' || letter == 't' || letter == 'm' || letter == 'd') return 1 + one.size;
    if (letter != 'r' && letter != 'v' && letter != 'l') return 0;
    return fold(at(from + 2)) == (letter == 'l' ? U'l' : U'e') ? 3 : 0;
  }

  size_t word() {
    if constexpr (G.punctuated_ascii) {
      if (auto end = punctuated_ascii()) return end;
    }
    if constexpr (G.words == word_rule::cased) return cased_word();
    if constexpr (G.space_prefix) {
      auto from = begin_ + (first_.code_point == ' ');
      if (auto end = run(from, G.word); end > from) return end;
      if (auto end = run(from, sets::numbers); end > from) return end;
      return 0;
    }
    if (first_.in(G.word)) return run(begin_ + first_.size, G.word);
    if (!first_.in(G.prefix)) return 0;
    auto from = begin_ + first_.size;
    auto end = run(from, G.word);
    return end > from ? end : 0;
  }

  /// [!"#…~][A-Za-z]+
  size_t punctuated_ascii() {
    if (first_.code_point >= 0x80 || !first_.in(sets::signs)) return 0;
    auto from = begin_ + 1;
    auto is_ascii_letter = [](const character& found) { return found.code_point < 0x80 && found.in(sets::letters); };
    while (is_ascii_letter(at(from))) ++from;
    return from > begin_ + 1 ? from : 0;
  }

  /// prefix? upper* lower+ or prefix? upper+ lower*, each with what a contraction adds.
  size_t cased_word() {
    bool prefixed = first_.in(G.prefix);
    size_t from = begin_ + (prefixed ? first_.size : 0);
    size_t end = from, backed = 0;  // backed: behind the last character that both parts may hold
    auto next = at(end);
    for (; next.in(G.upper); next = at(end)) {
      end += next.size;
      if (next.in(G.lower)) backed = end;
    }
    if (next.in(G.lower)) {
      end = run(end, G.lower);
    } else if (backed != 0) {
      end = backed;
    } else if (prefixed && first_.in(G.lower)) {
      end = from;  // a mark, which is no prefix after all but the word
    } else if (end == from) {
      return 0;
    }
    if constexpr (G.contractions == contraction_rule::after) end += contraction(end);
    return end;
  }

  size_t numbers() {
    if constexpr (G.digits_max == 0) return run(begin_, sets::numbers);
    size_t limit = G.digits_max;
    // Inside a run of digits whole groups follow, whichever end they are counted from.
    if (G.stretches == stretch_rule::grouped_digits && first_.in(sets::digits) && !text_.is_behind_digit(begin_)) {
      if (auto digits = text_.digits_from(begin_); digits.grouped) limit = (digits.count - 1) % 3 + 1;
    }
    auto end = begin_;
    bool in_run = true;
    auto next = first_;
    for (size_t i = 0; i < limit && next.in(sets::numbers); ++i) {
      end += next.size;
      if (i + 1 == limit) break;
      in_run = next.in(sets::digits) || G.stretches != stretch_rule::grouped_digits;
      next = text_.raw(end);
      if (next.in(sets::digits) && !in_run && text_.digits_from(end).grouped) break;
    }
    return end;
  }

  size_t punctuation() {
    auto from = begin_ + (first_.code_point == ' ');
    auto end = run(from, G.punctuation);
    if (end == from) return 0;
    if constexpr (G.newline_tail) {
      for (auto next = at(end); next.in(sets::newlines) || (G.slash_tail && next.code_point == '/'); next = at(end)) {
        ++end;
      }
    }
    return end;
  }

  /// \s*[\r\n]+ or \s+(?!\S) or \s+
  size_t white_space() {
    auto end = begin_, last = begin_, newline_end = begin_;
    auto next = first_;
    for (; next.in(sets::white); next = at(end)) {
      last = end;
      end += next.size;
      if (next.in(sets::newlines)) newline_end = end;
    }
    if (G.newlines && newline_end != begin_) return newline_end;
    if (next.in(sets::end) || last == begin_) return end;
    bool grouped = G.stretches == stretch_rule::grouped_digits && next.in(sets::digits);
    return grouped && text_.digits_from(end).grouped ? end : last;
  }

  /// What no alternative takes, up to where one does: the last of it may stand before a word.
  size_t unmatched() {
    auto end = begin_, last = begin_;
    auto next = first_;
    for (; next.in(sets::others); next = at(end)) {
      last = end;
      end += next.size;
    }
    return next.in(G.word) && last != begin_ ? last : end;
  }

  reader& text_;
  size_t begin_;
  character first_{};
};

/// Calls `function` with the grammar as a template argument: function.template operator()<grammars::o200k>().
template <typename Function>
auto with_grammar(splitter kind, Function function) {
  switch (kind) {
    case splitter::none:
    case splitter::gpt2:
      return function.template operator()<grammars::gpt2>();
    case splitter::cl100k:
      return function.template operator()<grammars::cl100k>();
    case splitter::qwen:
      return function.template operator()<grammars::qwen>();
    case splitter::qwen3_6:
      return function.template operator()<grammars::qwen3_6>();
    case splitter::o200k:
      return function.template operator()<grammars::o200k>();
    case splitter::tekken:
      return function.template operator()<grammars::tekken>();
    case splitter::kimi:
      return function.template operator()<grammars::kimi>();
    case splitter::deepseek_v3:
      return function.template operator()<grammars::deepseek_v3>();
    case splitter::command_r:
      return function.template operator()<grammars::command_r>();
    case splitter::command_a:
      return function.template operator()<grammars::command_a>();
  }
  __builtin_unreachable();
}

inline size_t find_piece_end(splitter kind, reader& characters, size_t begin) {
  if (kind == splitter::none) {
    characters.raw(characters.size());
    return characters.size();
  }
  return with_grammar(kind, [&]<grammar G>() { return piece_finder<G>(characters, begin).end(); });
}

}  // namespace nexus::tokenizer
