#include "actors/password_hasher.hpp"

#include "storage/passwords.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace nexus {
namespace {

class PasswordHasher : public actor_fixture {
 protected:
  std::optional<password_checked> check(const std::string& password, const std::string& hash) {
    const auto reply = ask<password_checked>(
        hasher_, check_password{std::make_shared<const secret>(password), hash, hash_permit::take()});
    run();
    return *reply;
  }
  password_hasher_actor hasher_ = keep(system_.spawn<caf::hidden>(password_hasher));
};

TEST_F(PasswordHasher, HashesAndChecks) {
  const auto hashed = ask<password_hashed>(
      hasher_, hash_password{std::make_shared<const secret>("correct horse"), hash_permit::take()});
  run();
  ASSERT_TRUE(*hashed);
  EXPECT_TRUE(check("correct horse", (*hashed)->hash)->right);
  EXPECT_TRUE(check("correct horse", (*hashed)->hash)->fresh_hash.empty());
  EXPECT_FALSE(check("wrong horse", (*hashed)->hash)->right);
}

TEST_F(PasswordHasher, KnowsNobodyWithoutAHash) {
  EXPECT_FALSE(check("", "")->right);
  EXPECT_FALSE(check("password", "")->right);
}

TEST_F(PasswordHasher, TakesABoundedNumberAtOnce) {
  std::vector<std::shared_ptr<const hash_permit>> permits;
  for (uint32_t i = 0; i < passwords_max; ++i) {
    permits.push_back(hash_permit::take());
    EXPECT_TRUE(permits.back()) << i;
  }
  EXPECT_FALSE(hash_permit::take());
  permits.pop_back();
  EXPECT_TRUE(hash_permit::take());
}

TEST_F(PasswordHasher, GivesItsPermitBackWithTheAnswer) {
  for (uint32_t i = 0; i < passwords_max + 2; ++i) ASSERT_TRUE(check("x", "")) << i;
  EXPECT_TRUE(hash_permit::take());
}

}  // namespace
}  // namespace nexus
