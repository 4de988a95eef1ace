// Settled requests a second: what the stats-writer does with what waits, again and again, on one
// thread.
#include <cstdio>

#include "storage/journal.hpp"
#include "tests/bench/ledger/bench.hpp"

namespace nexus::bench {
namespace {

constexpr int slices = 9;

void measure(const settings& settings, size_t batch) {
  const auto store = open_store(settings);
  const auto journal = storage::journal::in_memory(static_cast<uint32_t>(batch));
  traffic traffic;
  std::vector<storage::ledger_entry*> entries(batch);
  // Slices of a run, of which the median is told: other work on the machine disturbs some.
  std::vector<double> rates;
  std::vector<double> costs;
  size_t all = 0;
  for (int i = 0; i < slices; ++i) {
    double processor = 0;
    double wall = 0;
    double rows = 0;
    while (wall < settings.seconds / slices) {
      for (auto*& entry : entries) traffic.next(*(entry = journal->claim()), wall_clock_ms());
      const auto began = steady::now();
      const auto before = thread_seconds();
      value_of(store->record(entries));
      journal->release(entries);
      store->checkpoint(false);
      processor += thread_seconds() - before;
      wall += std::chrono::duration<double>(steady::now() - began).count();
      rows += static_cast<double>(batch);
    }
    rates.push_back(rows / wall);
    costs.push_back(processor / rows * 1e6);
    all += static_cast<size_t>(rows);
  }
  const auto bytes = std::filesystem::file_size(storage::store::file(settings.folder)) +
                     static_cast<uint64_t>(store->wal_bytes());
  std::printf(
      "settle  %-8s batches of %5zu: %8.0f requests/s, %6.2f us CPU each, %4.0f bytes each (%zu "
      "requests)\n",
      settings.durability.c_str(), batch, quantile(rates, 0.5), quantile(costs, 0.5),
      static_cast<double>(bytes) / static_cast<double>(all), all);
  std::fflush(stdout);
}

}  // namespace

void settle(const settings& settings) {
  for (const size_t batch : {16, 100, 256, 1'024}) measure(settings, batch);
}

}  // namespace nexus::bench
