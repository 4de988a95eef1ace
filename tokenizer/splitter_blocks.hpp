// Boundary algebra on 64 bytes of ASCII: from the classes of the characters as bit masks, bit 0 being the beginning of
// a piece, the beginnings of all pieces that are certain within the block. For splitter_blocks.cpp only; it must give
// what piece_end gives, which the tests compare.
#pragma once

#include <bit>
#include <cstdint>

#include "tokenizer/grammar.hpp"

namespace nexus::tokenizer {

struct block_masks {
  uint64_t upper, lower, digit, white, newline, space, slash, apostrophe, control, high;
};

[[gnu::always_inline]] constexpr uint64_t below(unsigned count) { return count >= 64 ? ~0ULL : (1ULL << count) - 1; }

/// Returns the length of the contraction at the apostrophe `at`, or 0. Needs three characters.
template <grammar G>
[[gnu::always_inline]] inline unsigned contraction_at(const char* bytes, unsigned at) {
  constexpr char fold = G.contractions == contraction_rule::before_exact_case ? 0 : 0x20;
  char one = static_cast<char>(bytes[at + 1] | fold);
  if (one == 's' || one == 't' || one == 'm' || one == 'd') return 2;
  char two = static_cast<char>(bytes[at + 2] | fold);
  return (one == 'l' && two == 'l') || ((one == 'r' || one == 'v') && two == 'e') ? 3 : 0;
}

/// Every digit, or each third of a run. A run's beginnings are its first digit and what lies three behind a beginning.
template <grammar G>
[[gnu::always_inline]] inline uint64_t digit_starts(uint64_t digit) {
  if constexpr (G.digits_max == 1) return digit;
  uint64_t starts = digit & ~(digit << 1);
  if constexpr (G.digits_max == 0) return starts;
  uint64_t whole = digit & digit << 1 & digit << 2 & digit << 3;
  for (uint64_t next = starts << 3 & whole; next != 0; next = next << 3 & whole) starts |= next;
  return starts;
}

/// Newlines, and slashes where the grammar says so, that belong to the punctuation before them.
template <grammar G>
[[gnu::always_inline]] inline uint64_t absorbed_tail(uint64_t sign, const block_masks& in) {
  if constexpr (!G.newline_tail) return 0;
  // Adding the first newline of a run carries through the run and so clears it.
  uint64_t absorbed = in.newline & ~(in.newline + (sign << 1 & in.newline));
  if constexpr (G.slash_tail) {
    uint64_t tail = in.newline | in.slash;
    for (uint64_t next = absorbed << 1 & tail & ~absorbed; next != 0; next = absorbed << 1 & tail & ~absorbed) {
      absorbed |= next;
    }
  }
  return absorbed;
}

/// Beginnings within white space: of a run, of its last character, and behind its last newline.
template <grammar G>
[[gnu::always_inline]] inline uint64_t white_starts(uint64_t white, uint64_t newline, uint64_t digit) {
  uint64_t last = white & ~(white >> 1);
  if constexpr (G.newlines) last &= ~newline;
  if constexpr (G.stretches == stretch_rule::single_digits || G.stretches == stretch_rule::numbers_and_kana) {
    last &= ~(digit >> 1);  // a stretch ends there, and with it the run
  }
  uint64_t starts = (white & ~(white << 1)) | last;
  if constexpr (!G.newlines) return starts;
  uint64_t plain = white & ~newline;
  uint64_t behind = newline << 1 & plain;
  uint64_t run_ends = (behind + plain) & ~plain;
  if ((run_ends & newline) != 0) [[unlikely]] {
    for (uint64_t each = behind; each != 0; each &= each - 1) {
      uint64_t bit = each & -each;
      if (((bit + plain) & ~plain & newline) != 0) behind &= ~bit;
    }
  }
  return starts | behind;
}

/// Takes contractions into account, in order, because one that was taken changes what is before the next.
template <grammar G>
[[gnu::always_inline]] inline uint64_t with_contractions(uint64_t starts, const char* bytes, const block_masks& in,
                                                         unsigned size) {
  if constexpr (G.contractions == contraction_rule::none) return starts;
  uint64_t letter = in.upper | in.lower;
  unsigned taken_end = 0;
  for (uint64_t each = in.apostrophe & letter >> 1; each != 0; each &= each - 1) {
    auto at = static_cast<unsigned>(std::countr_zero(each));
    if (at + 3 > size) break;
    uint64_t bit = 1ULL << at;
    if constexpr (G.contractions == contraction_rule::after) {
      // Only a word takes one, and only one.
      if ((letter << 1 & bit) == 0 || (taken_end != 0 && at == taken_end)) continue;
      auto length = contraction_at<G>(bytes, at);
      if (length == 0) continue;
      taken_end = at + length;
      starts &= ~(bit | bit << 1 | (length == 3 ? bit << 2 : 0));
    } else {
      if ((starts & bit) == 0 && at != 0) continue;
      auto length = contraction_at<G>(bytes, at);
      if (length == 0) continue;
      taken_end = at + length;
      starts &= ~(bit << 1);
    }
    starts |= taken_end < 64 ? 1ULL << taken_end : 0;
  }
  return starts;
}

/// Groups the digits of each run from its end if no word goes on there, and then leaves white space before it whole.
/// Takes back what is not certain because the run may go on.
template <grammar G>
[[gnu::always_inline]] inline uint64_t with_grouped_digits(uint64_t starts, const char* bytes, const block_masks& in,
                                                           unsigned size) {
  if constexpr (G.stretches != stretch_rule::grouped_digits) return starts;
  const uint64_t plain = in.white & ~in.newline;
  for (uint64_t each = in.digit & ~(in.digit << 1); each != 0; each &= each - 1) {
    auto begin = static_cast<unsigned>(std::countr_zero(each));
    auto end = begin + static_cast<unsigned>(std::countr_one(in.digit >> begin));
    if (end >= size) {
      uint64_t solid = below(begin) & ~in.white;
      return solid == 0 ? 0 : starts & below(65 - static_cast<unsigned>(std::countl_zero(solid)));
    }
    if ((in.upper | in.lower) >> end & 1 || bytes[end] == '_') continue;
    starts &= ~(below(end) & ~below(begin + 1));
    for (unsigned group = end; group > begin + 3; group -= 3) starts |= 1ULL << (group - 3);
    starts &= ~((each & -each & plain << 1 & plain << 2) >> 1);
  }
  return starts;
}

/// Returns the beginnings of pieces that `size` bytes of ASCII make certain; bit 0 is one, and not among them. The
/// bytes behind `size` may be anything.
template <grammar G>
[[gnu::always_inline]] inline uint64_t piece_starts(const block_masks& masks, const char* bytes, unsigned size) {
  block_masks in = masks;
  const uint64_t valid = below(size);
  in.upper &= valid, in.lower &= valid, in.digit &= valid, in.white &= valid, in.newline &= valid, in.space &= valid;
  in.slash &= valid, in.apostrophe &= valid;
  const uint64_t letter = in.upper | in.lower;
  uint64_t sign = valid & ~(letter | in.digit | in.white);
  // What follows decides in white space up to its end, in contractions two characters on.
  const uint64_t solid = valid & ~in.white;
  if (solid == 0 || size < 4) return 0;
  auto limit = std::min(size - 2, 65U - static_cast<unsigned>(std::countl_zero(solid)));

  const uint64_t absorbed = absorbed_tail<G>(sign, in);
  const uint64_t white = in.white & ~absorbed, newline = in.newline & ~absorbed;
  sign &= ~absorbed;
  uint64_t starts = white_starts<G>(white, newline, in.digit) | digit_starts<G>(in.digit);
  const uint64_t sign_starts = sign & ~(sign << 1) & ~(in.space << 1);
  starts |= sign_starts;
  uint64_t word_starts = letter & ~(letter << 1);
  if constexpr (G.space_prefix) {
    word_starts &= ~(in.space << 1);
    if constexpr (G.digits_max == 0) starts &= ~(in.digit & in.space << 1);
  } else {
    word_starts &= ~((white & ~newline) << 1) & ~(sign_starts << 1);
  }
  if constexpr (G.words == word_rule::cased) word_starts |= in.upper & in.lower << 1;
  starts |= word_starts;
  starts = with_contractions<G>(starts, bytes, in, size);
  starts = with_grouped_digits<G>(starts, bytes, in, size);
  return starts & below(limit) & ~1ULL;
}

}  // namespace nexus::tokenizer
