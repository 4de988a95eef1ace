#include "conf/error.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>

namespace nexus {
namespace {

std::vector<error_info> rows() {
  std::vector<error_info> all;
  for (int i = 0; i <= static_cast<int>(errc::internal); ++i) all.push_back(info(static_cast<errc>(i)));
  return all;
}

TEST(Error, InfoReturnsTheRowOfTheCode) {
  for (size_t i = 0; i < rows().size(); ++i) EXPECT_EQ(rows()[i].code, static_cast<errc>(i));
}

TEST(Error, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const error_info& row : rows()) EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

TEST(Error, EveryStatusIsAnError) {
  for (const error_info& row : rows()) {
    EXPECT_GE(row.status, 400) << row.name;
    EXPECT_LE(row.status, 599) << row.name;
  }
}

TEST(Error, TypeFollowsTheStatusOfTheOpenAiDialect) {
  const std::map<int, std::string_view> types{{401, "authentication_error"},  {403, "permission_error"},
                                              {404, "invalid_request_error"}, {429, "rate_limit_error"},
                                              {500, "server_error"},          {502, "upstream_error"}};
  for (const error_info& row : rows()) {
    const auto type = types.find(row.status);
    EXPECT_TRUE(type == types.end() || row.type == type->second) << row.name;
  }
}

TEST(Error, FixedNamesAndStatusesOfTheContract) {
  EXPECT_EQ(info(errc::invalid_api_key).name, "invalid_api_key");
  EXPECT_EQ(info(errc::model_not_found).name, "model_not_found");
  EXPECT_EQ(info(errc::model_not_found).status, 404);
  EXPECT_EQ(info(errc::rate_limited).name, "rate_limit_exceeded");
  EXPECT_EQ(info(errc::client_closed).status, 499);
  EXPECT_EQ(info(errc::upstream_credentials_rejected).name, "upstream_credentials_rejected");
  EXPECT_EQ(info(errc::upstream_credentials_rejected).status, 502);
  EXPECT_EQ(info(errc::upstream_timeout).status, 504);
  EXPECT_EQ(info(errc::storage_error).status, 503);
}

TEST(Error, OnlyServerFaultsAndWaitsAreRetryable) {
  for (const error_info& row : rows())
    EXPECT_TRUE(!row.retryable || row.status == 408 || row.status == 429 || row.status > 500) << row.name;
  EXPECT_FALSE(info(errc::internal).retryable);
  EXPECT_TRUE(info(errc::shutting_down).retryable);
}

TEST(Error, OwnStatusOverridesTheTable) {
  error failure = make_error(errc::upstream_status, "The upstream is overloaded.");
  EXPECT_EQ(failure.http_status(), 502);
  failure.status = 529;
  EXPECT_EQ(failure.http_status(), 529);
}

TEST(Error, ValueOfAFailedResultThrowsItsMessage) {
  const result<int> failed = make_error(errc::storage_error, "The disk is full.", "ENOSPC");
  try {
    failed.value();
    FAIL() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "The disk is full.");
  }
}

}  // namespace
}  // namespace nexus
