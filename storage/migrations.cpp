#include "storage/migrations.hpp"

#include "conf/log.hpp"

#include <fmt/format.h>

#include <array>

namespace nexus::storage {

namespace {

// One statement for each step. Never edit a released line: add one at the end.
constexpr std::array statements = std::to_array<std::string_view>({
    R"(CREATE TABLE meta (
         key TEXT PRIMARY KEY NOT NULL,
         value BLOB NOT NULL
       ) STRICT, WITHOUT ROWID)",

    // `server_key`, `personalized_key` and `headers` are sealed (secrets.hpp), bound to `row_uuid`.
    R"(CREATE TABLE service_providers (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         row_uuid TEXT NOT NULL UNIQUE,
         name TEXT NOT NULL UNIQUE,
         kind TEXT NOT NULL,
         server_url TEXT NOT NULL,
         server_key BLOB NOT NULL,
         personalized_key BLOB NOT NULL,
         description TEXT NOT NULL,
         enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
         weight INTEGER NOT NULL,
         priority INTEGER NOT NULL,
         headers BLOB NOT NULL,
         timeouts TEXT NOT NULL,
         created_at INTEGER NOT NULL,
         updated_at INTEGER NOT NULL,
         version INTEGER NOT NULL
       ) STRICT)",

    R"(CREATE TABLE provider_models (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         provider_id INTEGER NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
         model_name TEXT NOT NULL,
         description TEXT NOT NULL,
         created_at INTEGER NOT NULL,
         updated_at INTEGER NOT NULL,
         version INTEGER NOT NULL,
         UNIQUE (provider_id, model_name)
       ) STRICT)",

    // No foreign key: statistics outlive their provider.
    R"(CREATE TABLE chat_stats (
         id INTEGER PRIMARY KEY,
         timestamp INTEGER NOT NULL,
         conversation_id TEXT NOT NULL,
         provider_id INTEGER NOT NULL,
         model_name TEXT NOT NULL,
         tokens_count INTEGER NOT NULL CHECK (tokens_count >= 0),
         is_prompt INTEGER NOT NULL CHECK (is_prompt IN (0, 1)),
         request_id TEXT NOT NULL,
         source TEXT NOT NULL,
         outcome TEXT NOT NULL,
         stream INTEGER NOT NULL CHECK (stream IN (0, 1)),
         ttft_ms INTEGER NOT NULL,
         duration_ms INTEGER NOT NULL,
         UNIQUE (request_id, is_prompt)
       ) STRICT)",

    // `history_hash` is an unsigned number in the bits of a signed one.
    R"(CREATE TABLE conversations (
         conversation_id TEXT PRIMARY KEY NOT NULL,
         rounds INTEGER NOT NULL,
         prompt_tokens INTEGER NOT NULL,
         completion_tokens INTEGER NOT NULL,
         first_at INTEGER NOT NULL,
         last_at INTEGER NOT NULL,
         history_hash INTEGER NOT NULL
       ) STRICT, WITHOUT ROWID)",

    "CREATE INDEX conversations_last_at ON conversations (last_at)",

    R"(CREATE TABLE totals (
         id INTEGER PRIMARY KEY CHECK (id = 1),
         conversations INTEGER NOT NULL,
         rounds INTEGER NOT NULL,
         prompt_tokens INTEGER NOT NULL,
         completion_tokens INTEGER NOT NULL
       ) STRICT)",

    R"(INSERT INTO totals (id, conversations, rounds, prompt_tokens, completion_tokens) VALUES (1, 0, 0, 0, 0))",

    // The ledger: one row for each request that was admitted, written once, when it is settled. Until then it stands in
    // the journal. Money is in 10^-9 of the currency's unit, prices are money for a million tokens, -1 where a kind has
    // none. Numbers of tokens are what is charged; reported_ and counted_ are the upstream's and ours. `period_begin`
    // is the start of the period of the key's budget, 0 if it has none.
    R"(CREATE TABLE requests (
         id INTEGER PRIMARY KEY,
         request_id TEXT NOT NULL UNIQUE,
         key_id INTEGER NOT NULL,
         provider_id INTEGER NOT NULL,
         model_name TEXT NOT NULL,
         conversation_id TEXT NOT NULL,
         created_at INTEGER NOT NULL,
         settled_at INTEGER NOT NULL,
         outcome TEXT NOT NULL,
         attempts INTEGER NOT NULL,
         stream INTEGER NOT NULL CHECK (stream IN (0, 1)),
         ttft_ms INTEGER NOT NULL,
         duration_ms INTEGER NOT NULL,
         prompt_tokens INTEGER NOT NULL CHECK (prompt_tokens >= 0),
         completion_tokens INTEGER NOT NULL CHECK (completion_tokens >= 0),
         cached_tokens INTEGER NOT NULL CHECK (cached_tokens >= 0),
         reasoning_tokens INTEGER NOT NULL CHECK (reasoning_tokens >= 0),
         prompt_source TEXT NOT NULL,
         completion_source TEXT NOT NULL,
         cached_source TEXT NOT NULL,
         reasoning_source TEXT NOT NULL,
         reported_prompt INTEGER,
         reported_completion INTEGER,
         counted_prompt INTEGER,
         counted_completion INTEGER,
         flags INTEGER NOT NULL,
         price_input INTEGER NOT NULL,
         price_output INTEGER NOT NULL,
         price_cached INTEGER NOT NULL,
         price_reasoning INTEGER NOT NULL,
         cost INTEGER NOT NULL CHECK (cost >= 0),
         reserved_tokens INTEGER NOT NULL,
         reserved_money INTEGER NOT NULL,
         period_begin INTEGER NOT NULL
       ) STRICT)",

    // Every try of a request that took more than one; the row of `requests` names the last.
    R"(CREATE TABLE attempts (
         request_id TEXT NOT NULL,
         attempt INTEGER NOT NULL,
         provider_id INTEGER NOT NULL,
         started_at INTEGER NOT NULL,
         duration_ms INTEGER NOT NULL,
         status INTEGER NOT NULL,
         outcome TEXT NOT NULL,
         PRIMARY KEY (request_id, attempt)
       ) STRICT, WITHOUT ROWID)",

    // Roll-ups, kept in the transaction of the rows they sum: `span` is a minute, an hour or a day in milliseconds,
    // `begin_at` a multiple of it. The last four sum only requests that have both numbers.
    R"(CREATE TABLE usage (
         span INTEGER NOT NULL,
         begin_at INTEGER NOT NULL,
         key_id INTEGER NOT NULL,
         provider_id INTEGER NOT NULL,
         model_name TEXT NOT NULL,
         requests INTEGER NOT NULL,
         errors INTEGER NOT NULL,
         prompt_tokens INTEGER NOT NULL,
         completion_tokens INTEGER NOT NULL,
         cached_tokens INTEGER NOT NULL,
         reasoning_tokens INTEGER NOT NULL,
         cost INTEGER NOT NULL,
         duration_ms INTEGER NOT NULL,
         ttft_ms INTEGER NOT NULL,
         streams INTEGER NOT NULL,
         reported_prompt INTEGER NOT NULL,
         counted_prompt INTEGER NOT NULL,
         reported_completion INTEGER NOT NULL,
         counted_completion INTEGER NOT NULL,
         PRIMARY KEY (span, begin_at, key_id, provider_id, model_name)
       ) STRICT, WITHOUT ROWID)",

    // What each key has spent, in all (period_begin 0) and in each period of its budget.
    R"(CREATE TABLE key_spending (
         key_id INTEGER NOT NULL,
         period_begin INTEGER NOT NULL,
         requests INTEGER NOT NULL,
         tokens INTEGER NOT NULL,
         cost INTEGER NOT NULL,
         PRIMARY KEY (key_id, period_begin)
       ) STRICT, WITHOUT ROWID)",

    // What was recorded before there was a ledger.
    R"(INSERT INTO requests (request_id, key_id, provider_id, model_name, conversation_id, created_at, settled_at,
         outcome, attempts, stream, ttft_ms, duration_ms, prompt_tokens, completion_tokens, cached_tokens,
         reasoning_tokens, prompt_source, completion_source, cached_source, reasoning_source, reported_prompt,
         reported_completion, counted_prompt, counted_completion, flags, price_input, price_output, price_cached,
         price_reasoning, cost, reserved_tokens, reserved_money, period_begin)
       SELECT p.request_id, 0, p.provider_id, p.model_name, p.conversation_id, p.timestamp,
         p.timestamp + p.duration_ms, p.outcome, 1, p.stream, p.ttft_ms, p.duration_ms, p.tokens_count, c.tokens_count,
         0, 0, p.source, c.source, 'none', 'none', iif(p.source = 'reported', p.tokens_count, NULL),
         iif(c.source = 'reported', c.tokens_count, NULL), NULL, NULL, 0, 0, 0, -1, -1, 0, 0, 0, 0
       FROM chat_stats p JOIN chat_stats c ON c.request_id = p.request_id AND c.is_prompt = 0
       WHERE p.is_prompt = 1 ORDER BY p.id)",
    R"(INSERT INTO usage
       SELECT span, created_at / span * span, key_id, provider_id, model_name, count(*),
         sum(outcome IN ('upstream_error', 'truncated', 'rejected', 'interrupted')), sum(prompt_tokens),
         sum(completion_tokens), 0, 0, 0, sum(duration_ms), sum(ttft_ms), sum(ttft_ms > 0), 0, 0, 0, 0
       FROM requests CROSS JOIN (SELECT 60000 AS span UNION ALL SELECT 3600000 UNION ALL SELECT 86400000)
       GROUP BY span, created_at / span, key_id, provider_id, model_name)",
    R"(INSERT INTO key_spending SELECT key_id, 0, count(*), sum(prompt_tokens + completion_tokens), sum(cost)
       FROM requests GROUP BY key_id)",

    // Money for a million tokens; -1: as the kind that it is part of. `output_tokens_max` is reserved for a request
    // that sets no bound of its own; 0: the hub's default.
    "ALTER TABLE provider_models ADD COLUMN price_input INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE provider_models ADD COLUMN price_output INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE provider_models ADD COLUMN price_cached INTEGER NOT NULL DEFAULT -1",
    "ALTER TABLE provider_models ADD COLUMN price_reasoning INTEGER NOT NULL DEFAULT -1",
    "ALTER TABLE provider_models ADD COLUMN output_tokens_max INTEGER NOT NULL DEFAULT 0",

    // `providers`, `models` and `addresses` are JSON arrays. An empty `budget_unit` is no budget.
    R"(CREATE TABLE api_keys (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         name TEXT NOT NULL,
         origin TEXT NOT NULL CHECK (origin IN ('hub', 'provider')),
         digest BLOB NOT NULL UNIQUE,
         former_digest BLOB NOT NULL,
         former_until INTEGER NOT NULL,
         masked TEXT NOT NULL,
         providers TEXT NOT NULL,
         models TEXT NOT NULL,
         addresses TEXT NOT NULL,
         enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
         expires_at INTEGER NOT NULL,
         requests_per_minute INTEGER NOT NULL,
         tokens_per_minute INTEGER NOT NULL,
         concurrent_requests INTEGER NOT NULL,
         budget_unit TEXT NOT NULL CHECK (budget_unit IN ('', 'tokens', 'money')),
         budget_amount INTEGER NOT NULL,
         budget_period TEXT NOT NULL CHECK (budget_period IN ('total', 'day', 'week', 'month')),
         budget_time_zone TEXT NOT NULL,
         on_leave TEXT NOT NULL CHECK (on_leave IN ('cancel', 'drain', 'finish')),
         drain_seconds INTEGER NOT NULL,
         drain_tokens INTEGER NOT NULL,
         drain_money INTEGER NOT NULL,
         last_used_at INTEGER NOT NULL,
         created_at INTEGER NOT NULL,
         updated_at INTEGER NOT NULL,
         version INTEGER NOT NULL
       ) STRICT)",

    // Who bears which brought-along key.
    R"(CREATE TABLE provider_keys (
         provider_id INTEGER PRIMARY KEY REFERENCES service_providers (id) ON DELETE CASCADE,
         key_id INTEGER NOT NULL REFERENCES api_keys (id)
       ) STRICT)",

    "CREATE INDEX provider_keys_key ON provider_keys (key_id)",

    R"(CREATE TABLE administrators (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         name TEXT NOT NULL UNIQUE,
         password TEXT NOT NULL,
         role TEXT NOT NULL CHECK (role IN ('administrator', 'viewer')),
         created_at INTEGER NOT NULL,
         updated_at INTEGER NOT NULL,
         version INTEGER NOT NULL
       ) STRICT)",

    // `administrator_id` 0: signed in with a token.
    R"(CREATE TABLE admin_sessions (
         digest BLOB PRIMARY KEY NOT NULL,
         administrator_id INTEGER NOT NULL,
         made_at INTEGER NOT NULL,
         used_at INTEGER NOT NULL
       ) STRICT, WITHOUT ROWID)",

    R"(CREATE TABLE audit_log (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         at INTEGER NOT NULL,
         actor TEXT NOT NULL,
         action TEXT NOT NULL,
         resource TEXT NOT NULL,
         resource_id INTEGER NOT NULL,
         before TEXT NOT NULL,
         after TEXT NOT NULL,
         address TEXT NOT NULL,
         request_id TEXT NOT NULL
       ) STRICT)",

    // What was learnt of models whose tokenizer nobody knows.
    R"(CREATE TABLE calibrations (
         model_name TEXT PRIMARY KEY NOT NULL,
         state BLOB NOT NULL
       ) STRICT, WITHOUT ROWID)",

    // Two rows for each round of `requests`, whose ids are twice its own (the prompt) and one more: they find each
    // other without an index, both tables only grow at their ends, and what else there is to say stands in the request.
    R"(CREATE TABLE chat_stats_by_place (
         id INTEGER PRIMARY KEY,
         timestamp INTEGER NOT NULL,
         conversation_id TEXT NOT NULL,
         provider_id INTEGER NOT NULL,
         model_name TEXT NOT NULL,
         tokens_count INTEGER NOT NULL CHECK (tokens_count >= 0),
         is_prompt INTEGER NOT NULL CHECK (is_prompt IN (0, 1))
       ) STRICT)",
    R"(INSERT INTO chat_stats_by_place
       SELECT 2 * r.id + 1 - s.is_prompt, s.timestamp, s.conversation_id, s.provider_id, s.model_name, s.tokens_count,
         s.is_prompt
       FROM chat_stats s JOIN requests r ON r.request_id = s.request_id ORDER BY 1)",
    "DROP TABLE chat_stats",
    "ALTER TABLE chat_stats_by_place RENAME TO chat_stats",

    // Of the conversation with this answer, an unsigned number in the bits of a signed one; 0 if it cannot be
    // continued.
    "ALTER TABLE requests ADD COLUMN history_hash INTEGER NOT NULL DEFAULT 0",
    R"(UPDATE requests SET history_hash =
         (SELECT c.history_hash FROM conversations c WHERE c.conversation_id = requests.conversation_id)
       WHERE id IN (SELECT max(id) FROM requests WHERE attempts > 0 AND outcome NOT IN ('upstream_error', 'rejected')
                    GROUP BY conversation_id))",
    "DROP INDEX conversations_last_at",
    "ALTER TABLE conversations DROP COLUMN history_hash",

    // Roll-ups, kept in the transaction of the rows they sum. A series is what one chart shows: `grouping` is 0 for
    // everything, 1 by provider, 2 by model (`group_name`), 3 by key; `span` a minute, an hour or a day in
    // milliseconds, `begin_at` a multiple of it.
    R"(CREATE TABLE usage_series (
         span INTEGER NOT NULL,
         grouping INTEGER NOT NULL,
         begin_at INTEGER NOT NULL,
         group_id INTEGER NOT NULL,
         group_name TEXT NOT NULL,
         requests INTEGER NOT NULL,
         errors INTEGER NOT NULL,
         prompt_tokens INTEGER NOT NULL,
         completion_tokens INTEGER NOT NULL,
         cached_tokens INTEGER NOT NULL,
         reasoning_tokens INTEGER NOT NULL,
         cost INTEGER NOT NULL,
         duration_ms INTEGER NOT NULL,
         ttft_ms INTEGER NOT NULL,
         streams INTEGER NOT NULL,
         PRIMARY KEY (span, grouping, begin_at, group_id, group_name)
       ) STRICT, WITHOUT ROWID)",
    R"(INSERT INTO usage_series
       SELECT span, grouping, begin_at, CASE grouping WHEN 1 THEN provider_id WHEN 3 THEN key_id ELSE 0 END,
         iif(grouping = 2, model_name, ''), sum(requests), sum(errors), sum(prompt_tokens), sum(completion_tokens),
         sum(cached_tokens), sum(reasoning_tokens), sum(cost), sum(duration_ms), sum(ttft_ms), sum(streams)
       FROM usage CROSS JOIN (SELECT 0 AS grouping UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)
       GROUP BY 1, 2, 3, 4, 5)",
    // Each day by all three. The last four sum only requests that have both numbers.
    R"(CREATE TABLE usage_days (
         begin_at INTEGER NOT NULL,
         key_id INTEGER NOT NULL,
         provider_id INTEGER NOT NULL,
         model_name TEXT NOT NULL,
         requests INTEGER NOT NULL,
         errors INTEGER NOT NULL,
         prompt_tokens INTEGER NOT NULL,
         completion_tokens INTEGER NOT NULL,
         cached_tokens INTEGER NOT NULL,
         reasoning_tokens INTEGER NOT NULL,
         cost INTEGER NOT NULL,
         duration_ms INTEGER NOT NULL,
         ttft_ms INTEGER NOT NULL,
         streams INTEGER NOT NULL,
         reported_prompt INTEGER NOT NULL,
         counted_prompt INTEGER NOT NULL,
         reported_completion INTEGER NOT NULL,
         counted_completion INTEGER NOT NULL,
         PRIMARY KEY (begin_at, key_id, provider_id, model_name)
       ) STRICT, WITHOUT ROWID)",
    R"(INSERT INTO usage_days
       SELECT begin_at, key_id, provider_id, model_name, requests, errors, prompt_tokens, completion_tokens,
         cached_tokens, reasoning_tokens, cost, duration_ms, ttft_ms, streams, reported_prompt, counted_prompt,
         reported_completion, counted_completion
       FROM usage WHERE span = 86400000)",
    "DROP TABLE usage",
});

