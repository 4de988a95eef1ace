#include "tokenizer/text_features.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nexus::tokenizer {

namespace {

/// Bytes by what they are: one bit mask of 64 bytes for each.
enum kind : uint8_t {
  lower,
  upper,
  digit,
  mark,
  line,
  blank,
  tail,    // continuation byte
  lead_a,  // C2..CA: Latin
  lead_2,  // CB..DF
  lead_h,  // E4..E9: ideographs
  lead_j,  // E3: kana and CJK punctuation
  lead_k,  // EA..ED: hangul
  lead_f,  // EF: full width
  lead_3,  // E0..E2, EE
  lead_4,  // F0..
  cjk_80,  // 80, the second byte of CJK punctuation
};
static_assert(cjk_80 + 1 == text_features::kinds);

using masks = text_features::history;

constexpr uint16_t kinds_of(unsigned byte) {
  const auto bit = [](kind one) { return static_cast<uint16_t>(1U << one); };
  if (byte >= 'a' && byte <= 'z') return bit(lower);
  if (byte >= 'A' && byte <= 'Z') return bit(upper);
  if (byte >= '0' && byte <= '9') return bit(digit);
  if (byte == '\n' || byte == '\r') return bit(line);
  if (byte == ' ' || byte == '\t') return bit(blank);
  if (byte < 0x80) return bit(mark);
  if (byte == 0x80) return bit(tail) | bit(cjk_80);
  if (byte < 0xc0) return bit(tail);
  if (byte < 0xcb) return bit(lead_a);
  if (byte < 0xe0) return bit(lead_2);
  if (byte >= 0xf0) return bit(lead_4);
  if (byte >= 0xe4 && byte <= 0xe9) return bit(lead_h);
  if (byte == 0xe3) return bit(lead_j);
  if (byte == 0xef) return bit(lead_f);
  return byte >= 0xea && byte <= 0xed ? bit(lead_k) : bit(lead_3);
}

constexpr std::array<uint16_t, 256> make_table() {
  std::array<uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) table[byte] = kinds_of(byte);
  return table;
}

struct scalar_path {
  static masks read(const char* bytes) {
    static constexpr auto table = make_table();
    masks found{};
    for (unsigned i = 0; i < 64; ++i) {
      unsigned set = table[static_cast<unsigned char>(bytes[i])];
      for (; set != 0; set &= set - 1) found[static_cast<size_t>(std::countr_zero(set))] |= uint64_t{1} << i;
    }
    return found;
  }
};

#if defined(__x86_64__)

// Ranges of unsigned bytes by signed comparison: shifted so that the range ends at the highest signed value.
struct sse2_path {
  static uint64_t mask(const __m128i (&part)[4], unsigned from, unsigned to) {
    const __m128i shift = _mm_set1_epi8(static_cast<char>(127 - to));
    const __m128i least = _mm_set1_epi8(static_cast<char>(127 - (to - from) - 1));
    uint64_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) {
      const __m128i inside = _mm_cmpgt_epi8(_mm_add_epi8(part[i], shift), least);
      bits |= uint64_t{static_cast<uint16_t>(_mm_movemask_epi8(inside))} << (16 * i);
    }
    return bits;
  }
  static masks read(const char* bytes) {
    __m128i part[4];
    for (unsigned i = 0; i < 4; ++i) part[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + i);
    return from_ranges([&](unsigned from, unsigned to) { return mask(part, from, to); });
  }

  template <class Range>
  [[gnu::always_inline]] static inline masks from_ranges(const Range& range) {
    masks found;
    found[lower] = range('a', 'z');
    found[upper] = range('A', 'Z');
    found[digit] = range('0', '9');
    found[line] = range('\n', '\n') | range('\r', '\r');
    found[blank] = range(' ', ' ') | range('\t', '\t');
    const uint64_t high = range(0x80, 0xff);
    found[mark] = ~(high | found[lower] | found[upper] | found[digit] | found[line] | found[blank]);
    for (size_t k = tail; k < masks{}.size(); ++k) found[k] = 0;
    if (high == 0) return found;
    found[tail] = range(0x80, 0xbf);
    found[cjk_80] = range(0x80, 0x80);
    found[lead_a] = range(0xc0, 0xca);
    found[lead_2] = range(0xcb, 0xdf);
    found[lead_h] = range(0xe4, 0xe9);
    found[lead_j] = range(0xe3, 0xe3);
    found[lead_k] = range(0xea, 0xed);
    found[lead_f] = range(0xef, 0xef);
    found[lead_4] = range(0xf0, 0xff);
    found[lead_3] = high & ~(found[tail] | found[lead_a] | found[lead_2] | found[lead_h] | found[lead_j] |
                             found[lead_k] | found[lead_f] | found[lead_4]);
    return found;
  }
};

