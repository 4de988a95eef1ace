// Questions to the store that read much: on a connection of their own, which never writes or checkpoints, beside the
// writer. One reader is one connection; open it for a question and close it again.
#pragma once

#include "conf/error.hpp"
#include "conf/money.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace nexus::storage {

class database;

constexpr int64_t minute_span = 60'000;
constexpr int64_t hour_span = 3'600'000;
constexpr int64_t day_span = 86'400'000;

enum class usage_group : uint8_t { none, provider, model, key };  // stands so in the database
constexpr size_t usage_groups = 4;

/// Sums of the requests that were made within one bucket. Times are milliseconds.
struct usage_row {
  int64_t group_id = 0;    // of a provider or a key
  std::string group_name;  // of a model
  int64_t begin_at = 0;
  int64_t requests = 0, errors = 0;
  token_counts tokens;
  money cost = 0;
  int64_t duration_ms = 0, ttft_ms = 0, streams = 0;
};

/// The upstreams' numbers beside ours, over requests that have both.
struct drift_row {
  int64_t provider_id = 0;
  std::string model_name;
  int64_t reported_prompt = 0, counted_prompt = 0, reported_completion = 0, counted_completion = 0;
};

/// Something that was summed as it happened and does not equal the sum of its rows.
struct difference {
  std::string what;   // "usage by the hour"
  std::string where;  // "key 3, provider 1, model 'm', from 1760000000000"
  int64_t ledger = 0;
  int64_t kept = 0;
};

struct audit_report {
  int64_t requests = 0;  // recorded and sent to an upstream
  int64_t rejected = 0;  // recorded and not sent
  int64_t attempts = 0;
  token_counts tokens;
  money cost = 0;
  std::vector<difference> differences;  // the first of each kind
};

class reader {
 public:
  /// Opens a database that exists. Errors as store::open.
  static result<std::unique_ptr<reader>> open(const std::filesystem::path& file);
  ~reader();

  /// From the roll-ups of `span`, for buckets that begin within [from, to), ORDER BY group, time.
  result<std::vector<usage_row>> usage(int64_t span, int64_t from, int64_t to, usage_group group);
  result<std::vector<drift_row>> drift();
  /// Recomputes every sum from the ledger's rows, within one snapshot.
  result<audit_report> audit();
  /// Looks through the whole file: pages, indexes, references.
  result<void> check_integrity();

 private:
  explicit reader(std::unique_ptr<database> connection);
  std::unique_ptr<database> connection_;
};

}  // namespace nexus::storage
