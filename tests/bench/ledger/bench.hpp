// What the parts of the ledger's bench share: its settings, its clocks, and a team's worth of
// requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/ids.hpp"
#include "storage/store.hpp"

namespace nexus::bench {

struct settings {
  std::filesystem::path folder;
  std::string durability = "process";
  double seconds = 4;
};

using steady = std::chrono::steady_clock;

/// Processor time of the calling thread, in seconds.
double thread_seconds();

/// The value below which `share` of the samples lie; sorts them.
double quantile(std::vector<double>& samples, double share);

template <class T>
T value_of(result<T>&& made) {
  if (!made) throw std::runtime_error(made.error().message + " " + made.error().detail);
  if constexpr (!std::is_void_v<T>) return std::move(*made);
}

/// A store of its own in `settings.folder`, emptied before.
std::unique_ptr<storage::store> open_store(const settings& settings);

/// Requests as a team sends them: 50 keys of which each uses three models of two providers,
/// conversations of four rounds, 2 % that need a second try, 2 % that fail.
class traffic {
 public:
  /// Fills a zeroed entry with the next request, settled, at this time (ms since 1970).
  void next(storage::ledger_entry& entry, int64_t now);

 private:
  uint64_t count_ = 0;
  std::vector<std::string> open_conversations_ = std::vector<std::string>(512);
};

void settle(const settings& settings);
void intent(const settings& settings);
void usage(const settings& settings);

}  // namespace nexus::bench
