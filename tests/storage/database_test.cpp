#include "storage/database.hpp"

#include "storage/migrations.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>

namespace nexus::storage {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<database> open_database(const std::filesystem::path& file) {
  auto opened = database::open(file, 50ms);
  EXPECT_TRUE(opened) << opened.error().message << " " << opened.error().detail;
  return opened ? std::move(*opened) : nullptr;
}

void run(database& database, const std::string& statement) {
  const auto done = database.execute(statement);
  ASSERT_TRUE(done) << done.error().detail;
}

int64_t count(database& database) { return *database.integer("SELECT count(*) FROM t"); }

TEST(SqliteFailure, HasOneSentenceForEachCause) {
  const auto sentence = [](int code) { return sqlite_failure(code, "x").message; };
  EXPECT_EQ(sentence(SQLITE_BUSY), "The database is locked by another program.");
  EXPECT_EQ(sentence(SQLITE_BUSY_SNAPSHOT), "The database is locked by another program.");
  EXPECT_EQ(sentence(SQLITE_LOCKED), "The database is locked by another program.");
  EXPECT_EQ(sentence(SQLITE_FULL), "The disk that holds the database is full.");
  EXPECT_EQ(sentence(SQLITE_IOERR_FSYNC), "The disk that holds the database failed.");
  EXPECT_EQ(sentence(SQLITE_READONLY_DBMOVED), "The database is read-only.");
  EXPECT_EQ(sentence(SQLITE_CORRUPT_INDEX), "The database is damaged.");
  EXPECT_EQ(sentence(SQLITE_NOTADB), "The database is no SQLite file.");
  EXPECT_EQ(sentence(SQLITE_CANTOPEN_ISDIR), "The database cannot be opened.");
  EXPECT_EQ(sentence(SQLITE_CONSTRAINT_CHECK), "The database refused a value.");
  EXPECT_EQ(sentence(SQLITE_NOMEM), "The database failed.");
}

TEST(SqliteFailure, TellsConstraintsApart) {
  EXPECT_EQ(sqlite_failure(SQLITE_CONSTRAINT_UNIQUE, "").code, errc::conflict);
  EXPECT_EQ(sqlite_failure(SQLITE_CONSTRAINT_PRIMARYKEY, "").code, errc::conflict);
  EXPECT_EQ(sqlite_failure(SQLITE_CONSTRAINT_FOREIGNKEY, "").code, errc::not_found);
  EXPECT_EQ(sqlite_failure(SQLITE_CONSTRAINT_NOTNULL, "").code, errc::internal);
  EXPECT_EQ(sqlite_failure(SQLITE_FULL, "").code, errc::storage_error);
  EXPECT_EQ(sqlite_failure(SQLITE_FULL, "why").detail, "SQLite 13: why");
}

TEST(Database, IsConfiguredForOneCarefulWriter) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  EXPECT_EQ(*opened->text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(*opened->integer("PRAGMA synchronous"), 1);
  EXPECT_EQ(*opened->integer("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(*opened->integer("PRAGMA busy_timeout"), 50);
  EXPECT_EQ(*opened->integer("PRAGMA journal_size_limit"), 67108864);
  EXPECT_EQ(*opened->integer("PRAGMA cell_size_check"), 1);
  EXPECT_EQ(*opened->integer("PRAGMA trusted_schema"), 0);
  EXPECT_EQ(*opened->integer("PRAGMA temp_store"), 2);
  run(*opened, "CREATE TABLE t (a TEXT) STRICT");
  // Defensive: the schema's own table cannot be written.
  run(*opened, "PRAGMA writable_schema = ON");
  EXPECT_FALSE(opened->execute("DELETE FROM sqlite_schema"));
}

TEST(Database, FilesAreForTheOwnerOnly) {
  const temporary_folder folder;
  write(folder / "x.db", "");
  std::filesystem::permissions(folder / "x.db", std::filesystem::perms(0666));
  const auto opened = open_database(folder / "x.db");
  run(*opened, "CREATE TABLE t (a TEXT) STRICT");
  for (const auto* name : {"x.db", "x.db-wal", "x.db-shm"}) EXPECT_EQ(mode(folder / name), 0600u) << name;
}

TEST(Database, GivesBackWhatWasBound) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  run(*opened, "CREATE TABLE t (a INTEGER NOT NULL, b TEXT NOT NULL, c BLOB NOT NULL) STRICT");
  constexpr std::array<std::string_view, 2> table{"INSERT INTO t (a, b, c) VALUES (?, ?, ?)",
                                                  "SELECT a, b, c FROM t ORDER BY a"};
  ASSERT_TRUE(opened->prepare(table));
  using namespace std::string_literals;
  const std::string text = "a\0b'; DROP TABLE t; --\xc3\xa4"s;
  ASSERT_TRUE(opened->use(0).bind(INT64_MAX).bind(text).bind_blob("\0\xff"s).run());
  ASSERT_TRUE(opened->use(0).bind(INT64_MIN).bind(std::string_view()).bind_blob({}).run());
  auto rows = opened->use(1);
  ASSERT_TRUE(*rows.next());
  EXPECT_EQ(rows.integer(0), INT64_MIN);
  EXPECT_EQ(rows.text(1), "");
  EXPECT_EQ(rows.blob(2), "");
  ASSERT_TRUE(*rows.next());
  EXPECT_EQ(rows.integer(0), INT64_MAX);
  EXPECT_EQ(rows.text(1), text);
  EXPECT_EQ(rows.blob(2), "\0\xff"s);
  EXPECT_FALSE(*rows.next());
}

TEST(Database, ReportsABindThatFailed) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  constexpr std::array<std::string_view, 1> table{"SELECT ?"};
  ASSERT_TRUE(opened->prepare(table));
  EXPECT_FALSE(opened->use(0).bind(1).bind(2).next());
  EXPECT_TRUE(opened->use(0).bind(1).next());
}

TEST(Database, ReportsAStatementThatDoesNotParse) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  constexpr std::array<std::string_view, 1> table{"SELEKT 1"};
  EXPECT_FALSE(opened->prepare(table));
  EXPECT_FALSE(opened->execute("SELEKT 1"));
  EXPECT_FALSE(opened->integer("SELEKT 1"));
  EXPECT_FALSE(opened->text("SELECT zeroblob(10000000000)"));
}

