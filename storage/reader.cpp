#include "storage/reader.hpp"

#include "storage/database.hpp"

#include <iterator>
#include <map>
#include <string_view>
#include <utility>

namespace nexus::storage {
namespace {

constexpr std::chrono::milliseconds reader_patience{5'000};
constexpr std::string_view usage_sql =
    "SELECT group_id, group_name, begin_at, requests, errors, prompt_tokens, completion_tokens, cached_tokens, "
    "reasoning_tokens, cost, duration_ms, ttft_ms, streams FROM usage_series WHERE span = ? AND grouping = ? AND "
    "begin_at >= ? AND begin_at < ? ORDER BY begin_at, group_id, group_name";

constexpr std::string_view drift_sql =
    "SELECT provider_id, model_name, sum(reported_prompt), sum(counted_prompt), sum(reported_completion), "
    "sum(counted_completion) FROM usage_days GROUP BY 1, 2 HAVING sum(counted_prompt) + "
    "sum(counted_completion) > 0 ORDER BY 1, 2";

}  // namespace

reader::reader(std::unique_ptr<database> connection) : connection_(std::move(connection)) {}
reader::~reader() = default;

result<std::unique_ptr<reader>> reader::open(const std::filesystem::path& file) {
  auto connection = database::open_to_read(file, reader_patience);
  if (!connection) return connection.error();
  return std::unique_ptr<reader>(new reader(std::move(*connection)));
}

result<std::vector<usage_row>> reader::usage(int64_t span, int64_t from, int64_t to, usage_group group) {
  if (auto ready = connection_->prepare(std::span(&usage_sql, 1)); !ready) return ready.error();
  auto rows = connection_->use(0);
  rows.bind(span).bind(static_cast<int64_t>(group)).bind(from).bind(to);
  // They come by time, as they were written; a chart wants them by group.
  std::map<std::pair<int64_t, std::string>, std::vector<usage_row>> groups;
  size_t count = 0;
  for (;; ++count) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) break;
    auto& series = groups[{rows.integer(0), rows.text(1)}];
    series.push_back({.group_id = rows.integer(0),
                      .group_name = rows.text(1),
                      .begin_at = rows.integer(2),
                      .requests = rows.integer(3),
                      .errors = rows.integer(4),
                      .tokens = {rows.integer(5), rows.integer(6), rows.integer(7), rows.integer(8)},
                      .cost = rows.integer(9),
                      .duration_ms = rows.integer(10),
                      .ttft_ms = rows.integer(11),
                      .streams = rows.integer(12)});
  }
  std::vector<usage_row> found;
  found.reserve(count);
  for (auto& [name, series] : groups) std::move(series.begin(), series.end(), std::back_inserter(found));
  return found;
}

result<std::vector<drift_row>> reader::drift() {
  if (auto ready = connection_->prepare(std::span(&drift_sql, 1)); !ready) return ready.error();
  auto rows = connection_->use(0);
  std::vector<drift_row> found;
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({.provider_id = rows.integer(0),
                     .model_name = rows.text(1),
                     .reported_prompt = rows.integer(2),
                     .counted_prompt = rows.integer(3),
                     .reported_completion = rows.integer(4),
                     .counted_completion = rows.integer(5)});
  }
}

result<void> reader::check_integrity() {
  const auto pages = connection_->text("PRAGMA integrity_check(1)");
  if (!pages) return pages.error();
  if (*pages != "ok") return make_error(errc::storage_error, "The database is damaged.", *pages);
  const auto orphan = connection_->text("PRAGMA foreign_key_check");
  if (!orphan) return orphan.error();
  if (!orphan->empty())
    return make_error(errc::storage_error, "The database is damaged: a row of " + *orphan + " belongs to nothing.");
  return {};
}

}  // namespace nexus::storage