struct avx2_path {
  [[gnu::target("avx2")]] static uint64_t mask(const __m256i& low, const __m256i& high, unsigned from, unsigned to) {
    const __m256i shift = _mm256_set1_epi8(static_cast<char>(127 - to));
    const __m256i least = _mm256_set1_epi8(static_cast<char>(127 - (to - from) - 1));
    const auto one = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_add_epi8(low, shift), least)));
    const auto two =
        static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_add_epi8(high, shift), least)));
    return one | uint64_t{two} << 32;
  }
};

#endif

/// Adds up what one block shows: `now` in the low `length` bits, `past` before it.
class block {
 public:
  [[gnu::always_inline]] block(const masks& now, const masks& past, unsigned length)
      : now_(now), past_(past), valid_(length == 64 ? ~uint64_t{0} : (uint64_t{1} << length) - 1) {}

  template <class Count>
  [[gnu::always_inline]] inline void add(feature_sums& sums, const Count& count) const {
    const auto put = [&](feature what, uint64_t bits) { sums[static_cast<size_t>(what)] += count(bits & valid_); };
    const uint64_t letters = now_[lower] | now_[upper];
    const uint64_t past_letters = past_[lower] | past_[upper];
    if (letters != 0) add_letters(put, letters, past_letters);
    if (now_[digit] != 0) {
      const uint64_t starts = now_[digit] & ~back(digit, 1);
      put(feature::digit, now_[digit]);
      put(feature::digit_blank, starts & back(blank, 1));
      put(feature::digit_other, starts & ~back(blank, 1));
    }
    put(feature::mark_run, now_[mark] & ~back(mark, 1));
    const uint64_t behind_mark = now_[mark] & back(mark, 1);
    put(feature::mark_second, behind_mark & ~back(mark, 2));
    put(feature::mark_more, behind_mark & back(mark, 2));
    const uint64_t lines = now_[line] & ~back(line, 1);
    put(feature::line_mark, lines & back(mark, 1));
    put(feature::line_other, lines & ~back(mark, 1));
    const uint64_t second = now_[blank] & back(blank, 1);
    put(feature::blank_run, second & ~back(blank, 2));
    put(feature::blank_more, second & back(blank, 2));
    add_beyond_ascii(put);
  }

 private:
  template <class Put>
  [[gnu::always_inline]] inline void add_letters(const Put& put, uint64_t letters, uint64_t past) const {
    const uint64_t starts = letters & ~back(letters, past, 1);
    const uint64_t behind_blank = back(blank, 1);
    const uint64_t behind_mark = back(mark, 1);
    put(feature::word_blank, starts & behind_blank);
    const uint64_t joined = starts & behind_mark & ~back(mark, 2) & ~back(blank, 2);
    put(feature::word_joined, joined);
    put(feature::word_mark, starts & behind_mark & ~joined);
    put(feature::word_other, starts & ~(behind_blank | behind_mark));
    // What survives shifts by 1, 2, 4... has as many letters of its run before it.
    const uint64_t past_2 = past & past << 1;
    const uint64_t past_4 = past_2 & past_2 << 2;
    const uint64_t past_8 = past_4 & past_4 << 4;
    const uint64_t second = letters & back(letters, past, 1);
    const uint64_t fourth = second & back(second, past_2, 2);
    const uint64_t eighth = fourth & back(fourth, past_4, 4);
    put(feature::letter_5, fourth & back(letters, past, 4));
    put(feature::letter_8, eighth);
    if (eighth != 0) put(feature::letter_12, eighth & back(eighth, past_8, 4));
    put(feature::case_change, now_[upper] & back(lower, 1));
    put(feature::capital, now_[upper] & back(upper, 1));
  }

