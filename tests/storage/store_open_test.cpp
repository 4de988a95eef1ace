// Opening and refusing, secrecy, and what a killed process leaves behind.
#include "store_samples.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <map>

namespace nexus::storage {
namespace {

TEST(StoreOpen, MakesItsFolderForTheOwnerOnly) {
  const temporary_folder folder;
  const auto data = folder / "a" / "data";
  EXPECT_FALSE(std::filesystem::exists(store::file(data)));
  const auto opened = open_store(data);
  ASSERT_TRUE(opened);
  EXPECT_EQ(mode(data), 0700u);
  std::map<std::string, unsigned> found;
  for (const auto& entry : std::filesystem::directory_iterator(data))
    found[entry.path().filename()] = mode(entry.path());
  const std::map<std::string, unsigned> expected{
      {"nexus-hub.db", 0600}, {"nexus-hub.db-shm", 0600}, {"nexus-hub.db-wal", 0600}, {"nexus-hub.lock", 0600}};
  EXPECT_EQ(found, expected);
}

TEST(StoreOpen, TakesAFolderNamedWithATrailingSlash) {
  const temporary_folder folder;
  EXPECT_TRUE(open_store(folder / "data/"));
}

TEST(StoreOpen, ShowsNoSecretInAnyFile) {
  const temporary_folder folder;
  const auto scan = [&] {
    size_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      const auto text = contents(entry.path());
      bytes += text.size();
      for (const auto* hidden : {"sk-server", "sk-personal", "sk-new", "0123456789", "hidden-header-value"}) {
        EXPECT_EQ(text.find(hidden), std::string::npos) << entry.path() << " shows " << hidden;
      }
    }
    return bytes;
  };
  auto opened = open_store(folder.path());
  auto row = std::move(*opened->insert_provider(sample("x"), 1));
  row.server_key = secret("sk-new");
  ASSERT_TRUE(opened->update_provider(row, {}, 2));
  EXPECT_NE(contents(folder / "nexus-hub.db-wal").find("api.example.org"), std::string::npos);
  scan();
  opened.reset();
  EXPECT_FALSE(std::filesystem::exists(folder / "nexus-hub.db-wal"));
  EXPECT_NE(contents(folder / "nexus-hub.db").find("api.example.org"), std::string::npos);
  EXPECT_GT(scan(), 0u);
}

TEST(StoreOpen, RefusesAnotherMasterKey) {
  const temporary_folder folder;
  { ASSERT_TRUE(open_store(folder.path())); }
  EXPECT_EQ(refusal(folder.path(), *master_key::from_base64(std::string(43, 'A'))),
            "The master key does not belong to the database '" + (folder / "nexus-hub.db").string() +
                "': its secrets were sealed with another one.");
  EXPECT_TRUE(open_store(folder.path()));
}

TEST(StoreOpen, RefusesATamperedSecret) {
  for (const auto* column : {"server_key", "personalized_key", "headers"}) {
    const temporary_folder folder;
    const auto opened = open_store(folder.path());
    ASSERT_TRUE(opened->insert_provider(sample("x"), 1));
    const std::string name(column);
    const std::string longer = "CAST(" + name + " || x'00' AS BLOB)";
    other_program(folder.path()).run(("UPDATE service_providers SET " + name + " = " + longer).c_str());
    const auto loaded = opened->load_control_plane();
    ASSERT_FALSE(loaded) << column;
    EXPECT_EQ(loaded.error().code, errc::storage_error);
    EXPECT_EQ(loaded.error().message,
              "A secret of provider 'x' cannot be opened: it was changed, moved or sealed with another master key.");
    EXPECT_TRUE(loaded.error().detail.starts_with("service_providers." + name + " of row ")) << loaded.error().detail;
  }
}

TEST(StoreOpen, RefusesASecretMovedToAnotherRowOrColumn) {
  for (const auto* statement : {"UPDATE service_providers SET server_key = (SELECT server_key FROM service_providers "
                                "WHERE id = 1) WHERE id = 2",
                                "UPDATE service_providers SET server_key = personalized_key WHERE id = 2"}) {
    const temporary_folder folder;
    const auto opened = open_store(folder.path());
    ASSERT_TRUE(opened->insert_provider(sample("x"), 1));
    ASSERT_TRUE(opened->insert_provider(sample("y"), 1));
    ASSERT_TRUE(opened->load_control_plane());
    other_program(folder.path()).run(statement);
    const auto loaded = opened->load_control_plane();
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find("provider 'y'"), std::string::npos);
  }
}

TEST(StoreOpen, RefusesANewerSchema) {
  const temporary_folder folder;
  { ASSERT_TRUE(open_store(folder.path())); }
  other_program(folder.path()).run("PRAGMA user_version = 1000");
  EXPECT_NE(refusal(folder.path()).find("was written by a newer NexusAI Hub (schema 1000, this one knows "),
            std::string::npos);
}

