// One SQLite connection: prepared statements, transactions that roll back by themselves, errors as sentences. The only
// place that knows sqlite3. A connection belongs to one thread at a time.
#pragma once

#include "conf/error.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace nexus::storage {

/// What a hub's file says of itself: "NXHB".
constexpr int32_t application_id = 0x4e584842;

/// Returns the failure behind an (extended) SQLite result code. `detail` goes to the log.
error sqlite_failure(int code, std::string detail);

/// One use of a prepared statement: bind its parameters from left to right, then step. Resets it at the end.
/// What a bind refuses, the next step reports.
class query {
 public:
  query(sqlite3* connection, sqlite3_stmt* statement) : connection_(connection), statement_(statement) {}
  query(const query&) = delete;
  query& operator=(const query&) = delete;
  ~query();

  query& bind(int64_t number);
  query& bind(std::string_view text);
  /// Without a copy: the text must outlive this use.
  query& bind_view(std::string_view text);
  query& bind_blob(std::string_view bytes);
  query& bind_null();

  /// Steps; true if there is a row.
  result<bool> next();
  /// Steps to the end and drops the rows.
  result<void> run();

  int64_t integer(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;

 private:
  void note(int code);
  sqlite3* connection_;
  sqlite3_stmt* statement_;
  int parameter_ = 0;
  int failed_ = 0;
};

class database {
 public:
  /// Opens or creates `file` (0600, and so its -wal and -shm). Refuses what is no database, what belongs to another
  /// program and what is damaged. Checkpoints happen only in `checkpoint`.
  static result<std::unique_ptr<database>> open(const std::filesystem::path& file,
                                                std::chrono::milliseconds busy_timeout);
  /// Opens an existing database only to read: it never writes or checkpoints, and may do so beside the one that does.
  static result<std::unique_ptr<database>> open_to_read(const std::filesystem::path& file,
                                                        std::chrono::milliseconds busy_timeout);
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database();

  /// Runs one statement that stands in the source, without parameters.
  result<void> execute(const std::string& statement);
  /// Returns the first column of the first row of a PRAGMA or a count.
  result<int64_t> integer(const std::string& statement);
  result<std::string> text(const std::string& statement);

  /// Prepares the table of statements, for `use` by their index. Replaces an earlier table.
  result<void> prepare(std::span<const std::string_view> table);
  query use(size_t index) { return query(connection_, table_.at(index)); }

  int64_t last_id() const;
  /// Rows that the last INSERT, UPDATE or DELETE touched.
  int64_t changes() const;
  bool in_transaction() const;

  /// Writes all of it, as it is at this moment, into a new file (0600). Holds up nobody who writes meanwhile.
  result<void> copy_to(const std::filesystem::path& copy);
  /// Copies the write-ahead log into the file: as far as readers allow, or, if `truncate`, all and empties it. Never
  /// waits for readers.
  result<void> checkpoint(bool truncate);
  /// Bytes of the write-ahead log that are not in the file yet.
  int64_t wal_bytes() const;
  const std::filesystem::path& file() const { return file_; }

 private:
  database(std::filesystem::path file, std::chrono::milliseconds busy_timeout);
  result<void> connect(int flags);
  result<void> recognise();
  result<void> configure();
  result<void> examine();
  error failure(int code) const;
  error refusal(error cause) const;

  std::filesystem::path file_;
  int busy_timeout_ms_;
  sqlite3* connection_ = nullptr;
  std::vector<sqlite3_stmt*> table_;
  int64_t page_bytes_ = 0;
  int64_t wal_bytes_ = 0;
};

/// BEGIN IMMEDIATE … COMMIT; rolls back if it dies uncommitted. Within another one it does nothing by itself: whoever
/// owns the outer one must not commit it after a failure inside.
class transaction {
 public:
  explicit transaction(database& database) : database_(database) {}
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction();

  result<void> begin();
  result<void> commit();

 private:
  database& database_;
  bool open_ = false;
};

/// Returns "SQLite 3.40.1": the library as loaded.
std::string library_version();

}  // namespace nexus::storage
