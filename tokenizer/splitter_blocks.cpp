// split(): 64 bytes at a time where the text is ASCII, piece by piece where it is not. What differs between machines is
// only how the masks are made.
#include "tokenizer/splitter_blocks.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "tokenizer/piece_end.hpp"
#include "tokenizer/splitter.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nexus::tokenizer {
namespace {

constexpr unsigned block_bytes = 64;
constexpr unsigned block_bytes_min = 12;  // less ASCII than this is faster piece by piece

/// The walk through a text: where it is, what it has written.
struct walk {
  std::string_view text;
  size_t at;
  std::span<uint32_t> ends;
  bool last;
  unicode_version version;
  size_t count = 0;
  unsigned size = 0;  // of the block
  std::array<char, block_bytes> tail = {};

  bool is_full() const { return count == ends.size() || at >= text.size(); }

  /// Returns 64 readable bytes at the place, the text's end copied away if there are less.
  [[gnu::always_inline]] const char* block() {
    size_t left = text.size() - at;
    size = static_cast<unsigned>(std::min<size_t>(left, block_bytes));
    if (left >= block_bytes) return text.data() + at;
    std::memcpy(tail.data(), text.data() + at, left);
    return tail.data();
  }

  /// Returns whether the next eight bytes are ASCII and enough follow.
  [[gnu::always_inline]] bool is_block_worthwhile() const {
    if (text.size() - at < block_bytes_min) return false;
    uint64_t next;
    std::memcpy(&next, text.data() + at, sizeof next);
    return (next & 0x8080808080808080) == 0;
  }

  /// Goes one piece on; returns false if it is not certain.
  template <grammar G>
  [[gnu::noinline]] bool step() {
    reader characters(text, version);
    auto end = piece_finder<G>(characters, at).end();
    if (!last && characters.touched_end()) return false;
    at = end;
    ends[count++] = static_cast<uint32_t>(end);
    return true;
  }