TEST(StoreOpen, RefusesASchemaThatIsNotItsOwn) {
  const temporary_folder folder;
  { ASSERT_TRUE(open_store(folder.path())); }
  other_program(folder.path()).run("DROP TABLE conversations");
  EXPECT_EQ(refusal(folder.path()),
            "The database '" + (folder / "nexus-hub.db").string() + "' does not hold the tables of its schema.");
}

TEST(StoreOpen, RefusesWhatIsNoDatabase) {
  const temporary_folder folder;
  write(folder / "nexus-hub.db", std::string(5000, 'x'));
  EXPECT_EQ(refusal(folder.path()), "The database '" + (folder / "nexus-hub.db").string() + "' is no SQLite file.");
}

TEST(StoreOpen, RefusesAFolderThatCannotBe) {
  const temporary_folder folder;
  write(folder / "file", "");
  EXPECT_EQ(refusal(folder / "file" / "data"),
            "The folder '" + (folder / "file" / "data").string() + "' cannot be made: Not a directory.");
  EXPECT_EQ(refusal(folder / "file"), "The folder '" + (folder / "file").string() + "' cannot be made: File exists.");
}

TEST(StoreOpen, RefusesAFolderWithoutRoomForItsFiles) {
  const temporary_folder folder;
  std::filesystem::create_directories(folder / "a" / "nexus-hub.lock");
  EXPECT_EQ(refusal(folder / "a"), "The folder '" + (folder / "a").string() + "' is not writable: Is a directory.");
  std::filesystem::create_directories(folder / "b" / "nexus-hub.db");
  EXPECT_EQ(refusal(folder / "b"),
            "The file '" + (folder / "b" / "nexus-hub.db").string() + "' cannot be written: Is a directory.");
}

TEST(StoreOpen, KeepsASecondHubOut) {
  const temporary_folder folder;
  {
    const auto first = open_store(folder.path());
    EXPECT_EQ(refusal(folder.path()), "The folder '" + folder.path().string() + "' is in use by another NexusAI Hub.");
    EXPECT_TRUE(record(*first, std::vector{exchange("r", "c")}));
  }
  EXPECT_TRUE(open_store(folder.path()));
}

TEST(StoreOpen, ReleasesItsLockWhenItRefusesToOpen) {
  const temporary_folder folder;
  { ASSERT_TRUE(open_store(folder.path())); }
  refusal(folder.path(), *master_key::from_base64(std::string(43, 'A')));
  EXPECT_TRUE(open_store(folder.path()));
}

// Runs `work` in a process of its own that is killed when it has answered; returns its answer.
template <class Work>
char killed(Work work) {
  int pipe_ends[2];
  if (::pipe(pipe_ends) != 0) return 'p';
  const pid_t child = ::fork();
  if (child == 0) {
    const char answer = work() ? 'y' : 'n';
    if (::write(pipe_ends[1], &answer, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char answer = '?';
  if (::read(pipe_ends[0], &answer, 1) != 1) answer = 'r';
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  return answer;
}

TEST(StoreOpen, KeepsWhatItAnsweredWhenItIsKilled) {
  const temporary_folder folder;
  std::unique_ptr<store> kept;  // of the child: it must not be closed before the signal
  for (int64_t round = 1; round <= 3; ++round) {
    const auto answer = killed([&] {
      kept = open_store(folder.path());
      if (kept == nullptr) return false;
      const auto name = std::to_string(round);
      return record(*kept, std::vector{exchange("a" + name, "c"), exchange("b" + name, "c")}).has_value() &&
             kept->insert_provider(sample("p" + name), round).has_value();
    });
    ASSERT_EQ(answer, 'y');
    EXPECT_TRUE(std::filesystem::exists(folder / "nexus-hub.db-wal"));
  }
  const auto opened = open_store(folder.path());
  expect_totals(*opened, 1, 6, 60, 18);
  EXPECT_EQ(opened->load_control_plane()->providers.size(), 3u);
  // What the killed ones left behind counts until it is checked in.
  EXPECT_GT(opened->wal_bytes(), 0);
  opened->checkpoint(true);
  EXPECT_EQ(opened->wal_bytes(), 0);
  expect_consistent(folder.path());
}

TEST(StoreOpen, KeepsAHubOutWhileAnotherProcessRuns) {
  const temporary_folder folder;
  std::unique_ptr<store> kept = open_store(folder.path());
  // The child inherits the descriptor, but takes the lock by its own.
  EXPECT_EQ(killed([&] { return !store::open(folder.path(), quick, test_key()).has_value(); }), 'y');
  EXPECT_TRUE(record(*kept, std::vector{exchange("r", "c")}));
}

TEST(StoreOpen, RefusesAFolderItMayNotWriteTo) {
  const temporary_folder folder;
  const std::string name = folder.path().string();
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  const auto answer = killed([&] {
    // Root may write everywhere.
    if (::geteuid() == 0 && ::setuid(65534) != 0) return false;
    return refusal(folder.path()) == "The folder '" + name + "' is not writable: Permission denied." &&
           refusal(folder / "data") == "The folder '" + name + "/data' cannot be made: Permission denied.";
  });
  EXPECT_EQ(answer, 'y');
}

}  // namespace
}  // namespace nexus::storage
