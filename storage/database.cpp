#include "storage/database.hpp"

#include "conf/log.hpp"
#include "storage/private_file.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <limits>

namespace nexus::storage {

namespace {

struct failure_row {
  int code;  // extended codes stand before their primary one
  errc meaning;
  std::string_view sentence;
};

constexpr std::array failures{
    failure_row{SQLITE_CONSTRAINT_UNIQUE, errc::conflict, "The name is taken already."},
    failure_row{SQLITE_CONSTRAINT_PRIMARYKEY, errc::conflict, "The name is taken already."},
    failure_row{SQLITE_CONSTRAINT_FOREIGNKEY, errc::not_found, "What the row belongs to does not exist."},
    failure_row{SQLITE_CONSTRAINT, errc::internal, "The database refused a value."},
    failure_row{SQLITE_BUSY, errc::storage_error, "The database is locked by another program."},
    failure_row{SQLITE_LOCKED, errc::storage_error, "The database is locked by another program."},
    failure_row{SQLITE_FULL, errc::storage_error, "The disk that holds the database is full."},
    failure_row{SQLITE_IOERR, errc::storage_error, "The disk that holds the database failed."},
    failure_row{SQLITE_READONLY, errc::storage_error, "The database is read-only."},
    failure_row{SQLITE_CORRUPT, errc::storage_error, "The database is damaged."},
    failure_row{SQLITE_NOTADB, errc::storage_error, "The database is no SQLite file."},
    failure_row{SQLITE_CANTOPEN, errc::storage_error, "The database cannot be opened."},
};

/// The log's header, and each frame's.
constexpr int64_t wal_header_bytes = 32;
constexpr int64_t wal_frame_header_bytes = 24;

// Text and blobs may be null for SQLite only if they mean NULL.
const char* bytes_of(std::string_view view) { return view.data() == nullptr ? "" : view.data(); }

}  // namespace

error sqlite_failure(int code, std::string detail) {
  const auto row = std::find_if(failures.begin(), failures.end(), [code](const failure_row& candidate) {
    return candidate.code == code || candidate.code == (code & 0xff);
  });
  detail = fmt::format("SQLite {}: {}", code, detail);
  if (row == failures.end()) return make_error(errc::storage_error, "The database failed.", std::move(detail));
  return make_error(row->meaning, std::string(row->sentence), std::move(detail));
}

query::~query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

query& query::bind(int64_t number) {
  note(sqlite3_bind_int64(statement_, ++parameter_, number));
  return *this;
}

query& query::bind(std::string_view text) {
  note(sqlite3_bind_text64(statement_, ++parameter_, bytes_of(text), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

query& query::bind_view(std::string_view text) {
  note(sqlite3_bind_text64(statement_, ++parameter_, bytes_of(text), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

query& query::bind_blob(std::string_view bytes) {
  note(sqlite3_bind_blob64(statement_, ++parameter_, bytes_of(bytes), bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

query& query::bind_null() {
  note(sqlite3_bind_null(statement_, ++parameter_));
  return *this;
}

void query::note(int code) {
  if (failed_ == SQLITE_OK) failed_ = code;
}

result<bool> query::next() {
  if (failed_ != SQLITE_OK) return sqlite_failure(failed_, sqlite3_errstr(failed_));
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_failure(code, sqlite3_errmsg(connection_));
}

result<void> query::run() {
  for (;;) {
    const auto row = next();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

int64_t query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string query::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string() : std::string(text, sqlite3_column_bytes(statement_, column));
}

std::string query::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes == nullptr ? std::string() : std::string(bytes, sqlite3_column_bytes(statement_, column));
}

database::database(std::filesystem::path file, std::chrono::milliseconds busy_timeout)
    : file_(std::move(file)),
      busy_timeout_ms_(
          static_cast<int>(std::clamp<int64_t>(busy_timeout.count(), 0, std::numeric_limits<int>::max()))) {}

database::~database() {
  for (auto* statement : table_) sqlite3_finalize(statement);
  // The last connection to close moves the log into the file.
  if (sqlite3_close(connection_) != SQLITE_OK) log::storage().error("storage-close", "The database did not close.");
}

result<std::unique_ptr<database>> database::open(const std::filesystem::path& file,
                                                 std::chrono::milliseconds busy_timeout) {
  // SQLite gives -wal and -shm the mode of the file: making it first needs no umask, which all threads share.
  if (auto made = make_private_file(file); !made) return made.error();
  std::unique_ptr<database> made(new database(std::filesystem::absolute(file), busy_timeout));
  if (auto done = made->connect(SQLITE_OPEN_READWRITE); !done) return done.error();
  for (const auto step : {&database::recognise, &database::configure, &database::examine}) {
    if (auto done = (made.get()->*step)(); !done) return done.error();
  }
  return made;
}

result<std::unique_ptr<database>> database::open_to_read(const std::filesystem::path& file,
                                                         std::chrono::milliseconds busy_timeout) {
  std::unique_ptr<database> made(new database(std::filesystem::absolute(file), busy_timeout));
  if (auto done = made->connect(SQLITE_OPEN_READONLY); !done) return done.error();
  sqlite3_db_config(made->connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (auto done = made->recognise(); !done) return done.error();
  return made;
}

result<void> database::connect(int access) {
  // Counting every allocation under a mutex serves nobody here.
  static const int without_statistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(without_statistics);
  const int flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (const int code = sqlite3_open_v2(file_.c_str(), &connection_, flags, nullptr); code != SQLITE_OK) {
    return refusal(failure(code));
  }
  sqlite3_busy_timeout(connection_, busy_timeout_ms_);
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return {};
}

// Before anything is written: a file of somebody else stays as it is.
result<void> database::recognise() {
  const auto owner = integer("PRAGMA application_id");
  if (!owner) return refusal(owner.error());
  const auto tables = integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return refusal(tables.error());
  const bool is_new = *owner == 0 && *tables == 0;
  if (*owner == application_id || is_new) return {};
  return make_error(errc::storage_error, fmt::format("The database '{}' belongs to another program.", file_.string()));
}

result<void> database::configure() {
  const auto mode = text("PRAGMA journal_mode = WAL");
  if (!mode) return refusal(mode.error());
  if (*mode != "wal") {
    return make_error(errc::storage_error,
                      fmt::format("The file system of '{}' does not support a write-ahead log.", file_.string()));
  }
  // NORMAL: what is committed survives the end of the process at any moment; a power cut may take the last batches.
  for (const char* pragma :
       {"PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = ON", "PRAGMA wal_autocheckpoint = 0",
        "PRAGMA journal_size_limit = 67108864", "PRAGMA cell_size_check = ON", "PRAGMA trusted_schema = OFF",
        "PRAGMA temp_store = MEMORY", "PRAGMA mmap_size = 0", "PRAGMA cache_size = -8192"}) {
    if (auto done = execute(pragma); !done) return refusal(done.error());
  }
  const auto page = integer("PRAGMA page_size");
  if (!page) return refusal(page.error());
  page_bytes_ = *page;
  // A log that a killed process left behind counts whole until the first commit tells its length.
  std::error_code absent;
  const auto left_behind = std::filesystem::file_size(file_.string() + "-wal", absent);
  wal_bytes_ = absent ? 0 : static_cast<int64_t>(left_behind);
  // After `wal_autocheckpoint`, which removes the hook.
  const auto on_commit = [](void* self, sqlite3*, const char*, int frames) {
    auto* that = static_cast<database*>(self);
    that->wal_bytes_ = wal_header_bytes + frames * (that->page_bytes_ + wal_frame_header_bytes);
    return SQLITE_OK;
  };
  sqlite3_wal_hook(connection_, on_commit, this);
  return {};
}

result<void> database::examine() {
  const auto found = text("PRAGMA quick_check(1)");
  if (!found) return refusal(found.error());
  if (*found != "ok") return refusal(sqlite_failure(SQLITE_CORRUPT, *found));
  return {};
}

error database::failure(int code) const {
  return sqlite_failure(code, connection_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(connection_));
}

// While opening, the operator reads the sentence and needs the file's name.
error database::refusal(error cause) const {
  constexpr std::string_view subject = "The database";
  if (cause.message.starts_with(subject)) {
    cause.message = fmt::format("{} '{}'{}", subject, file_.string(), cause.message.substr(subject.size()));
  }
  return cause;
}

result<void> database::execute(const std::string& statement) {
  const int code = sqlite3_exec(connection_, statement.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

result<std::string> database::text(const std::string& statement) {
  sqlite3_stmt* prepared = nullptr;
  if (const int code = sqlite3_prepare_v2(connection_, statement.c_str(), -1, &prepared, nullptr); code != SQLITE_OK) {
    return failure(code);
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(prepared, sqlite3_finalize);
  query asked(connection_, prepared);
  const auto row = asked.next();
  if (!row) return row.error();
  return *row ? asked.text(0) : std::string();
}

result<int64_t> database::integer(const std::string& statement) {
  auto read = text(statement);
  if (!read) return read.error();
  return static_cast<int64_t>(std::strtoll(read->c_str(), nullptr, 10));
}

result<void> database::prepare(std::span<const std::string_view> table) {
  for (auto* statement : table_) sqlite3_finalize(statement);
  table_.clear();
  for (const auto text : table) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(connection_, text.data(), static_cast<int>(text.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) return failure(code);
    table_.push_back(prepared);
  }
  return {};
}

int64_t database::last_id() const { return sqlite3_last_insert_rowid(connection_); }
int64_t database::changes() const { return sqlite3_changes64(connection_); }
bool database::in_transaction() const { return sqlite3_get_autocommit(connection_) == 0; }

result<void> database::checkpoint(bool truncate) {
  int frames = 0;
  int moved = 0;
  sqlite3_busy_timeout(connection_, 0);
  const int code = sqlite3_wal_checkpoint_v2(
      connection_, nullptr, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
  sqlite3_busy_timeout(connection_, busy_timeout_ms_);
  if (code != SQLITE_OK) return failure(code);
  // The next commit starts the log anew if all of it is in the file.
  if (frames == moved) wal_bytes_ = 0;
  return {};
}

result<void> database::copy_to(const std::filesystem::path& copy) {
  if (auto made = make_private_file(copy); !made) return made;
  sqlite3* target = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int code = sqlite3_open_v2(copy.c_str(), &target, flags, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> owner(target, sqlite3_close);
  if (code != SQLITE_OK) return sqlite_failure(code, sqlite3_errstr(code));
  auto* const backup = sqlite3_backup_init(target, "main", connection_, "main");
  if (backup == nullptr) return sqlite_failure(sqlite3_extended_errcode(target), sqlite3_errmsg(target));
  // In one step: one snapshot, which needs no beginning anew when the writer goes on.
  code = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) return sqlite_failure(code, sqlite3_errstr(code));
  if (finished != SQLITE_OK) return sqlite_failure(finished, sqlite3_errstr(finished));
  return {};
}

int64_t database::wal_bytes() const { return wal_bytes_; }

transaction::~transaction() {
  // Some failures make SQLite roll back by itself.
  if (!open_ || !database_.in_transaction()) return;
  if (auto done = database_.execute("ROLLBACK"); !done) {
    log::storage().error("storage-rollback", "A transaction was not rolled back: {}", done.error().detail);
  }
}

result<void> transaction::begin() {
  // An outer one commits, or rolls back, all of it.
  if (database_.in_transaction()) return {};
  auto begun = database_.execute("BEGIN IMMEDIATE");
  open_ = begun.has_value();
  return begun;
}

result<void> transaction::commit() {
  if (!open_) return {};
  auto done = database_.execute("COMMIT");
  if (done) open_ = false;
  return done;
}

std::string library_version() { return std::string("SQLite ") + sqlite3_libversion(); }

}  // namespace nexus::storage