TEST(Transaction, RollsBackUnlessCommitted) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  run(*opened, "CREATE TABLE t (a INTEGER) STRICT");
  {
    transaction work(*opened);
    ASSERT_TRUE(work.begin());
    run(*opened, "INSERT INTO t (a) VALUES (1)");
    EXPECT_TRUE(opened->in_transaction());
  }
  EXPECT_FALSE(opened->in_transaction());
  EXPECT_EQ(count(*opened), 0);
  {
    transaction work(*opened);
    ASSERT_TRUE(work.begin());
    run(*opened, "INSERT INTO t (a) VALUES (1)");
    ASSERT_TRUE(work.commit());
  }
  EXPECT_EQ(count(*opened), 1);
}

TEST(Transaction, JoinsAnOuterOneThatDecides) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  run(*opened, "CREATE TABLE p (a INTEGER PRIMARY KEY) STRICT");
  for (const bool commits : {false, true}) {
    transaction outer(*opened);
    ASSERT_TRUE(outer.begin());
    {
      transaction inner(*opened);
      ASSERT_TRUE(inner.begin());
      run(*opened, "INSERT INTO p (a) VALUES (NULL)");
      EXPECT_TRUE(inner.commit());
      EXPECT_TRUE(opened->in_transaction());
    }
    {
      transaction unfinished(*opened);
      ASSERT_TRUE(unfinished.begin());
    }
    EXPECT_TRUE(opened->in_transaction());
    if (commits) {
      EXPECT_TRUE(outer.commit());
    }
  }
  EXPECT_FALSE(opened->in_transaction());
  EXPECT_EQ(*opened->integer("SELECT count(*) FROM p"), 1);
}