result<void> apply(database& database, std::string_view statement, size_t version) {
  transaction work(database);
  if (auto begun = work.begin(); !begun) return begun;
  if (auto done = database.execute(std::string(statement)); !done) return done;
  // A PRAGMA takes no parameters; both values are our own numbers.
  if (auto done = database.execute(fmt::format("PRAGMA application_id = {}", application_id)); !done) return done;
  if (auto done = database.execute(fmt::format("PRAGMA user_version = {}", version)); !done) return done;
  return work.commit();
}

}  // namespace

std::span<const std::string_view> migrations() { return statements; }

result<void> migrate(database& database, std::span<const std::string_view> list) {
  const auto found = database.integer("PRAGMA user_version");
  if (!found) return found.error();
  const auto known = static_cast<int64_t>(list.size());
  if (*found < 0 || *found > known) {
    return make_error(
        errc::storage_error,
        fmt::format("The database '{}' was written by a newer NexusAI Hub (schema {}, this one knows {}).",
                    database.file().string(), *found, known));
  }
  for (auto version = static_cast<size_t>(*found); version < list.size(); ++version) {
    if (auto done = apply(database, list[version], version + 1); !done) return done;
  }
  if (*found > 0 && *found < known)
    log::storage().info("storage-migrated", "The schema went from {} to {}.", *found, known);
  return {};
}

}  // namespace nexus::storage
