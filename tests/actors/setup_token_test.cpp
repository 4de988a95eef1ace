#include "actors/setup_token.hpp"

#include "tests/storage/temporary_folder.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

TEST(ResetToken, IsGoodUntilItIsDroppedOrReplaced) {
  const storage::temporary_folder folder;
  EXPECT_FALSE(is_reset_token(folder.path(), ""));
  const auto first = make_reset_token(folder.path());
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_GE(first->size(), 32U);
  EXPECT_TRUE(is_reset_token(folder.path(), *first));
  EXPECT_FALSE(is_reset_token(folder.path(), ""));
  EXPECT_FALSE(is_reset_token(folder.path(), *first + "x"));
  const auto second = make_reset_token(folder.path());
  EXPECT_FALSE(is_reset_token(folder.path(), *first));
  EXPECT_TRUE(is_reset_token(folder.path(), *second));
  drop_reset_token(folder.path());
  EXPECT_FALSE(is_reset_token(folder.path(), *second));
}

TEST(ResetToken, IsGoodForAnHour) {
  const storage::temporary_folder folder;
  const auto token = make_reset_token(folder.path());
  const auto file = folder.path() / "setup.token";
  const auto written = std::filesystem::last_write_time(file);
  std::filesystem::last_write_time(file, written - std::chrono::minutes(59));
  EXPECT_TRUE(is_reset_token(folder.path(), *token));
  std::filesystem::last_write_time(file, written - std::chrono::minutes(61));
  EXPECT_FALSE(is_reset_token(folder.path(), *token));
}

TEST(ResetToken, NeedsADataFolder) {
  const storage::temporary_folder folder;
  const auto refused = make_reset_token(folder.path() / "nowhere");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::not_found);
}

}  // namespace
}  // namespace nexus