  /// Takes what a block makes certain; returns false if that is nothing.
  template <grammar G>
  [[gnu::always_inline]] bool take(const block_masks& masks, const char* bytes) {
    uint64_t stop = masks.high | (G.punctuated_ascii ? masks.control : 0);
    auto ascii = std::min(size, static_cast<unsigned>(std::countr_zero(stop)));
    if (ascii < block_bytes_min) return false;
    auto starts = piece_starts<G>(masks, bytes, ascii);
    if (starts == 0) return false;
    size_t begin = at;
    uint32_t* out = ends.data() + count;
    size_t room = ends.size() - count;
    auto found = static_cast<size_t>(std::popcount(starts));
    for (size_t i = 0, n = std::min(found, room); i < n; ++i, starts &= starts - 1) {
      out[i] = static_cast<uint32_t>(begin + static_cast<unsigned>(std::countr_zero(starts)));
    }
    count += std::min(found, room);
    at = ends[count - 1];
    return true;
  }
};

using splitting = void (*)(walk&);

// --- any machine
// ------------------------------------------------------------------------------------------------------

namespace plain {

enum bits : uint8_t {
  upper = 1,
  lower = 2,
  digit = 4,
  white = 8,
  newline = 16,
  space = 32,
  slash = 64,
  apostrophe = 128
};

alignas(64) constexpr auto table = [] {
  std::array<uint8_t, 256> out = {};
  for (unsigned c = 0; c < 128; ++c) {
    if (c >= 'A' && c <= 'Z') out[c] |= upper;
    if (c >= 'a' && c <= 'z') out[c] |= lower;
    if (c >= '0' && c <= '9') out[c] |= digit;
    if ((c >= 9 && c <= 13) || c == ' ') out[c] |= white;
    if (c == '\r' || c == '\n') out[c] |= newline;
    if (c == ' ') out[c] |= space;
    if (c == '/') out[c] |= slash;
    if (c == '\'') out[c] |= apostrophe;
  }
  return out;
}();

constexpr bool is_control(char c) { return (c >= 0 && c < 32 && (c < 9 || c > 13)) || c == 127; }

/// Returns the lowest bit of each of eight bytes, as eight bits.
constexpr uint64_t gather(uint64_t bytes) { return (bytes & 0x0101010101010101) * 0x0102040810204080 >> 56; }

template <bool WithControl>
block_masks masks(const char* bytes) {
  block_masks out = {};
  for (unsigned i = 0; i < block_bytes; i += 8) {
    uint64_t found = 0, raw = 0;
    for (unsigned j = 0; j < 8; ++j) {
      raw |= uint64_t{static_cast<uint8_t>(bytes[i + j])} << 8 * j;
      found |= uint64_t{table[static_cast<uint8_t>(bytes[i + j])]} << 8 * j;
      if constexpr (WithControl) out.control |= uint64_t{is_control(bytes[i + j])} << (i + j);
    }
    out.upper |= gather(found) << i;
    out.lower |= gather(found >> 1) << i;
    out.digit |= gather(found >> 2) << i;
    out.white |= gather(found >> 3) << i;
    out.newline |= gather(found >> 4) << i;
    out.space |= gather(found >> 5) << i;
    out.slash |= gather(found >> 6) << i;
    out.apostrophe |= gather(found >> 7) << i;
    out.high |= gather(raw >> 7) << i;
  }
  return out;
}

template <grammar G>
void split(walk& text) {
  while (!text.is_full()) {
    if (text.is_block_worthwhile()) {
      const char* bytes = text.block();
      if (text.take<G>(masks<G.punctuated_ascii>(bytes), bytes)) continue;
    }
    if (!text.step<G>()) return;
  }
}

}  // namespace plain

#if defined(__x86_64__)

// --- AVX2
// -------------------------------------------------------------------------------------------------------------

namespace avx2 {
#define NEXUS_TARGET gnu::target("avx2,bmi,bmi2,lzcnt,popcnt")

struct halves {
  __m256i low, high;
};

[[NEXUS_TARGET, gnu::always_inline]] inline uint64_t mask(__m256i low, __m256i high) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

[[NEXUS_TARGET, gnu::always_inline]] inline uint64_t equal(const halves& in, char c) {
  auto wanted = _mm256_set1_epi8(c);
  return mask(_mm256_cmpeq_epi8(in.low, wanted), _mm256_cmpeq_epi8(in.high, wanted));
}

/// Moves the range to the top of the signed bytes, so that one comparison tells.
[[NEXUS_TARGET, gnu::always_inline]] inline uint64_t between(const halves& in, char first, char last) {
  auto shift = _mm256_set1_epi8(static_cast<char>(127 - last));
  auto bound = _mm256_set1_epi8(static_cast<char>(127 - last + first - 1));
  return mask(_mm256_cmpgt_epi8(_mm256_add_epi8(in.low, shift), bound),
              _mm256_cmpgt_epi8(_mm256_add_epi8(in.high, shift), bound));
}

[[NEXUS_TARGET, gnu::always_inline]] inline block_masks masks(const char* bytes, bool with_control) {
  const auto* from = reinterpret_cast<const __m256i*>(bytes);
  halves in = {_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
  block_masks out = {};
  out.upper = between(in, 'A', 'Z');
  out.lower = between(in, 'a', 'z');
  out.digit = between(in, '0', '9');
  out.space = equal(in, ' ');
  out.white = between(in, '\t', '\r') | out.space;
  out.newline = equal(in, '\n') | equal(in, '\r');
  out.slash = equal(in, '/');
  out.apostrophe = equal(in, '\'');
  out.high = mask(in.low, in.high);
  if (with_control) out.control = (between(in, '\1', '\x1f') | equal(in, '\0') | equal(in, '\x7f')) & ~out.white;
  return out;
}

template <grammar G>
[[NEXUS_TARGET]] void split(walk& text) {
  while (!text.is_full()) {
    if (text.is_block_worthwhile()) {
      const char* bytes = text.block();
      if (text.take<G>(masks(bytes, G.punctuated_ascii), bytes)) continue;
    }
    if (!text.step<G>()) return;
  }
}

#undef NEXUS_TARGET
}  // namespace avx2

// --- AVX-512 with byte permutation
// --------------------------------------------------------------------------------------

namespace avx512 {
#define NEXUS_TARGET gnu::target("avx512f,avx512bw,avx512vbmi,bmi,bmi2,lzcnt,popcnt")

[[NEXUS_TARGET, gnu::always_inline]] inline block_masks masks(const char* bytes) {
  auto in = _mm512_loadu_si512(bytes);
  auto low = _mm512_loadu_si512(plain::table.data()), high = _mm512_loadu_si512(plain::table.data() + 64);
  auto found = _mm512_permutex2var_epi8(low, in, high);  // by the low seven bits
  block_masks out = {};
  out.high = _mm512_movepi8_mask(in);
  out.upper = _mm512_test_epi8_mask(found, _mm512_set1_epi8(plain::upper));
  out.lower = _mm512_test_epi8_mask(found, _mm512_set1_epi8(plain::lower));
  out.digit = _mm512_test_epi8_mask(found, _mm512_set1_epi8(plain::digit));
  out.white = _mm512_test_epi8_mask(found, _mm512_set1_epi8(plain::white));
  out.newline = _mm512_test_epi8_mask(found, _mm512_set1_epi8(plain::newline));
  out.space = _mm512_cmpeq_epi8_mask(in, _mm512_set1_epi8(' '));
  out.slash = _mm512_cmpeq_epi8_mask(in, _mm512_set1_epi8('/'));
  out.apostrophe = _mm512_cmpeq_epi8_mask(in, _mm512_set1_epi8('\''));
  auto control = _mm512_cmplt_epu8_mask(in, _mm512_set1_epi8(' ')) | _mm512_cmpeq_epi8_mask(in, _mm512_set1_epi8(127));
  out.control = control & ~out.white;
  return out;
}

template <grammar G>
[[NEXUS_TARGET]] void split(walk& text) {
  while (!text.is_full()) {
    if (text.is_block_worthwhile()) {
      const char* bytes = text.block();
      if (text.take<G>(masks(bytes), bytes)) continue;
    }
    if (!text.step<G>()) return;
  }
}

#undef NEXUS_TARGET
}  // namespace avx512

#endif

instruction_set detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("bmi2")) {
    return instruction_set::avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) return instruction_set::avx2;
#endif
  return instruction_set::plain;
}

instruction_set available() {
  static const auto found = detect();
  return found;
}

splitting choose(splitter kind, instruction_set set) {
  return with_grammar(kind, [&]<grammar G>() -> splitting {
#if defined(__x86_64__)
    if (set == instruction_set::avx512) return avx512::split<G>;
    if (set == instruction_set::avx2) return avx2::split<G>;
#endif
    return plain::split<G>;
  });
}

}  // namespace

size_t split(splitter kind, std::string_view text, size_t begin, std::span<uint32_t> ends, bool last,
             unicode_version version, instruction_set set) {
  if (begin >= text.size() || ends.empty()) return 0;
  if (kind == splitter::none) {
    if (last) ends[0] = static_cast<uint32_t>(text.size());
    return last ? 1 : 0;
  }
  walk steps{text, begin, ends, last, version};
  choose(kind, std::min(set, available()))(steps);
  return steps.count;
}

}  // namespace nexus::tokenizer
