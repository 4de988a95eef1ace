// Exchanges on their way from the shards to the stats-writer. Waking the writer's thread costs more than everything
// else a small request costs, so rows gather here and one message in some milliseconds fetches them all. Shared by all
// shards and the writer behind one mutex, held for a push or a swap.
#pragma once

#include "storage/records.hpp"

#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace nexus {

class stats_credit;

/// Finished exchanges, in order. Each holds its credit, which is given back with it: after the commit.
struct finished_exchanges {
  std::vector<storage::exchange_record> rows;
  std::vector<std::shared_ptr<const stats_credit>> credits;

  void append(finished_exchanges&& later) {
    if (rows.empty()) return std::swap(*this, later);
    std::move(later.rows.begin(), later.rows.end(), std::back_inserter(rows));
    std::move(later.credits.begin(), later.credits.end(), std::back_inserter(credits));
  }
  void drop_first(size_t count) {
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count));
    credits.erase(credits.begin(), credits.begin() + static_cast<std::ptrdiff_t>(count));
  }
};

class stats_outbox {
 public:
  /// Returns how many rows wait now: at 1, the caller sees to it that the writer is told soon.
  size_t push(storage::exchange_record row, std::shared_ptr<const stats_credit> credit) {
    const std::lock_guard lock(mutex_);
    waiting_.rows.push_back(std::move(row));
    waiting_.credits.push_back(std::move(credit));
    return waiting_.rows.size();
  }

  /// Returns everything that waits.
  finished_exchanges take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  finished_exchanges waiting_;
};

}  // namespace nexus
