#include "storage/journal.hpp"

#include "store_samples.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace nexus::storage {
namespace {

using stage = ledger_entry::stage;

std::unique_ptr<journal> open_journal(const temporary_folder& folder, uint32_t places = 4) {
  auto opened = journal::open(journal_file(folder.path()), places);
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? std::move(*opened) : nullptr;
}

std::unique_ptr<journal> fresh_journal(const temporary_folder& folder, uint32_t places = 4) {
  auto opened = open_journal(folder, places);
  EXPECT_TRUE(opened->forget_leftovers());
  return opened;
}

ledger_entry* begin(journal& journal, const std::string& request, stage at) {
  auto* entry = journal.claim();
  entry->request_id.assign(request);
  entry->counted_prompt = 12;
  entry->attempts = at == stage::admitted ? 0 : 1;
  entry->enter(at);
  return entry;
}

std::string refusal_of(const temporary_folder& folder) {
  const auto opened = journal::open(journal_file(folder.path()), 4);
  EXPECT_FALSE(opened);
  return opened ? "" : opened.error().message;
}

TEST(Journal, IsPrivateAndHasAllItsRoomOnDisk) {
  const temporary_folder folder;
  const auto made = fresh_journal(folder, 100);
  struct stat status {};
  ASSERT_EQ(::stat(journal_file(folder.path()).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_GE(status.st_blocks * 512, status.st_size);
}

TEST(Journal, BoundsThePlacesAndTakesThemBack) {
  const auto made = journal::in_memory(2);
  auto* first = made->claim();
  auto* second = made->claim();
  ASSERT_TRUE(first != nullptr && second != nullptr && first != second);
  EXPECT_EQ(made->claim(), nullptr);
  EXPECT_EQ(made->in_use(), 2U);
  first->request_id.assign("dirty");
  made->release(first);
  EXPECT_EQ(made->in_use(), 1U);
  EXPECT_TRUE(made->claim()->request_id.empty()) << "a place is empty when it is given out";
}

TEST(Journal, ShowsAFormerProcessWhatItLeft) {
  const temporary_folder folder;
  {
    const auto made = fresh_journal(folder);
    begin(*made, "admitted", stage::admitted);
    begin(*made, "sent", stage::sent)->note_completion(7);
    fill(*begin(*made, "", stage::sent), exchange("settled", "c"));
    made->release(begin(*made, "committed", stage::settled));
  }
  const auto again = open_journal(folder, 9);
  ASSERT_EQ(again->leftovers().size(), 3U);
  EXPECT_EQ(again->claim(), nullptr) << "not before they are recorded";
  ASSERT_TRUE(again->forget_leftovers());
  EXPECT_TRUE(again->leftovers().empty());
  EXPECT_EQ(open_journal(folder)->leftovers().size(), 0U);
  EXPECT_EQ(again->places(), 9U);
}

TEST(Journal, SurvivesTheKillOfItsProcess) {
  const temporary_folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto made = fresh_journal(folder);
    begin(*made, "under way", stage::sent)->note_completion(5);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto left = read_journal(journal_file(folder.path()));
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().request_id.view(), "under way");
  EXPECT_EQ(left->front().counted_completion, 5);
}

TEST(Journal, RefusesWhatIsNone) {
  const temporary_folder folder;
  std::ofstream(journal_file(folder.path())) << "something else, and longer than a header would be";
  EXPECT_NE(refusal_of(folder).find("is no journal"), std::string::npos);
}

TEST(Journal, RefusesAnotherVersionAndADamagedOne) {
  const temporary_folder folder;
  fresh_journal(folder);
  {
    std::fstream file(journal_file(folder.path()), std::ios::in | std::ios::out);
    file.seekp(8);
    file.put(99);
  }
  EXPECT_NE(refusal_of(folder).find("another version"), std::string::npos);
  std::filesystem::remove(journal_file(folder.path()));
  fresh_journal(folder);
  std::filesystem::resize_file(journal_file(folder.path()), 5'000);
  EXPECT_NE(refusal_of(folder).find("damaged"), std::string::npos);
  EXPECT_FALSE(read_journal(journal_file(folder.path())));
}

TEST(Journal, TakesAFileThatWasNeverFinished) {
  const temporary_folder folder;
  fresh_journal(folder);
  std::filesystem::resize_file(journal_file(folder.path()), 0);
  std::filesystem::resize_file(journal_file(folder.path()), 8'192);
  EXPECT_TRUE(open_journal(folder)->leftovers().empty());
  EXPECT_TRUE(read_journal(journal_file(folder.path()))->empty());
}

TEST(Journal, ReadsNothingWhereThereIsNone) {
  const temporary_folder folder;
  EXPECT_TRUE(read_journal(journal_file(folder.path()))->empty());
}

TEST(Leftover, CountsWhatPassedOfWhatWasSent) {
  const auto made = journal::in_memory(4);
  auto& entry = *begin(*made, "r", stage::sent);
  entry.note_completion(7);
  ASSERT_TRUE(settle_leftover(entry, 99));
  EXPECT_EQ(entry.outcome, outcome::interrupted);
  EXPECT_EQ(entry.charged, (token_counts{.prompt = 12, .completion = 7}));
  EXPECT_EQ(entry.completion_source, token_source::partial);
  EXPECT_EQ(entry.settled_at, 99);
  EXPECT_EQ(entry.tries[0].outcome, outcome::interrupted);
}

TEST(Leftover, KeepsWhatWasSettledAndDropsWhatNeverLeft) {
  const auto made = journal::in_memory(4);
  auto& settled = *begin(*made, "", stage::sent);
  fill(settled, exchange("r", "c"));
  EXPECT_TRUE(settle_leftover(settled, 99));
  EXPECT_EQ(settled.outcome, outcome::delivered);
  EXPECT_FALSE(settle_leftover(*begin(*made, "r", stage::admitted), 99));
}

TEST(FixedText, CutsAtACharacter) {
  fixed_text<5> text;
  text.assign("abcd\xC3\xA4");
  EXPECT_EQ(text.view(), "abcd");
  text.assign("abc\xC3\xA4");
  EXPECT_EQ(text.view(), "abc\xC3\xA4");
  text.assign("");
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace nexus::storage
