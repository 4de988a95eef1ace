// How long a chart's question takes behind the roll-ups that 10,000,000 requests leave: 90 days
// without a pause, 5 providers, 20 models and 50 keys, each of which has a point in every minute.
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>

#include "storage/reader.hpp"
#include "tests/bench/ledger/bench.hpp"

namespace nexus::bench {
namespace {

constexpr int64_t end_at = 1'790'000'000'000 / storage::day_span * storage::day_span;
constexpr int64_t begin_at = end_at - 90 * storage::day_span;
constexpr int64_t buckets_max = 1'500;  // of an answer, as actors/endpoints/usage.cpp allows
constexpr int repetitions = 9;

constexpr const char* fill_sql =
    "WITH RECURSIVE time (span, at, until) AS (VALUES (60000, %lld, %lld), (3600000, %lld, %lld), "
    "(86400000, %lld, "
    "%lld) UNION ALL SELECT span, at + span, until FROM time WHERE at + span < until), number (n) "
    "AS (SELECT 0 UNION "
    "ALL SELECT n + 1 FROM number WHERE n < 49), groups (grouping, id, name) AS (SELECT 0, 0, '' "
    "UNION ALL SELECT 1, n "
    "+ 1, '' FROM number WHERE n < 5 UNION ALL SELECT 2, 0, 'provider/some-model-' || n FROM "
    "number WHERE n < 20 UNION "
    "ALL SELECT 3, n + 1, '' FROM number) INSERT INTO usage_series SELECT span, grouping, at, id, "
    "name, 2, 0, 4000, "
    "900, 1000, 0, 12500000000, 1600, 600, 1 FROM time CROSS JOIN groups ORDER BY 1, 2, 3, 4, 5";

void fill(const std::filesystem::path& file) {
  sqlite3* connection = nullptr;
  if (sqlite3_open(file.c_str(), &connection) != SQLITE_OK)
    throw std::runtime_error("the store cannot be opened");
  std::vector<char> text(4'096);
  std::snprintf(text.data(), text.size(), fill_sql, static_cast<long long>(begin_at),
                static_cast<long long>(end_at), static_cast<long long>(begin_at),
                static_cast<long long>(end_at), static_cast<long long>(begin_at),
                static_cast<long long>(end_at));
  for (const char* statement :
       {"PRAGMA synchronous = OFF", "PRAGMA cache_size = -65536",
        static_cast<const char*>(text.data()), "PRAGMA wal_checkpoint(TRUNCATE)"})
    if (sqlite3_exec(connection, statement, nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(connection));
  sqlite3_close(connection);
}

}  // namespace

void usage(const settings& settings) {
  { open_store(settings); }
  const auto file = storage::store::file(settings.folder);
  fill(file);
  constexpr std::array<const char*, storage::usage_groups> names{"none", "provider", "model",
                                                                 "key"};
  for (const auto span : {storage::minute_span, storage::hour_span, storage::day_span}) {
    for (size_t group = 0; group < storage::usage_groups; ++group) {
      const auto from = std::max(begin_at, end_at - buckets_max * span);
      std::vector<double> took;
      size_t points = 0;
      for (int i = 0; i < repetitions; ++i) {
        const auto began = steady::now();
        const auto reader = value_of(storage::reader::open(file));
        points =
            value_of(reader->usage(span, from, end_at, static_cast<storage::usage_group>(group)))
                .size();
        took.push_back(std::chrono::duration<double, std::milli>(steady::now() - began).count());
      }
      const auto median = quantile(took, 0.5);
      std::printf(
          "usage   by %-8s %5lld buckets of %5lld s: median %6.2f ms, slowest %6.2f ms (%zu "
          "points)\n",
          names[group], static_cast<long long>((end_at - from) / span),
          static_cast<long long>(span / 1'000), median, took.back(), points);
    }
  }
}

}  // namespace nexus::bench
