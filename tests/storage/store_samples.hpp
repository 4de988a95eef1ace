// What the tests of the store share: an open store, sample rows, and another program beside it.
#pragma once

#include "storage/store.hpp"

#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

namespace nexus::storage {

inline constexpr storage_options quick{.batch_rows = 256,
                                       .batch_delay = std::chrono::milliseconds(5),
                                       .queue_max = 1024,
                                       .busy_timeout = std::chrono::milliseconds(50)};

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

inline exchange_record exchange(const std::string& request, const std::string& conversation, int64_t at = 1000) {
  return {.request_id = request,
          .conversation_id = conversation,
          .provider_id = 1,
          .model_name = "m",
          .timestamp = at,
          .prompt_tokens = 10,
          .completion_tokens = 3,
          .source = "reported",
          .outcome = "delivered",
          .stream = true,
          .ttft_ms = 5,
          .duration_ms = 50,
          .history_hash = 42};
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
