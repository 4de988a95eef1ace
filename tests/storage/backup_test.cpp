#include "storage/backup.hpp"

#include "store_samples.hpp"

#include <sys/stat.h>

namespace nexus::storage {
namespace {

TEST(Backup, CopiesAStoreThatIsBeingWritten) {
  const temporary_folder folder;
  const auto opened = open_store(folder.path());
  ASSERT_TRUE(record(*opened, {exchange("r1", "c")}));
  const auto copy = folder / "copy.db";
  ASSERT_TRUE(back_up(store::file(folder.path()), copy));
  ASSERT_TRUE(record(*opened, {exchange("r2", "c")}));
  const auto report = verify(copy);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->requests, 1);
  EXPECT_TRUE(report->differences.empty());
  struct stat status {};
  ASSERT_EQ(::stat(copy.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(Backup, ReplacesNothing) {
  const temporary_folder folder;
  open_store(folder.path());
  std::ofstream(folder / "there") << "precious";
  EXPECT_EQ(back_up(store::file(folder.path()), folder / "there").error().code, errc::conflict);
  EXPECT_FALSE(back_up(folder / "absent.db", folder / "copy.db"));
  EXPECT_FALSE(std::filesystem::exists(folder / "copy.db"));
  EXPECT_FALSE(std::filesystem::exists(folder / "copy.db.tmp"));
}

TEST(Backup, PutsACopyBackAndKeepsWhatWasThere) {
  const temporary_folder folder;
  const auto copy = folder / "copy.db";
  {
    const auto opened = open_store(folder.path());
    ASSERT_TRUE(opened->insert_provider(sample("kept"), 1));
    ASSERT_TRUE(back_up(store::file(folder.path()), copy));
    ASSERT_TRUE(opened->insert_provider(sample("later"), 2));
    EXPECT_FALSE(restore(copy, folder.path(), 7)) << "a hub runs";
  }
  const auto former = restore(copy, folder.path(), 7);
  ASSERT_TRUE(former) << former.error().message;
  EXPECT_TRUE(std::filesystem::exists(*former));
  const auto again = open_store(folder.path());
  const auto rows = again->load_control_plane();
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->providers.size(), 1U);
  EXPECT_EQ(rows->providers[0].name, "kept");
  EXPECT_EQ(rows->providers[0].server_key.reveal(), sample("kept").server_key.reveal());
}

TEST(Backup, RestoresNothingThatIsDamagedOrDoesNotAdd) {
  const temporary_folder folder;
  const auto copy = folder / "copy.db";
  {
    const auto opened = open_store(folder.path());
    ASSERT_TRUE(record(*opened, {exchange("r1", "c")}));
    ASSERT_TRUE(back_up(store::file(folder.path()), copy));
  }
  {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open(copy.c_str(), &connection), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(connection, "UPDATE totals SET rounds = 9", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(connection);
  }
  EXPECT_NE(restore(copy, folder.path(), 7).error().message.find("total rounds"), std::string::npos);
  std::ofstream(folder / "noise") << std::string(5'000, 'x');
  EXPECT_FALSE(restore(folder / "noise", folder.path(), 7));
  EXPECT_TRUE(open_store(folder.path())) << "what is there stays";
}

}  // namespace
}  // namespace nexus::storage
