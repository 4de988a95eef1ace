// What the tests of the store share: an open store, sample rows, and another program beside it.
#pragma once

#include "storage/store.hpp"

#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

namespace nexus::storage {

inline constexpr storage_options quick{
    .batch_delay = std::chrono::milliseconds(5), .queue_max = 1024, .busy_timeout = std::chrono::milliseconds(50)};

inline master_key test_key() { return *master_key::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="); }

inline std::unique_ptr<store> open_store(const std::filesystem::path& folder) {
  auto opened = store::open(folder, quick, test_key());
  EXPECT_TRUE(opened) << opened.error().message << " " << opened.error().detail;
  return opened ? std::move(*opened) : nullptr;
}

inline std::string refusal(const std::filesystem::path& folder, master_key key = test_key()) {
  const auto opened = store::open(folder, quick, std::move(key));
  EXPECT_FALSE(opened);
  return opened ? "" : opened.error().message;
}

// Another program that has the database open.
class other_program {
 public:
  explicit other_program(const std::filesystem::path& folder) {
    EXPECT_EQ(sqlite3_open(store::file(folder).c_str(), &connection_), SQLITE_OK);
  }
  ~other_program() { sqlite3_close(connection_); }
  void run(const char* statement) {
    EXPECT_EQ(sqlite3_exec(connection_, statement, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(connection_);
  }
  int64_t integer(const char* statement) {
    int64_t value = -1;
    const auto read = [](void* out, int, char** columns, char**) {
      *static_cast<int64_t*>(out) = std::atoll(columns[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(connection_, statement, read, &value, nullptr), SQLITE_OK) << sqlite3_errmsg(connection_);
    return value;
  }

 private:
  sqlite3* connection_ = nullptr;
};

inline provider sample(const std::string& name) {
  provider row;
  row.name = name;
  row.server_url = "https://api.example.org/v1";
  row.server_key = secret("sk-server-0123456789");
  row.personalized_key = secret("sk-personal-0123456789");
  row.description = "A provider";
  row.weight = 3;
  row.priority = -1;
  row.headers = R"({"x-team": "hidden-header-value"})";
  row.timeouts = R"({"connect_timeout": 100})";
  return row;
}

inline provider_model model_of(int64_t provider_id, const std::string& name) {
  provider_model row;
  row.provider_id = provider_id;
  row.model_name = name;
  return row;
}

inline void expect_equal(const provider& left, const provider& right) {
  EXPECT_EQ(left.id, right.id);
  EXPECT_EQ(left.name, right.name);
  EXPECT_EQ(left.kind, right.kind);
  EXPECT_EQ(left.server_url, right.server_url);
  EXPECT_EQ(left.server_key.reveal(), right.server_key.reveal());
  EXPECT_EQ(left.personalized_key.reveal(), right.personalized_key.reveal());
  EXPECT_EQ(left.description, right.description);
  EXPECT_EQ(left.enabled, right.enabled);
  EXPECT_EQ(left.weight, right.weight);
  EXPECT_EQ(left.priority, right.priority);
  EXPECT_EQ(left.headers, right.headers);
  EXPECT_EQ(left.timeouts, right.timeouts);
  EXPECT_EQ(left.created_at, right.created_at);
  EXPECT_EQ(left.updated_at, right.updated_at);
  EXPECT_EQ(left.version, right.version);
}

/// A settled request, as far as tests care.
struct sample_request {
  std::string request_id;
  std::string conversation_id;
  int64_t provider_id = 1;
  std::string model_name = "m";
  int64_t timestamp = 1000;
  int64_t prompt_tokens = 10;
  int64_t completion_tokens = 3;
  outcome how = outcome::delivered;
  bool stream = true;
  uint32_t ttft_ms = 5;
  uint32_t duration_ms = 50;
  uint64_t history_hash = 42;
  int64_t key_id = 0;
  int64_t period_begin = 0;
  uint8_t attempts = 1;
  token_prices prices = {};
};

inline sample_request exchange(const std::string& request, const std::string& conversation, int64_t at = 1000) {
  return {.request_id = request, .conversation_id = conversation, .timestamp = at};
}

inline void fill(ledger_entry& entry, const sample_request& row) {
  entry.request_id.assign(row.request_id);
  entry.conversation_id.assign(row.conversation_id);
  entry.model_name.assign(row.model_name);
  entry.key_id = row.key_id;
  entry.provider_id = row.provider_id;
  entry.period_begin = row.period_begin;
  entry.created_at = row.timestamp;
  entry.settled_at = row.timestamp + row.duration_ms;
  entry.prices = row.prices;
  entry.charged = {.prompt = row.prompt_tokens, .completion = row.completion_tokens};
  entry.reported_prompt = row.prompt_tokens;
  entry.reported_completion = row.completion_tokens;
  entry.counted_prompt = 11;
  entry.note_completion(4);
  entry.prompt_source = entry.completion_source = token_source::reported;
  entry.outcome = row.how;
  entry.stream = row.stream;
  entry.ttft_ms = row.ttft_ms;
  entry.duration_ms = row.duration_ms;
  entry.history_hash = row.history_hash;
  entry.attempts = row.attempts;
  for (size_t i = 0; i < row.attempts && i < ledger_attempts_max; ++i)
    entry.tries[i] = {.provider_id = row.provider_id - static_cast<int64_t>(row.attempts - 1 - i),
                      .started_at = row.timestamp,
                      .duration_ms = 7,
                      .status = 500,
                      .outcome = i + 1 == row.attempts ? row.how : outcome::upstream_error,
                      .padding = 0};
  entry.enter(ledger_entry::stage::settled);
}

inline result<void> record(store& store, const std::vector<sample_request>& rows) {
  std::vector<ledger_entry> entries(rows.size());
  std::vector<const ledger_entry*> places;
  for (size_t i = 0; i < rows.size(); ++i) {
    entries[i] = {};
    fill(entries[i], rows[i]);
    places.push_back(&entries[i]);
  }
  return store.record(places);
}

inline void expect_totals(store& store, int64_t conversations, int64_t rounds, int64_t prompt, int64_t completion) {
  const auto totals = store.totals();
  ASSERT_TRUE(totals) << totals.error().detail;
  EXPECT_EQ(totals->conversations, conversations);
  EXPECT_EQ(totals->rounds, rounds);
  EXPECT_EQ(totals->prompt_tokens, prompt);
  EXPECT_EQ(totals->completion_tokens, completion);
}

// The totals are what the ledger says.
inline void expect_consistent(const std::filesystem::path& folder) {
  other_program other(folder);
  EXPECT_EQ(other.integer("SELECT (SELECT count(*) FROM chat_stats WHERE is_prompt = 1) - (SELECT rounds FROM totals)"),
            0);
  EXPECT_EQ(other.integer("SELECT (SELECT total(tokens_count) FROM chat_stats WHERE is_prompt = 1) - (SELECT "
                          "prompt_tokens FROM totals)"),
            0);
  EXPECT_EQ(other.integer("SELECT (SELECT total(tokens_count) FROM chat_stats WHERE is_prompt = 0) - (SELECT "
                          "completion_tokens FROM totals)"),
            0);
  EXPECT_EQ(other.integer(
                "SELECT (SELECT count(DISTINCT conversation_id) FROM chat_stats) - (SELECT conversations FROM totals)"),
            0);
  EXPECT_EQ(other.integer("SELECT (SELECT total(rounds) FROM conversations) - (SELECT rounds FROM totals)"), 0);
}

}  // namespace nexus::storage