TEST(Transaction, ThatCannotCommitRollsBack) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  run(*opened, "CREATE TABLE p (a INTEGER PRIMARY KEY) STRICT");
  run(*opened, "CREATE TABLE t (a INTEGER REFERENCES p (a) DEFERRABLE INITIALLY DEFERRED) STRICT");
  {
    transaction work(*opened);
    ASSERT_TRUE(work.begin());
    run(*opened, "INSERT INTO t (a) VALUES (1)");
    const auto done = work.commit();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::not_found);
  }
  EXPECT_FALSE(opened->in_transaction());
  EXPECT_EQ(count(*opened), 0);
}

TEST(Transaction, OnAFullDiskChangesNothingAndLeavesTheDatabaseUsable) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  run(*opened, "CREATE TABLE t (a BLOB) STRICT");
  run(*opened, "PRAGMA max_page_count = 20");
  {
    transaction work(*opened);
    ASSERT_TRUE(work.begin());
    run(*opened, "INSERT INTO t (a) VALUES (x'00')");
    const auto done = opened->execute("INSERT INTO t (a) VALUES (zeroblob(1000000))");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "The disk that holds the database is full.");
  }
  EXPECT_FALSE(opened->in_transaction());
  EXPECT_EQ(count(*opened), 0);
  run(*opened, "INSERT INTO t (a) VALUES (x'00')");
}

TEST(Database, ReportsThatItIsReadOnly) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  run(*opened, "PRAGMA query_only = ON");
  EXPECT_EQ(opened->execute("CREATE TABLE t (a INTEGER) STRICT").error().message, "The database is read-only.");
}

TEST(Database, CountsItsLogAndEmptiesIt) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  run(*opened, "CREATE TABLE t (a BLOB) STRICT");
  run(*opened, "INSERT INTO t (a) VALUES (zeroblob(6000000))");
  // Beyond the thousand pages after which SQLite would checkpoint by itself.
  EXPECT_GT(opened->wal_bytes(), 6'000'000);
  EXPECT_EQ(opened->wal_bytes(), static_cast<int64_t>(std::filesystem::file_size(folder / "x.db-wal")));
  ASSERT_TRUE(opened->checkpoint(false));
  EXPECT_EQ(opened->wal_bytes(), 0);
  EXPECT_GT(std::filesystem::file_size(folder / "x.db"), 6'000'000u);
  EXPECT_GT(std::filesystem::file_size(folder / "x.db-wal"), 6'000'000u);
  run(*opened, "INSERT INTO t (a) VALUES (x'00')");
  EXPECT_LT(opened->wal_bytes(), 100'000);
  ASSERT_TRUE(opened->checkpoint(true));
  EXPECT_EQ(opened->wal_bytes(), 0);
  EXPECT_EQ(std::filesystem::file_size(folder / "x.db-wal"), 0u);
}

TEST(Database, CheckpointDoesNotWaitForAReader) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  run(*opened, "CREATE TABLE t (a BLOB) STRICT");
  sqlite3* reader = nullptr;
  ASSERT_EQ(sqlite3_open_v2((folder / "x.db").c_str(), &reader, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM t", nullptr, nullptr, nullptr), SQLITE_OK);
  run(*opened, "INSERT INTO t (a) VALUES (zeroblob(10000))");
  EXPECT_EQ(opened->checkpoint(true).error().message, "The database is locked by another program.");
  EXPECT_TRUE(opened->checkpoint(false));
  EXPECT_GT(opened->wal_bytes(), 0);
  EXPECT_EQ(*opened->integer("PRAGMA busy_timeout"), 50);
  sqlite3_close(reader);
  EXPECT_TRUE(opened->checkpoint(true));
  EXPECT_EQ(opened->wal_bytes(), 0);
}

TEST(Database, RefusesWhatIsNoDatabase) {
  const temporary_folder folder;
  const std::string text(10'000, 'x');
  write(folder / "x.db", text);
  const auto opened = database::open(folder / "x.db", 50ms);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "The database '" + (folder / "x.db").string() + "' is no SQLite file.");
  EXPECT_EQ(contents(folder / "x.db"), text);
}

TEST(Database, RefusesTheDatabaseOfAnotherProgram) {
  const temporary_folder folder;
  for (const auto* statement : {"CREATE TABLE t (a INTEGER)", "PRAGMA application_id = 1"}) {
    const auto file = folder / "x.db";
    std::filesystem::remove(file);
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, statement, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(other);
    const auto before = contents(file);
    const auto opened = database::open(file, 50ms);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message, "The database '" + file.string() + "' belongs to another program.");
    EXPECT_EQ(contents(file), before);
  }
}

