// How json::walk finds duplicate keys. Internal to conf; one thread.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::json {

/// Finds duplicate keys in the objects that are open, in linear time. Keys are known by 128-bit hashes. Those of small
/// objects lie in one stack; an object that outgrows it gets a hash table.
class key_sets {
 public:
  void open() { frames_.push_back({.start = hashes_.size(), .table = {}, .count = 0}); }
  void close() {
    hashes_.resize(frames_.back().start);
    frames_.pop_back();
  }

  /// Returns false if the innermost object has the key already.
  bool insert(std::string_view key) {
    frame& top = frames_.back();
    const hash hash = XXH3_128bits_withSeed(key.data(), key.size(), seed());
    if (!top.table.empty()) return insert(top, hash);
    for (size_t i = top.start; i < hashes_.size(); ++i)
      if (equal(hashes_[i], hash)) return false;
    hashes_.push_back(hash);
    if (hashes_.size() - top.start > small_max) grow(top, small_max * 4, {hashes_.begin() + top.start, hashes_.end()});
    return true;
  }

 private:
  using hash = XXH128_hash_t;
  struct frame {
    size_t start;             // of its keys in hashes_
    std::vector<hash> table;  // open addressing, at most half full; {0, 0} is free
    size_t count;
  };
  // Comparing sixteen hashes costs less than making a table.
  static constexpr size_t small_max = 16;

  static bool equal(const hash& a, const hash& b) { return a.low64 == b.low64 && a.high64 == b.high64; }

  // Unknown to clients, so that they cannot choose keys that meet in one place of the table.
  static uint64_t seed() {
    static const uint64_t value = [] {
      std::random_device device;
      return uint64_t{device()} << 32 | device();
    }();
    return value;
  }

  static void grow(frame& frame, size_t size, const std::vector<hash>& hashes) {
    frame.table.assign(size, hash{});
    frame.count = 0;
    for (const hash& hash : hashes)
      if (!equal(hash, {})) insert(frame, hash);
  }

  static bool insert(frame& frame, const hash& hash) {
    const size_t mask = frame.table.size() - 1;
    size_t i = hash.low64 & mask;
    for (; !equal(frame.table[i], {}); i = (i + 1) & mask)
      if (equal(frame.table[i], hash)) return false;
    frame.table[i] = hash;
    if (++frame.count * 2 > frame.table.size()) {
      const auto hashes = std::exchange(frame.table, {});
      grow(frame, hashes.size() * 2, hashes);
    }
    return true;
  }

  std::vector<frame> frames_;
  std::vector<hash> hashes_;
};

}  // namespace nexus::json