  template <class Put>
  [[gnu::always_inline]] inline void add_beyond_ascii(const Put& put) const {
    uint64_t any = 0;
    for (size_t k = tail; k < now_.size(); ++k) any |= now_[k];
    if (any == 0) return;
    put(feature::accented, now_[lead_a]);
    put(feature::han, now_[lead_h]);
    put(feature::han_run, now_[lead_h] & ~back(lead_h, 3));
    // After E3 the second byte tells: 80 is punctuation, more is kana. Counted where it stands.
    const uint64_t after_j = back(lead_j, 1);
    put(feature::kana, now_[tail] & after_j & ~now_[cjk_80]);
    put(feature::cjk_mark, (now_[cjk_80] & after_j) | now_[lead_f]);
    put(feature::hangul, now_[lead_k]);
    put(feature::letter_2, now_[lead_2]);
    put(feature::word_2, now_[lead_2] & ~back(lead_2, 2));
    put(feature::letter_3, now_[lead_3]);
    put(feature::letter_4, now_[lead_4]);
  }

  /// The bits of `by` bytes earlier.
  [[gnu::always_inline]] static uint64_t back(uint64_t now, uint64_t past, unsigned by) {
    return now << by | past >> (64 - by);
  }
  [[gnu::always_inline]] uint64_t back(kind one, unsigned by) const { return back(now_[one], past_[one], by); }
  const masks& now_;
  const masks& past_;
  uint64_t valid_;
};

template <class Read, class Count>
[[gnu::always_inline]] inline void add_all(std::string_view piece, masks& past, feature_sums& sums, const Read& read,
                                           const Count& count) {
  while (!piece.empty()) {
    const auto length = static_cast<unsigned>(std::min<size_t>(piece.size(), 64));
    masks now;
    if (length == 64) {
      now = read(piece.data());
    } else {
      char rest[64] = {};
      std::memcpy(rest, piece.data(), length);
      now = read(rest);
      const uint64_t valid = (uint64_t{1} << length) - 1;
      for (auto& bits : now) bits &= valid;
    }
    block(now, past, length).add(sums, count);
    for (size_t k = 0; k < now.size(); ++k) {
      past[k] = length == 64 ? now[k] : now[k] << (64 - length) | past[k] >> length;
    }
    piece.remove_prefix(length);
  }
}

void add_scalar(std::string_view piece, masks& past, feature_sums& sums) {
  add_all(
      piece, past, sums, [](const char* bytes) { return scalar_path::read(bytes); },
      [](uint64_t bits) { return static_cast<uint64_t>(std::popcount(bits)); });
}

#if defined(__x86_64__)

void add_sse2(std::string_view piece, masks& past, feature_sums& sums) {
  add_all(
      piece, past, sums, [](const char* bytes) { return sse2_path::read(bytes); },
      [](uint64_t bits) { return static_cast<uint64_t>(std::popcount(bits)); });
}

[[gnu::target("avx2,popcnt")]] void add_avx2(std::string_view piece, masks& past, feature_sums& sums) {
  add_all(
      piece, past, sums, [](const char* bytes) __attribute__((target("avx2,popcnt"))) {
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
        const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes) + 1);
        return sse2_path::from_ranges([&](unsigned from, unsigned to) __attribute__((target("avx2,popcnt"))) {
          return avx2_path::mask(low, high, from, to);
        });
      },
      [](uint64_t bits) __attribute__((target("avx2,popcnt"))) { return static_cast<uint64_t>(_mm_popcnt_u64(bits)); });
}

#endif

struct path_row {
  std::string_view name;
  void (*add)(std::string_view, masks&, feature_sums&);
  bool (*usable)();
};

constexpr path_row paths[] = {
    {"scalar", add_scalar, [] { return true; }},
#if defined(__x86_64__)
    {"sse2", add_sse2, [] { return true; }},
    {"avx2", add_avx2, [] { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0; }},
#endif
};

/// The last that this processor can.
const path_row& best_path() {
  static const path_row* const best = [] {
    const path_row* found = paths;
    for (const auto& row : paths) {
      if (row.usable()) found = &row;
    }
    return found;
  }();
  return *best;
}

}  // namespace

void text_features::add(std::string_view piece) {
  bytes_ += piece.size();
  best_path().add(piece, past_, sums_);
}

std::array<std::string_view, 3> feature_paths() {
  std::array<std::string_view, 3> names{};
  size_t count = 0;
  for (const auto& row : paths) {
    if (row.usable()) names[count++] = row.name;
  }
  return names;
}

void add_features(std::string_view path, std::string_view piece, text_features::history& past, feature_sums& sums) {
  for (const auto& row : paths) {
    if (row.name == path && row.usable()) row.add(piece, past, sums);
  }
}

}  // namespace nexus::tokenizer
