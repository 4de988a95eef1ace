// The counts of short pieces that a thread has met: four entries of sixteen bytes in a cache line, found by the whole
// piece, never by a hash alone. Bounded; belongs to one thread and one tokenizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace nexus::tokenizer {

/// A piece of at most 15 bytes, zero-padded, with its length in the high nibble of the last byte.
struct piece_key {
  static constexpr size_t bytes_max = 15;
  uint64_t low = 0;
  uint64_t high = 0;

  /// Reads the piece at `p`; sixteen bytes at `p` must be readable.
  static piece_key load_padded(const char* p, size_t size) {
    piece_key key;
    std::memcpy(&key.low, p, 8);
    std::memcpy(&key.high, p + 8, 8);
    const uint64_t keep = ~uint64_t{0} >> ((8 - (size & 7)) * 8 & 63);
    if (size < 8) {
      key.low &= size == 0 ? 0 : keep;
      key.high = 0;
    } else {
      key.high &= size == 8 ? 0 : keep;
    }
    key.high |= static_cast<uint64_t>(size) << 60;
    return key;
  }
  static piece_key load(std::string_view piece) {
    char padded[16] = {};
    std::memcpy(padded, piece.data(), piece.size());
    return load_padded(padded, piece.size());
  }
  /// The same, if `end` is where what may be read ends.
  static piece_key load(std::string_view piece, const char* end) {
    return end - piece.data() >= 16 ? load_padded(piece.data(), piece.size()) : load(piece);
  }
  uint64_t hash() const { return (low * 0x9E3779B97F4A7C15 + high) * 0xD6E8FEB86659FD93; }
};

class piece_cache {
 public:
  static constexpr unsigned line_bits = 15;
  static constexpr uint64_t count_max = 15;

  piece_cache();

  size_t line_of(const piece_key& key) const { return key.hash() >> (64 - line_bits); }
  void prefetch(size_t line) const { __builtin_prefetch(&lines_[line]); }
  /// Returns the count, or 0 if the piece is not known. One branch for all four entries.
  size_t find(size_t line, const piece_key& key) const {
    const entry* entries = lines_[line].entries;
#ifdef __SSE2__
    const __m128i wanted = _mm_set_epi64x(static_cast<int64_t>(key.high), static_cast<int64_t>(key.low));
    const __m128i mask = _mm_set_epi64x(static_cast<int64_t>(~count_mask), -1);
    unsigned hits = 0;
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
      const __m128i held = _mm_load_si128(reinterpret_cast<const __m128i*>(entries + i));
      const auto same = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(held, mask), wanted)));
      hits |= static_cast<unsigned>(same == 0xFFFF) << i;
    }
    return hits == 0 ? 0 : entries[__builtin_ctz(hits)].high >> 56 & count_max;
#else
    for (size_t i = 0; i < 4; ++i) {
      if (entries[i].low == key.low && (entries[i].high & ~count_mask) == key.high) {
        return entries[i].high >> 56 & count_max;
      }
    }
    return 0;
#endif
  }
  /// Keeps a count of at most `count_max`; of a full line the eldest entry goes.
  void keep(size_t line, const piece_key& key, size_t count);

 private:
  struct entry {
    uint64_t low = 0;
    uint64_t high = 0;  // the count in the low nibble of the last byte
  };
  struct alignas(64) line {
    entry entries[4];
  };
  static constexpr uint64_t count_mask = count_max << 56;

  struct release {
    void operator()(line* lines) const;
  };
  std::unique_ptr<line[], release> lines_;
};

/// The same for pieces of 16 to 31 bytes, of which there are few: mostly words of several wide characters.
class long_piece_cache {
 public:
  static constexpr size_t bytes_max = 31;
  static constexpr unsigned line_bits = 12;

  struct key {
    uint64_t words[4] = {};
    static key load(std::string_view piece) {
      key one;
      std::memcpy(one.words, piece.data(), piece.size());
      one.words[3] |= static_cast<uint64_t>(piece.size()) << 56;
      return one;
    }
    size_t line() const {
      uint64_t hash = 0;
      for (const uint64_t word : words) hash = (hash ^ word) * 0x9E3779B97F4A7C15 + (hash >> 32);
      return hash * 0xD6E8FEB86659FD93 >> (64 - line_bits);
    }
  };

  long_piece_cache() : lines_(size_t{1} << line_bits) {}

  /// Returns the count, or 0 if the piece is not known.
  size_t find(size_t line, const key& wanted) const {
    for (const entry& held : lines_[line].entries) {
      if (std::memcmp(held.of.words, wanted.words, sizeof wanted.words) == 0) return held.count;
    }
    return 0;
  }
  void keep(size_t line, const key& one, size_t count) {
    lines_[line].entries[1] = lines_[line].entries[0];
    lines_[line].entries[0] = {one, static_cast<uint32_t>(count)};
  }

 private:
  struct entry {
    key of;
    uint32_t count = 0;
  };
  struct pair {
    entry entries[2];
  };
  std::vector<pair> lines_;
};

}  // namespace nexus::tokenizer
