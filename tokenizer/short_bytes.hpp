// Hash and comparison of short strings without calls: tokens and pieces have a handful of bytes. Pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace nexus::tokenizer {

inline uint64_t load_8(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

inline uint32_t load_4(const char* p) {
  uint32_t word;
  std::memcpy(&word, p, 4);
  return word;
}

inline uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using wide = unsigned __int128;
  const auto product = static_cast<wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Reads no byte outside the string.
inline uint64_t hash_bytes(std::string_view bytes) {
  constexpr uint64_t one = 0xA0761D6478BD642F;
  constexpr uint64_t two = 0xE7037ED1A0B428DB;
  const char* p = bytes.data();
  const size_t size = bytes.size();
  uint64_t hash = size * one;
  if (size < 4) {
    if (size == 0) return hash;
    const auto at = [p](size_t i) { return uint64_t{static_cast<unsigned char>(p[i])}; };
    return mix((at(0) << 16 | at(size / 2) << 8 | at(size - 1)) ^ two, hash ^ one);
  }
  if (size < 8) return mix((uint64_t{load_4(p)} << 32 | load_4(p + size - 4)) ^ two, hash ^ one);
  for (size_t left = size; left > 8; p += 8, left -= 8) hash = mix(load_8(p) ^ one, hash ^ two);
  return mix(load_8(bytes.data() + size - 8) ^ two, hash ^ one);
}

inline bool equal_bytes(const char* a, const char* b, size_t size) {
  if (size >= 8) {
    for (size_t at = 0; at + 8 < size; at += 8) {
      if (load_8(a + at) != load_8(b + at)) return false;
    }
    return load_8(a + size - 8) == load_8(b + size - 8);
  }
  if (size >= 4) return load_4(a) == load_4(b) && load_4(a + size - 4) == load_4(b + size - 4);
  for (size_t at = 0; at < size; ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

}  // namespace nexus::tokenizer
