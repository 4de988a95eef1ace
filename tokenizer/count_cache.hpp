// Counts of messages by the caller's keyed hash: bounded, the older gives way. Belongs to one thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace nexus::tokenizer {

class count_cache {
 public:
  /// Keeps up to `entries` counts (rounded up to a power of two), 16 bytes each, allocated at the first one kept.
  explicit count_cache(size_t entries) : size_(std::bit_ceil(entries < 2 ? 2 : entries)) {}

  std::optional<uint64_t> find(uint64_t key) const {
    if (slots_.empty()) return {};
    for (const size_t at : {first(key), first(key) ^ 1}) {
      if (slots_[at].key == key && key != 0) return slots_[at].value;
    }
    return {};
  }

  /// Key 0 is not kept. Of a pair of places the newer entry takes the first, what stood there the second.
  void keep(uint64_t key, uint64_t value) {
    if (key == 0) return;
    if (slots_.empty()) slots_.resize(size_);
    const size_t at = first(key);
    if (slots_[at].key != key) slots_[at ^ 1] = slots_[at];
    slots_[at] = {key, value};
  }

 private:
  struct slot {
    uint64_t key = 0;
    uint64_t value = 0;
  };
  size_t first(uint64_t key) const { return (key >> 17) & (size_ - 1); }

  size_t size_;
  std::vector<slot> slots_;
};

}  // namespace nexus::tokenizer
