// Where merging can never cross: between two neighbouring characters that no token holds side by side. The parts are
// then encoded one by one, which is exact and keeps long runs (Chinese, whole SentencePiece texts) in small pieces that
// caches know. A hashed set of pairs: a false "may join" only costs time. Constant once built.
#pragma once

#include "tokenizer/unicode.hpp"
#include "tokenizer/vocabulary.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace nexus::tokenizer {

class cut_table {
 public:
  explicit cut_table(const vocabulary& words);

  /// Returns whether merging may cross the border between the character that ends at `left` and the one that begins at
  /// `right`, told by code points and the bytes beside the border.
  bool may_join(char32_t left, char32_t right, unsigned char last_byte) const {
    if (left < 0x80 && right < 0x80) return bit(ascii_, left << 7 | right);
    return bit(pairs_, pair_slot(left, right)) || bit(tails_, tail_slot(last_byte, right));
  }

  /// Calls `visit(begin, end)` for the parts of a text of valid UTF-8 that merging does not join.
  template <class Visit>
  void for_each_part(std::string_view text, Visit&& visit) const {
    const char* begin = text.data();
    const char* end = begin + text.size();
    if (begin == end) return;
    const char* p = begin;
    for (char32_t left = read(p); p != end;) {
      const char* border = p;
      const char32_t right = read(p);
      if (!may_join(left, right, static_cast<unsigned char>(border[-1]))) {
        visit(begin, border);
        begin = border;
      }
      left = right;
    }
    visit(begin, end);
  }

  /// Returns the first place after `begin` where the text may be cut, or its size. `begin` is a border of characters
  /// of valid UTF-8.
  size_t next(std::string_view text, size_t begin) const;

  size_t memory() const { return (ascii_.size() + pairs_.size() + tails_.size()) * 8; }

 private:
  static constexpr unsigned pair_bits = 19;
  static constexpr unsigned tail_bits = 15;

  // Characters of four bytes go by their first two, because a token may end after one of them: so there are few.
  static uint32_t group(char32_t c) { return static_cast<uint32_t>(c < 0x10000 ? c : 0x10000 + (c >> 12)); }
  static uint32_t pair_slot(char32_t left, char32_t right) {
    return (group(left) * 0x9E3779B1U + group(right) * 0x85EBCA77U) >> (32 - pair_bits);
  }
  static uint32_t tail_slot(unsigned char last_byte, char32_t right) {
    return (uint32_t{last_byte} * 0x9E3779B1U + group(right) * 0x85EBCA77U) >> (32 - tail_bits);
  }
  // Takes a character of valid UTF-8.
  static char32_t read(const char*& p) {
    const auto at = [&p](ptrdiff_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(p[i])); };
    const uint32_t lead = at(0);
    if (lead < 0x80) return ++p, lead;
    if (lead < 0xE0) return p += 2, (lead & 0x1F) << 6 | (at(-1) & 0x3F);
    if (lead < 0xF0) return p += 3, (lead & 0x0F) << 12 | (at(-2) & 0x3F) << 6 | (at(-1) & 0x3F);
    return p += 4, (lead & 0x07) << 18 | (at(-3) & 0x3F) << 12 | (at(-2) & 0x3F) << 6 | (at(-1) & 0x3F);
  }
  static bool bit(const std::vector<uint64_t>& bits, uint32_t at) { return bits[at >> 6] >> (at & 63) & 1; }
  static void mark(std::vector<uint64_t>& bits, uint32_t at) { bits[at >> 6] |= uint64_t{1} << (at & 63); }

  void add(std::string_view token);
  void add_border(std::string_view left, bool left_whole, std::string_view right);

  std::vector<uint64_t> ascii_;  // both characters are ASCII
  std::vector<uint64_t> pairs_;  // tokens that hold the left character whole
  std::vector<uint64_t> tails_;  // tokens that begin inside it
};

}  // namespace nexus::tokenizer
