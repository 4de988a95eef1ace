// The proof: every sum that is kept, computed anew from what it sums. Each statement takes time in proportion to its
// rows (times the logarithm of sorting them): both sides stand in one list, one with the other sign, summed by key.
#include "storage/database.hpp"
#include "storage/reader.hpp"

#include <array>
#include <string_view>

namespace nexus::storage {
namespace {

constexpr int differences_max = 20;  // of each kind: more say nothing new

// What counts as a round of its conversation, as ledger.cpp decides it.
#define NEXUS_IS_ROUND "attempts > 0 AND outcome NOT IN ('upstream_error', 'rejected')"

struct check {
  std::string_view what;
  std::string_view sql;  // rows of (where, ledger, kept) that differ
};

constexpr std::array checks{
    check{
        "total conversations",
        "SELECT '', l, conversations FROM totals, (SELECT count(*) AS l FROM conversations) WHERE l <> conversations"},
    check{"total rounds",
          "SELECT '', l, rounds FROM totals, (SELECT coalesce(sum(rounds), 0) AS l FROM conversations) WHERE l <> "
          "rounds"},
    check{"total prompt tokens",
          "SELECT '', l, prompt_tokens FROM totals, (SELECT coalesce(sum(prompt_tokens), 0) AS l FROM conversations) "
          "WHERE l <> prompt_tokens"},
    check{"total completion tokens",
          "SELECT '', l, completion_tokens FROM totals, (SELECT coalesce(sum(completion_tokens), 0) AS l FROM "
          "conversations) WHERE l <> completion_tokens"},
    check{"rounds of a conversation",
          "SELECT 'conversation ' || conversation_id, sum(l), sum(k) FROM (SELECT conversation_id, 1 AS l, 0 AS k FROM "
          "requests WHERE " NEXUS_IS_ROUND
          " UNION ALL SELECT conversation_id, 0, rounds FROM conversations) GROUP BY conversation_id HAVING sum(l) <> "
          "sum(k)"},
    check{"tokens of a conversation",
          "SELECT 'conversation ' || conversation_id, sum(l + m), sum(k + n) FROM (SELECT conversation_id, "
          "prompt_tokens AS l, completion_tokens AS m, 0 AS k, 0 AS n FROM requests WHERE " NEXUS_IS_ROUND
          " UNION ALL SELECT conversation_id, 0, 0, prompt_tokens, completion_tokens FROM conversations) GROUP BY "
          "conversation_id HAVING sum(l) <> sum(k) OR sum(m) <> sum(n)"},
    check{"rows of chat_stats",
          "SELECT 'request ' || coalesce(max(request_id), place), sum(l + m), sum(k + n) FROM (SELECT id AS place, "
          "request_id, prompt_tokens AS l, completion_tokens AS m, 0 AS k, 0 AS n, 2 AS pair FROM requests "
          "WHERE " NEXUS_IS_ROUND
          " UNION ALL SELECT id / 2, NULL, 0, 0, tokens_count * (id % 2 = 0), tokens_count * (id % 2), -1 FROM "
          "chat_stats) GROUP BY place HAVING sum(l) <> sum(k) OR sum(m) <> sum(n) OR sum(pair) <> 0"},
    check{
        "spending of a key",
        "SELECT 'key ' || key_id, sum(l), sum(k) FROM (SELECT key_id, prompt_tokens + completion_tokens AS l, 0 AS k, "
        "cost, 1 AS requests FROM requests UNION ALL SELECT key_id, 0, tokens, -cost, -requests FROM key_spending "
        "WHERE period_begin = 0) GROUP BY key_id HAVING sum(l) <> sum(k) OR sum(cost) <> 0 OR sum(requests) <> 0"},
    check{"spending of a key in a period",
          "SELECT 'key ' || key_id || ', from ' || period_begin, sum(l), sum(k) FROM (SELECT key_id, period_begin, "
          "prompt_tokens + completion_tokens AS l, 0 AS k, cost, 1 AS requests FROM requests WHERE period_begin <> 0 "
          "UNION ALL SELECT key_id, period_begin, 0, tokens, -cost, -requests FROM key_spending WHERE period_begin <> "
          "0) GROUP BY key_id, period_begin HAVING sum(l) <> sum(k) OR sum(cost) <> 0 OR sum(requests) <> 0"},
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

#define NEXUS_ROW_SUMS                                                                                             \
  "1 AS requests, outcome IN ('upstream_error', 'truncated', 'rejected', 'interrupted') AS errors, "               \
  "prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost, duration_ms, ttft_ms, ttft_ms > 0 AS " \
  "streams"
#define NEXUS_KEPT_SUMS                                                                                      \
  "requests, errors, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost, duration_ms, " \
  "ttft_ms, streams"
// `side` is 1 for what is summed and -1 for the sum that is kept.
#define NEXUS_COUNTS ", sum(iif(side > 0, requests, 0)), sum(iif(side < 0, requests, 0)) FROM ("
#define NEXUS_DIFFER                                                                                              \
  " HAVING sum(side * requests) <> 0 OR sum(side * errors) <> 0 OR sum(side * prompt_tokens) <> 0 OR sum(side * " \
  "completion_tokens) <> 0 OR sum(side * cached_tokens) <> 0 OR sum(side * reasoning_tokens) <> 0 OR sum(side * " \
  "cost) <> 0 OR sum(side * duration_ms) <> 0 OR sum(side * ttft_ms) <> 0 OR sum(side * streams) <> 0"
    check{"usage of a day",
          "SELECT 'key ' || key_id || ', provider ' || provider_id || ', model ' || model_name || ', from ' || "
          "begin_at" NEXUS_COUNTS "SELECT created_at / 86400000 * 86400000 AS begin_at, key_id, provider_id, "
          "model_name, 1 AS side, " NEXUS_ROW_SUMS
          " FROM requests UNION ALL SELECT begin_at, key_id, provider_id, model_name, -1, " NEXUS_KEPT_SUMS
          " FROM usage_days) GROUP BY begin_at, key_id, provider_id, model_name" NEXUS_DIFFER},
};

// Of one grouping of the series: what stands before, between and behind the columns of its group.
#define NEXUS_SERIES(grouping, label, source)                                                      \
  "SELECT " label " || 'from ' || begin_at" NEXUS_COUNTS "SELECT " source                          \
  " UNION ALL SELECT begin_at, group_id, "                                                         \
  "group_name, -1, " NEXUS_KEPT_SUMS " FROM usage_series WHERE span = ?1 AND grouping = " grouping \
  ") GROUP BY begin_at, g, n" NEXUS_DIFFER
#define NEXUS_OF_ROWS(columns, grouping, label) \
  NEXUS_SERIES(grouping, label,                 \
               "created_at / ?1 * ?1 AS begin_at, " columns ", 1 AS side, " NEXUS_ROW_SUMS " FROM requests")
#define NEXUS_OF_FINER(grouping, label)                                                                      \
  NEXUS_SERIES(grouping, label,                                                                              \
               "begin_at / ?1 * ?1 AS begin_at, group_id AS g, group_name AS n, 1 AS side, " NEXUS_KEPT_SUMS \
               " FROM usage_series WHERE span = ?2 AND grouping = " grouping)
constexpr std::array<std::string_view, usage_groups> series_of_rows{
    NEXUS_OF_ROWS("0 AS g, '' AS n", "0", "''"),
    NEXUS_OF_ROWS("provider_id AS g, '' AS n", "1", "'provider ' || g || ', '"),
    NEXUS_OF_ROWS("0 AS g, model_name AS n", "2", "'model ' || n || ', '"),
    NEXUS_OF_ROWS("key_id AS g, '' AS n", "3", "'key ' || g || ', '")};
constexpr std::array<std::string_view, usage_groups> series_of_finer{
    NEXUS_OF_FINER("0", "''"), NEXUS_OF_FINER("1", "'provider ' || g || ', '"),
    NEXUS_OF_FINER("2", "'model ' || n || ', '"), NEXUS_OF_FINER("3", "'key ' || g || ', '")};

// Minutes against the rows, hours against minutes, days against hours.
struct series_check {
  std::string_view what;
  const std::array<std::string_view, usage_groups>* statements;
  int64_t span, finer;
};
constexpr std::array series_checks{series_check{"usage by the minute", &series_of_rows, minute_span, 0},
                                   series_check{"usage by the hour", &series_of_finer, hour_span, minute_span},
                                   series_check{"usage by the day", &series_of_finer, day_span, hour_span}};

constexpr std::string_view sums_sql =
    "SELECT coalesce(sum(attempts > 0), 0), coalesce(sum(attempts = 0), 0), coalesce(sum(attempts), 0), "
    "coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), coalesce(sum(cached_tokens), 0), "
    "coalesce(sum(reasoning_tokens), 0), coalesce(sum(cost), 0) FROM requests";

#undef NEXUS_IS_ROUND
#undef NEXUS_ROW_SUMS
#undef NEXUS_KEPT_SUMS
#undef NEXUS_COUNTS
#undef NEXUS_DIFFER
#undef NEXUS_SERIES
#undef NEXUS_OF_ROWS
#undef NEXUS_OF_FINER

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

result<void> sum_up(database& connection, audit_report& report) {
  if (auto ready = connection.prepare(std::span(&sums_sql, 1)); !ready) return ready;
  auto sums = connection.use(0);
  if (const auto row = sums.next(); !row) return row.error();
  report.requests = sums.integer(0);
  report.rejected = sums.integer(1);
  report.attempts = sums.integer(2);
  report.tokens = {sums.integer(3), sums.integer(4), sums.integer(5), sums.integer(6)};
  report.cost = sums.integer(7);
  return {};
}

result<void> compare_series(database& connection, const series_check& check, audit_report& report) {
  if (auto ready = connection.prepare(*check.statements); !ready) return ready;
  for (size_t group = 0; group < usage_groups; ++group) {
    auto rows = connection.use(group);
    rows.bind(check.span);
    if (check.finer != 0) rows.bind(check.finer);
    if (auto done = compare(rows, check.what, report); !done) return done;
  }
  return {};
}

result<void> compare_all(database& connection, audit_report& report) {
  if (auto done = sum_up(connection, report); !done) return done;
  for (const auto& check : checks) {
    if (auto ready = connection.prepare(std::span(&check.sql, 1)); !ready) return ready;
    auto rows = connection.use(0);
    if (auto done = compare(rows, check.what, report); !done) return done;
  }
  for (const auto& check : series_checks)
    if (auto done = compare_series(connection, check, report); !done) return done;
  return {};
}

}  // namespace

result<audit_report> reader::audit() {
  audit_report report;
  if (auto begun = connection_->execute("BEGIN"); !begun) return begun.error();
  const auto compared = compare_all(*connection_, report);
  const auto ended = connection_->execute("COMMIT");
  if (!compared) return compared.error();
  if (!ended) return ended.error();
  return report;
}

}  // namespace nexus::storage