TEST(Database, RefusesADamagedFile) {
  const temporary_folder folder;
  {
    const auto opened = open_database(folder / "x.db");
    run(*opened, "PRAGMA application_id = 1314408514");
    run(*opened, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT");
    run(*opened,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t (a, b) "
        "SELECT i, 'some text that fills pages' FROM n");
  }
  auto bytes = contents(folder / "x.db");
  ASSERT_GT(bytes.size(), 5u * 4096);
  bytes.replace(4 * 4096, 512, std::string(512, '\xee'));
  write(folder / "x.db", bytes);
  const auto opened = database::open(folder / "x.db", 50ms);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "The database '" + (folder / "x.db").string() + "' is damaged.");
}

TEST(Database, RefusesAFolder) {
  const temporary_folder folder;
  std::filesystem::create_directory(folder / "x.db");
  EXPECT_EQ(database::open(folder / "x.db", 50ms).error().message,
            "The file '" + (folder / "x.db").string() + "' cannot be written: Is a directory.");
}

TEST(Database, NamesItsFileIfItIsLocked) {
  const temporary_folder folder;
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder / "x.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto opened = database::open(folder / "x.db", 50ms);
  sqlite3_close(other);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "The database '" + (folder / "x.db").string() + "' is locked by another program.");
}

TEST(Migrations, LeadFromAnEmptyFileToTheNewestSchema) {
  const temporary_folder folder;
  write(folder / "x.db", "");
  const auto opened = open_database(folder / "x.db");
  ASSERT_TRUE(migrate(*opened, migrations()));
  EXPECT_EQ(*opened->integer("PRAGMA user_version"), static_cast<int64_t>(migrations().size()));
  EXPECT_EQ(*opened->integer("PRAGMA application_id"), 0x4e584842);
  EXPECT_EQ(*opened->integer("SELECT count(*) FROM totals"), 1);
  EXPECT_EQ(*opened->text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(
      *opened->integer(
          "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite%'"),
      0);
}

TEST(Migrations, ContinueFromEverySchema) {
  for (size_t begin = 0; begin <= migrations().size(); ++begin) {
    const temporary_folder folder;
    { ASSERT_TRUE(migrate(*open_database(folder / "x.db"), migrations().subspan(0, begin))); }
    const auto opened = open_database(folder / "x.db");
    EXPECT_EQ(*opened->integer("PRAGMA user_version"), static_cast<int64_t>(begin));
    const auto done = migrate(*opened, migrations());
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(*opened->integer("PRAGMA user_version"), static_cast<int64_t>(migrations().size()));
    EXPECT_EQ(*opened->integer("SELECT count(*) FROM totals"), 1);
  }
}

TEST(Migrations, ThatFailChangeNothing) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  constexpr std::array<std::string_view, 2> list{"CREATE TABLE t (a INTEGER) STRICT",
                                                 "INSERT INTO t (a) VALUES (1); INSERT INTO missing (a) VALUES (1)"};
  EXPECT_FALSE(migrate(*opened, list));
  EXPECT_FALSE(opened->in_transaction());
  EXPECT_EQ(*opened->integer("PRAGMA user_version"), 1);
  EXPECT_EQ(count(*opened), 0);
}

TEST(Migrations, RefuseANewerSchema) {
  const temporary_folder folder;
  const auto opened = open_database(folder / "x.db");
  constexpr std::array<std::string_view, 1> list{"CREATE TABLE t (a INTEGER) STRICT"};
  run(*opened, "PRAGMA user_version = 7");
  const auto done = migrate(*opened, list);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "The database '" + (folder / "x.db").string() +
                                      "' was written by a newer NexusAI Hub (schema 7, this one knows 1).");
}

}  // namespace
}  // namespace nexus::storage
