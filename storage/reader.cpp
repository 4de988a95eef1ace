#include "storage/reader.hpp"

#include "storage/database.hpp"

#include <array>
#include <string_view>

namespace nexus::storage {
namespace {

constexpr std::chrono::milliseconds reader_patience{5'000};
constexpr int differences_max = 20;  // of each kind: more say nothing new

// What counts as a round of its conversation, as ledger.cpp decides it.
#define NEXUS_IS_ROUND "attempts > 0 AND outcome NOT IN ('upstream_error', 'rejected')"
#define NEXUS_USAGE_SUMS                                                                                         \
  "count(*) AS requests, sum(outcome IN ('upstream_error', 'truncated', 'rejected', 'interrupted')) AS errors, " \
  "sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens, sum(cached_tokens) AS "     \
  "cached_tokens, sum(reasoning_tokens) AS reasoning_tokens, sum(cost) AS cost"

struct check {
  std::string_view what;
  std::string_view sql;  // rows of (where, ledger, kept) that differ
};

// Each compares the ledger's rows with one thing that is summed as they are written.
constexpr std::array checks{
    check{"total rounds", "SELECT '', l, rounds FROM totals, (SELECT count(*) AS l FROM requests WHERE " NEXUS_IS_ROUND
                          ") WHERE l <> rounds"},
    check{"total prompt tokens",
          "SELECT '', l, prompt_tokens FROM totals, (SELECT coalesce(sum(prompt_tokens), 0) AS l FROM requests "
          "WHERE " NEXUS_IS_ROUND ") WHERE l <> prompt_tokens"},
    check{"total completion tokens",
          "SELECT '', l, completion_tokens FROM totals, (SELECT coalesce(sum(completion_tokens), 0) AS l FROM requests "
          "WHERE " NEXUS_IS_ROUND ") WHERE l <> completion_tokens"},
    check{"total conversations",
          "SELECT '', l, conversations FROM totals, (SELECT count(DISTINCT conversation_id) AS l FROM requests "
          "WHERE " NEXUS_IS_ROUND ") WHERE l <> conversations"},
    check{
        "rounds of a conversation",
        "SELECT 'conversation ' || conversation_id, coalesce(l, 0), coalesce(rounds, 0) FROM (SELECT conversation_id, "
        "count(*) AS l FROM requests WHERE " NEXUS_IS_ROUND
        " GROUP BY conversation_id) FULL JOIN conversations USING (conversation_id) WHERE l IS NOT rounds"},
    check{"tokens of a conversation",
          "SELECT 'conversation ' || conversation_id, coalesce(l, 0), coalesce(k, 0) FROM (SELECT conversation_id, "
          "sum(prompt_tokens + completion_tokens) AS l FROM requests WHERE " NEXUS_IS_ROUND
          " GROUP BY conversation_id) FULL JOIN (SELECT conversation_id, prompt_tokens + completion_tokens AS k FROM "
          "conversations) USING (conversation_id) WHERE l IS NOT k"},
    check{"rows of chat_stats",
          "SELECT 'request ' || request_id, coalesce(l, 0), coalesce(k, 0) FROM (SELECT request_id, prompt_tokens + "
          "completion_tokens AS l FROM requests WHERE " NEXUS_IS_ROUND
          ") FULL JOIN (SELECT request_id, sum(tokens_count) AS k FROM chat_stats GROUP BY request_id) USING "
          "(request_id) WHERE l IS NOT k"},
    check{"spending of a key",
          "SELECT 'key ' || key_id, coalesce(l, 0), coalesce(k, 0) FROM (SELECT key_id, sum(prompt_tokens + "
          "completion_tokens) AS l, sum(cost) AS lc FROM requests GROUP BY key_id) FULL JOIN (SELECT key_id, tokens AS "
          "k, cost AS kc FROM key_spending WHERE period_begin = 0) USING (key_id) WHERE l IS NOT k OR lc IS NOT kc"},
    check{"spending of a key in a period",
          "SELECT 'key ' || key_id || ', from ' || period_begin, coalesce(l, 0), coalesce(k, 0) FROM (SELECT key_id, "
          "period_begin, sum(prompt_tokens + completion_tokens) AS l, sum(cost) AS lc FROM requests WHERE period_begin "
          "<> 0 GROUP BY key_id, period_begin) FULL JOIN (SELECT key_id, period_begin, tokens AS k, cost AS kc FROM "
          "key_spending WHERE period_begin <> 0) USING (key_id, period_begin) WHERE l IS NOT k OR lc IS NOT kc"},
    check{"cost of a request",
          "SELECT 'request ' || request_id, l, cost FROM (SELECT request_id, cost, ((prompt_tokens - cached_tokens) * "
          "price_input + cached_tokens * iif(price_cached < 0, price_input, price_cached) + (completion_tokens - "
          "reasoning_tokens) * price_output + reasoning_tokens * iif(price_reasoning < 0, price_output, "
          "price_reasoning) + 500000) / 1000000 AS l FROM requests WHERE prompt_tokens < 100000000 AND "
          "completion_tokens < 100000000 AND max(price_input, price_output, price_cached, price_reasoning) < "
          "10000000000) WHERE l <> cost"},
    check{"tries of a request",
          "SELECT 'request ' || request_id, attempts, k FROM requests JOIN (SELECT request_id, count(*) AS k FROM "
          "attempts GROUP BY request_id) USING (request_id) WHERE k <> min(attempts, 8)"},
};

// The same for each span of the roll-ups.
struct span_check {
  std::string_view what;
  int64_t span;
};
constexpr std::array span_checks{span_check{"usage by the minute", minute_span},
                                 span_check{"usage by the hour", hour_span}, span_check{"usage by the day", day_span}};
constexpr std::string_view span_sql =
    "SELECT 'key ' || key_id || ', provider ' || provider_id || ', model ' || model_name || ', from ' || begin_at, "
    "coalesce(l.requests, 0), coalesce(k.requests, 0) FROM (SELECT created_at / ?1 * ?1 AS begin_at, key_id, "
    "provider_id, "
    "model_name, " NEXUS_USAGE_SUMS
    " FROM requests GROUP BY 1, 2, 3, 4) AS l FULL JOIN (SELECT * FROM usage WHERE span = ?1) AS k USING (begin_at, "
    "key_id, provider_id, model_name) WHERE l.requests IS NOT k.requests OR l.errors IS NOT k.errors OR "
    "l.prompt_tokens "
    "IS NOT k.prompt_tokens OR l.completion_tokens IS NOT k.completion_tokens OR l.cached_tokens IS NOT "
    "k.cached_tokens "
    "OR l.reasoning_tokens IS NOT k.reasoning_tokens OR l.cost IS NOT k.cost";

#define NEXUS_USAGE_COLUMNS                                                                                       \
  "begin_at, sum(requests), sum(errors), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), "        \
  "sum(reasoning_tokens), sum(cost), sum(duration_ms), sum(ttft_ms), sum(streams) FROM usage WHERE span = ? AND " \
  "begin_at >= ? AND begin_at < ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
constexpr std::array<std::string_view, 4> usage_sql{
    "SELECT 0, '', " NEXUS_USAGE_COLUMNS, "SELECT provider_id, '', " NEXUS_USAGE_COLUMNS,
    "SELECT 0, model_name, " NEXUS_USAGE_COLUMNS, "SELECT key_id, '', " NEXUS_USAGE_COLUMNS};

constexpr std::string_view drift_sql =
    "SELECT provider_id, model_name, sum(reported_prompt), sum(counted_prompt), sum(reported_completion), "
    "sum(counted_completion) FROM usage WHERE span = 86400000 GROUP BY 1, 2 HAVING sum(counted_prompt) + "
    "sum(counted_completion) > 0 ORDER BY 1, 2";

constexpr std::string_view sums_sql =
    "SELECT coalesce(sum(attempts > 0), 0), coalesce(sum(attempts = 0), 0), coalesce(sum(attempts), 0), "
    "coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), coalesce(sum(cached_tokens), 0), "
    "coalesce(sum(reasoning_tokens), 0), coalesce(sum(cost), 0) FROM requests";

#undef NEXUS_IS_ROUND
#undef NEXUS_USAGE_SUMS
#undef NEXUS_USAGE_COLUMNS

result<void> compare(query& rows, std::string_view what, audit_report& report) {
  for (int i = 0; i < differences_max; ++i) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) break;
    report.differences.push_back(
        {.what = std::string(what), .where = rows.text(0), .ledger = rows.integer(1), .kept = rows.integer(2)});
  }
  return {};
}

}  // namespace

