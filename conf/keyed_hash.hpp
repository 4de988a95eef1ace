// A fast keyed hash of bytes that come in pieces, for tables whose keys come from callers: without the key nobody can
// choose two texts that meet. No cryptographic digest. Pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace nexus {

class keyed_hasher {
 public:
  explicit keyed_hasher(uint64_t key, uint64_t more = 0)
      : state_(fold(key ^ first, more ^ second)), secret_(fold(key ^ second, first) | 1U) {}

  /// The same bytes give the same value, however they are cut.
  void add(std::string_view bytes) {
    const char* p = bytes.data();
    const char* const end = p + bytes.size();
    for (; end - p >= 8; p += 8) {
      uint64_t next;
      std::memcpy(&next, p, 8);
      absorb(word_ | next << bits_);
      word_ = bits_ == 0 ? 0 : next >> (64U - bits_);
    }
    for (; p != end; ++p) {
      word_ |= static_cast<uint64_t>(static_cast<unsigned char>(*p)) << bits_;
      bits_ += 8;
      if (bits_ < 64) continue;
      absorb(word_);
      word_ = bits_ = 0;
    }
  }

  /// Never 0.
  uint64_t value() const {
    // With the count of the bytes left, so that a NUL at the end is not the same as none.
    const auto value = fold(fold(state_ ^ word_, secret_) + bits_ + 1, second);
    return value == 0 ? 1 : value;
  }

 private:
  static constexpr uint64_t first = 0x9E3779B97F4A7C15;
  static constexpr uint64_t second = 0xBF58476D1CE4E5B9;

  static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ using wide = unsigned __int128;
    const auto product = static_cast<wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
  }
  void absorb(uint64_t word) { state_ = fold(state_ ^ word, secret_); }

  uint64_t state_;
  uint64_t secret_;
  uint64_t word_ = 0;  // bytes that do not fill a word yet
  uint64_t bits_ = 0;  // of word_
};

}  // namespace nexus
