#include "storage/passwords.hpp"

#include <gtest/gtest.h>

namespace nexus::storage {
namespace {

TEST(Password, IsRightAloneForItsOwnHash) {
  const auto hash = hash_password(secret("correct horse"));
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_EQ(hash.find("horse"), std::string::npos);
  EXPECT_TRUE(verify_password(hash, secret("correct horse")));
  for (const auto* wrong : {"", "correct horse ", "Correct horse", "correct"})
    EXPECT_FALSE(verify_password(hash, secret(wrong))) << wrong;
  EXPECT_FALSE(is_outdated_hash(hash));
}

TEST(Password, IsSaltedAnewEachTime) { EXPECT_NE(hash_password(secret("same")), hash_password(secret("same"))); }

TEST(Password, KnowsAHashOfOlderParametersAndWhatIsNone) {
  const std::string weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$";
  EXPECT_TRUE(is_outdated_hash(weak));
  EXPECT_FALSE(verify_password(weak, secret("x")));
  EXPECT_FALSE(verify_password("", secret("x")));
  EXPECT_FALSE(verify_password("nonsense", secret("")));
}

TEST(Password, OfNobodyIsNeverRightButCostsTheSame) {
  EXPECT_FALSE(is_outdated_hash(nobodys_hash()));
  for (const auto* text : {"", "nobody", "password"}) EXPECT_FALSE(verify_password(nobodys_hash(), secret(text)));
}

}  // namespace
}  // namespace nexus::storage