reader::reader(std::unique_ptr<database> connection) : connection_(std::move(connection)) {}
reader::~reader() = default;

result<std::unique_ptr<reader>> reader::open(const std::filesystem::path& file) {
  auto connection = database::open_to_read(file, reader_patience);
  if (!connection) return connection.error();
  return std::unique_ptr<reader>(new reader(std::move(*connection)));
}

result<std::vector<usage_row>> reader::usage(int64_t span, int64_t from, int64_t to, usage_group group) {
  const auto sql = usage_sql.at(static_cast<size_t>(group));
  if (auto ready = connection_->prepare(std::span(&sql, 1)); !ready) return ready.error();
  auto rows = connection_->use(0);
  rows.bind(span).bind(from).bind(to);
  std::vector<usage_row> found;
  for (;;) {
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({.group_id = rows.integer(0),
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

result<audit_report> reader::audit() {
  std::vector<std::string_view> statements;
  statements.reserve(checks.size() + 2);
  for (const auto& check : checks) statements.push_back(check.sql);
  statements.push_back(span_sql);
  statements.push_back(sums_sql);
  if (auto ready = connection_->prepare(statements); !ready) return ready.error();
  if (auto begun = connection_->execute("BEGIN"); !begun) return begun.error();
  audit_report report;
  {
    auto sums = connection_->use(checks.size() + 1);
    if (const auto row = sums.next(); !row) return row.error();
    report.requests = sums.integer(0);
    report.rejected = sums.integer(1);
    report.attempts = sums.integer(2);
    report.tokens = {sums.integer(3), sums.integer(4), sums.integer(5), sums.integer(6)};
    report.cost = sums.integer(7);
  }
  for (size_t i = 0; i < checks.size(); ++i) {
    auto rows = connection_->use(i);
    if (auto done = compare(rows, checks[i].what, report); !done) return done.error();
  }
  for (const auto& check : span_checks) {
    auto rows = connection_->use(checks.size());
    rows.bind(check.span);
    if (auto done = compare(rows, check.what, report); !done) return done.error();
  }
  if (auto ended = connection_->execute("COMMIT"); !ended) return ended.error();
  return report;
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
