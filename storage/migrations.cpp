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
