// UTF-8 as the strict reader and the writers of text need it. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nexus {

inline bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Returns the length of the UTF-8 sequence that starts at `p`, or 0 if it is none (overlong, surrogate, cut short).
/// https://www.rfc-editor.org/rfc/rfc3629#section-4
inline size_t utf8_sequence(const char* p, const char* end) {
  const auto left = static_cast<size_t>(end - p);
  const auto lead = static_cast<unsigned char>(*p);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || left < 2) return 0;
  const auto second = static_cast<unsigned char>(p[1]);
  if (lead < 0xE0) return is_continuation(p[1]) ? 2 : 0;
  if (lead < 0xF0) {
    const unsigned char low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : 0xBF;
    return left >= 3 && second >= low && second <= high && is_continuation(p[2]) ? 3 : 0;
  }
  const unsigned char low = lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xF4 ? 0x8F : 0xBF;
  return left >= 4 && second >= low && second <= high && is_continuation(p[2]) && is_continuation(p[3]) ? 4 : 0;
}

inline bool is_plain(char c) { return static_cast<unsigned char>(c - 0x20) < 0x60 && c != '"' && c != '\\'; }

/// Returns the first byte from `p` on that is not ASCII or needs an escape in a JSON string: eight bytes at a step.
inline const char* skip_plain(const char* p, const char* end) {
  constexpr uint64_t ones = 0x0101010101010101;
  constexpr uint64_t high = ones * 0x80;
  for (; end - p >= 8; p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    // A borrow can only spoil bytes above a true hit, so "any hit" is exact.
    const uint64_t hit = word | (word - ones * 0x20) | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones);
    if (hit & high) break;
  }
  while (p != end && is_plain(*p)) ++p;
  return p;
}

/// Returns the first byte from `p` on that needs an escape in a JSON string, whatever else is there.
inline const char* skip_unescaped_bytes(const char* p, const char* end) {
  constexpr uint64_t ones = 0x0101010101010101;
  constexpr uint64_t high = ones * 0x80;
  const auto has_zero = [](uint64_t word) { return (word - ones) & ~word; };
  for (; end - p >= 8; p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    const uint64_t hit = ((word - ones * 0x20) & ~word) | has_zero(word ^ ones * '"') | has_zero(word ^ ones * '\\');
    if (hit & high) break;
  }
  while (p != end && static_cast<unsigned char>(*p) >= 0x20 && *p != '"' && *p != '\\') ++p;
  return p;
}

/// Returns the end of the well-formed text from `p` on that a JSON string may hold as it is.
inline const char* skip_unescaped(const char* p, const char* end) {
  for (;;) {
    p = skip_plain(p, end);
    if (p == end || static_cast<unsigned char>(*p) < 0x80) return p;
    const size_t length = utf8_sequence(p, end);
    if (length == 0) return p;
    p += length;
  }
}

}  // namespace nexus
