// Which conversation a resent history belongs to. One of the few things that all shards share, because a client's next
// request may arrive on any of them: a bounded map behind striped mutexes, held for one look-up, off the path of first
// turns.
#pragma once

#include "conf/limits.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace nexus {

class conversation_index {
 public:
  explicit conversation_index(size_t capacity = limits::conversations_remembered_max)
      : per_stripe_(capacity / stripes_count + 1) {}

  /// Remembers that `history` (never 0) is the present state of a conversation; the oldest entries make room.
  void remember(uint64_t history, const std::string& conversation_id) {
    auto& stripe = stripe_of(history);
    const std::lock_guard lock(stripe.mutex);
    const auto [entry, is_new] = stripe.entries.insert_or_assign(history, conversation_id);
    if (!is_new) return;
    stripe.order.push_back(history);
    if (stripe.order.size() <= per_stripe_) return;
    stripe.entries.erase(stripe.order.front());
    stripe.order.pop_front();
  }

  std::optional<std::string> find(uint64_t history) const {
    auto& stripe = stripe_of(history);
    const std::lock_guard lock(stripe.mutex);
    const auto entry = stripe.entries.find(history);
    if (entry == stripe.entries.end()) return std::nullopt;
    return entry->second;
  }

  size_t size() const {
    size_t total = 0;
    for (auto& stripe : stripes_) {
      const std::lock_guard lock(stripe.mutex);
      total += stripe.entries.size();
    }
    return total;
  }

 private:
  static constexpr size_t stripes_count = 16;
  struct stripe {
    mutable std::mutex mutex;
    std::unordered_map<uint64_t, std::string> entries;
    std::deque<uint64_t> order;  // of arrival
  };
  stripe& stripe_of(uint64_t history) const { return stripes_[(history >> 32) % stripes_count]; }
  size_t per_stripe_;
  mutable std::array<stripe, stripes_count> stripes_;
};

}  // namespace nexus
