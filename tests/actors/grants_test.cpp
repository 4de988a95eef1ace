#include "actors/grants.hpp"

#include "actors/access.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

TEST(Pattern, StarStandsForAnyText) {
  for (const auto& [pattern, text] : std::initializer_list<std::pair<const char*, const char*>>{{"", ""},
                                                                                                {"*", ""},
                                                                                                {"*", "x"},
                                                                                                {"a", "a"},
                                                                                                {"a*", "a"},
                                                                                                {"a*", "abc"},
                                                                                                {"*c", "abc"},
                                                                                                {"a*c", "abbc"},
                                                                                                {"a*b*c", "aXbYbZc"},
                                                                                                {"**", "x"},
                                                                                                {"*aab", "aaaab"},
                                                                                                {"org/*", "org/a/b"}})
    EXPECT_TRUE(matches_pattern(pattern, text)) << pattern << " " << text;
  for (const auto& [pattern, text] : std::initializer_list<std::pair<const char*, const char*>>{{"", "x"},
                                                                                                {"a", ""},
                                                                                                {"a", "A"},
                                                                                                {"a", "ab"},
                                                                                                {"a*", "ba"},
                                                                                                {"*c", "cb"},
                                                                                                {"a*c", "ab"},
                                                                                                {"a*b*c", "acb"},
                                                                                                {"?", "x"},
                                                                                                {"a.c", "abc"}})
    EXPECT_FALSE(matches_pattern(pattern, text)) << pattern << " " << text;
}

class Grants : public testing::Test {
 protected:
  Grants() {
    key_->terms = terms_;
    snapshot_.keys.emplace("digest", key_);
    snapshot_.providers.emplace(1, nullptr);
    snapshot_.administrator = std::make_shared<principal>();
  }
  result<void> running(int64_t provider_id, std::string_view model, const credential& shown = {"digest", {}, {}}) {
    return check_running(shown, snapshot_, access_, 1'000, now_, provider_id, model);
  }
  static errc code(const result<void>& outcome) { return outcome ? errc::internal : outcome.error().code; }

  std::shared_ptr<key_terms> terms_ = std::make_shared<key_terms>();
  std::shared_ptr<principal> key_ = std::make_shared<principal>();
  snapshot snapshot_;
  access_control access_{secret("key"), "token", "", {std::chrono::hours(1), std::chrono::hours(2)}};
  access_control::time now_{std::chrono::hours(1)};
};

TEST_F(Grants, HoldEverythingIfNothingIsNamed) {
  EXPECT_TRUE(grants(*key_, 1, "m"));
  EXPECT_TRUE(grants(principal(), 1, "m"));
}

TEST_F(Grants, HoldWhatIsNamed) {
  terms_->providers = {1, 2};
  EXPECT_TRUE(grants(*key_, 2, "m"));
  EXPECT_FALSE(grants(*key_, 3, "m"));
  terms_->models = {"gpt-*"};
  EXPECT_TRUE(grants(*key_, 1, "gpt-4"));
  EXPECT_FALSE(grants(*key_, 1, "m"));
  EXPECT_FALSE(grants(*key_, 3, "gpt-4"));
}

TEST_F(Grants, AKeyWorksUntilItExpires) {
  terms_->expires_at = 1'000;
  EXPECT_TRUE(check_key(*key_, 999));
  EXPECT_EQ(code(check_key(*key_, 1'000)), errc::invalid_api_key);
  terms_->expires_at = 0;
  EXPECT_TRUE(check_key(*key_, INT64_MAX));
  terms_->enabled = false;
  EXPECT_EQ(code(check_key(*key_, 0)), errc::invalid_api_key);
}

TEST_F(Grants, AKeyWorksFromItsAddressesAlone) {
  EXPECT_TRUE(check_address(*key_, "203.0.113.9"));
  terms_->addresses = {*net::address_range::parse("10.0.0.0/8"), *net::address_range::parse("::1")};
  EXPECT_TRUE(check_address(*key_, "10.9.8.7"));
  EXPECT_TRUE(check_address(*key_, "::1"));
  EXPECT_EQ(code(check_address(*key_, "11.0.0.1")), errc::forbidden);
  EXPECT_EQ(code(check_address(*key_, "")), errc::forbidden);
}

TEST_F(Grants, KnowWhichKeyExpiresNext) {
  EXPECT_FALSE(next_expiry(snapshot_, 0));
  terms_->expires_at = 500;
  auto later = std::make_shared<principal>();
  auto terms = std::make_shared<key_terms>();
  terms->expires_at = 900;
  later->terms = terms;
  snapshot_.keys.emplace("later", later);
  EXPECT_EQ(next_expiry(snapshot_, 0), 500);
  EXPECT_EQ(next_expiry(snapshot_, 500), 900);
  EXPECT_FALSE(next_expiry(snapshot_, 900));
}

TEST_F(Grants, ACallGoesOnWhileItsKeyHolds) {
  EXPECT_TRUE(running(1, "m"));
  EXPECT_TRUE(running(0, "m"));
}

TEST_F(Grants, ACallEndsWithItsKey) {
  terms_->enabled = false;
  EXPECT_EQ(code(running(1, "m")), errc::invalid_api_key);
  EXPECT_EQ(code(running(0, "m")), errc::invalid_api_key);
  terms_->enabled = true;
  terms_->expires_at = 1;
  EXPECT_EQ(code(running(1, "m")), errc::invalid_api_key);
  snapshot_.keys.clear();
  EXPECT_EQ(code(running(1, "m")), errc::invalid_api_key);
}

TEST_F(Grants, ACallEndsWithItsGrant) {
  terms_->models = {"other"};
  EXPECT_EQ(code(running(1, "m")), errc::forbidden);
  EXPECT_TRUE(running(0, "m"));
  terms_->models.clear();
  terms_->providers = {2};
  EXPECT_EQ(code(running(1, "m")), errc::forbidden);
}

TEST_F(Grants, ACallEndsWhereItsAddressMayNotBe) {
  terms_->addresses = {*net::address_range::parse("10.0.0.0/8")};
  EXPECT_TRUE(running(1, "m", {"digest", {}, "10.1.1.1"}));
  EXPECT_EQ(code(running(1, "m", {"digest", {}, "11.1.1.1"})), errc::forbidden);
}

TEST_F(Grants, ACallOnAProviderThatIsGoneMayFinish) {
  snapshot_.keys.clear();
  EXPECT_TRUE(running(2, "m"));
}

TEST_F(Grants, ACallOfASessionEndsWithIt) {
  const auto cookie = *access_.log_in("token", now_);
  const credential shown{{}, access_.session_digest(cookie), {}};
  EXPECT_TRUE(running(1, "m", shown));
  access_.log_out(cookie);
  EXPECT_EQ(code(running(1, "m", shown)), errc::invalid_api_key);
  EXPECT_TRUE(running(1, "m", {}));  // the administrator token
}

}  // namespace
}  // namespace nexus
