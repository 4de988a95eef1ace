// UTF-8 read one character at a time. Pure.
#pragma once

#include "conf/utf8.hpp"

#include <string_view>

namespace nexus::net::utf8 {

/// What `next` returns for a byte that begins no valid character.
constexpr char32_t invalid = 0xFFFF'FFFF;

/// Returns the character at `at` and moves behind it; over an invalid byte it moves by one. `at` < text.size().
inline char32_t next(std::string_view text, size_t& at) {
  auto begin = text.data() + at;
  auto length = utf8_sequence(begin, text.data() + text.size());
  at += length == 0 ? 1 : length;
  if (length == 0) return invalid;
  char32_t c = static_cast<unsigned char>(*begin);
  if (length == 1) return c;
  c &= 0x7Fu >> length;
  for (size_t i = 1; i < length; ++i) c = c << 6 | (static_cast<unsigned char>(begin[i]) & 0x3F);
  return c;
}

/// True for CJK ideographs, kana and hangul: scripts of about one token for each character.
constexpr bool is_wide(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3040 && c <= 0x30FF) || (c >= 0xAC00 && c <= 0xD7AF) ||
         (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x1100 && c <= 0x11FF) || (c >= 0x2E80 && c <= 0x2FDF) ||
         (c >= 0x3100 && c <= 0x31FF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFF66 && c <= 0xFF9F) ||
         (c >= 0x20000 && c <= 0x3FFFF) || c == 0x3005 || c == 0x3007;
}

}  // namespace nexus::net::utf8
