#include "storage/migrations.hpp"

#include "conf/log.hpp"

#include <fmt/format.h>

#include <array>

namespace nexus::storage {

namespace {

// One statement for each step. Never edit a released line: add one at the end.
constexpr std::array<std::string_view, 8> statements{
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
};

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
