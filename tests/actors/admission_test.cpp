#include "actors/admission.hpp"

#include <gtest/gtest.h>

namespace nexus {
namespace {

net::fields with(std::initializer_list<std::pair<std::string_view, std::string_view>> headers) {
  net::fields made;
  for (const auto& [name, value] : headers) made.add(name, value);
  return made;
}

std::string credential(const net::fields& headers, std::string_view query = "") {
  const auto found = find_credential(headers, query);
  if (!found) {
    EXPECT_EQ(found.error().code, errc::invalid_api_key);
    EXPECT_FALSE(found.error().message.empty());
  }
  return found ? std::string(*found) : "-";
}

TEST(Credential, IsTakenFromEveryHeaderThatClientsUse) {
  for (const auto* value : {"Bearer key", "bearer key", "BEARER   key"})
    EXPECT_EQ(credential(with({{"authorization", value}})), "key");
  for (const auto* name : {"x-api-key", "api-key", "x-goog-api-key"})
    EXPECT_EQ(credential(with({{name, "key"}})), "key");
}

TEST(Credential, IsMissingWithoutAKey) {
  EXPECT_EQ(credential({}), "-");
  for (const auto* value : {"", "Bearer", "Bearer ", "Bearer    ", "Basic key", "Bearerkey", "key"})
    EXPECT_EQ(credential(with({{"authorization", value}})), "-") << value;
  EXPECT_EQ(credential(with({{"x-api-key", ""}})), "-");
}

TEST(Credential, IsRefusedWhenTwoDiffer) {
  EXPECT_EQ(credential(with({{"authorization", "Bearer a"}, {"x-api-key", "a"}, {"api-key", "a"}})), "a");
  EXPECT_EQ(credential(with({{"authorization", "Bearer a"}, {"x-api-key", "b"}})), "-");
  EXPECT_EQ(credential(with({{"x-api-key", "a"}, {"api-key", "b"}})), "-");
  EXPECT_EQ(credential(with({{"authorization", "Basic x"}, {"api-key", "b"}})), "b");
}

TEST(Credential, IsRefusedInTheUrl) {
  for (const auto* query : {"key=a", "x=1&api_key=a", "api-key=a", "access_token="})
    EXPECT_EQ(credential(with({{"x-api-key", "a"}}), query), "-") << query;
  EXPECT_EQ(credential(with({{"x-api-key", "a"}}), "monkey=1&limit=2"), "a");
}

class Administrator : public testing::Test {
 protected:
  team_member::by find(const net::fields& headers, bool secure = false) {
    return find_team_member(access_, headers, secure, now_).how;
  }
  access_control access_{secret("key"), "token", "", {std::chrono::hours(1), std::chrono::hours(1)}};
  access_control::time now_{std::chrono::hours(1)};
};

TEST_F(Administrator, ComesWithATokenOrASessionsCookie) {
  const auto cookie = *access_.log_in("token", now_);
  EXPECT_EQ(find(with({{"authorization", "Bearer token"}})), team_member::by::token);
  EXPECT_EQ(find(with({{"cookie", "a=b; nxh=" + cookie}})), team_member::by::cookie);
  EXPECT_EQ(find(with({{"cookie", "__Host-nxh=" + cookie}}), true), team_member::by::cookie);
}

TEST_F(Administrator, IsNobodyElse) {
  const auto cookie = *access_.log_in("token", now_);
  EXPECT_EQ(find({}), team_member::by::nothing);
  EXPECT_EQ(find(with({{"authorization", "Bearer other"}})), team_member::by::nothing);
  EXPECT_EQ(find(with({{"cookie", "nxh=other"}})), team_member::by::nothing);
  EXPECT_EQ(find(with({{"cookie", "nxh=" + cookie}}), true), team_member::by::nothing);  // TLS wants the bound name
  EXPECT_EQ(find(with({{"x-api-key", "token"}})), team_member::by::nothing);
  // A wrong token is not mended by a cookie.
  EXPECT_EQ(find(with({{"authorization", "Bearer other"}, {"cookie", "nxh=" + cookie}})), team_member::by::nothing);
}

TEST(Origin, MustBeThisServerOrAllowed) {
  const std::vector<std::string> allowed = {"https://chat.example.org"};
  const auto passes = [&](const net::fields& headers, bool secure) {
    return check_origin(headers, secure, allowed).has_value();
  };
  EXPECT_TRUE(passes(with({{"host", "hub.example:8000"}, {"origin", "http://hub.example:8000"}}), false));
  EXPECT_TRUE(passes(with({{"host", "hub.example"}, {"origin", "https://hub.example"}}), true));
  EXPECT_TRUE(passes(with({{"host", "hub.example"}, {"origin", "https://chat.example.org"}}), false));
  for (const auto* origin : {"http://hub.example:8001", "https://hub.example", "http://evil.example", "null", "",
                             "http://hub.example:8000.evil.example"})
    EXPECT_FALSE(passes(with({{"host", "hub.example:8000"}, {"origin", origin}}), false)) << origin;
  EXPECT_FALSE(passes(with({{"host", "hub.example"}}), false));
  // A proxy may end TLS before us, but nothing undoes it behind us.
  EXPECT_TRUE(passes(with({{"host", "hub.example"}, {"origin", "https://hub.example"}}), false));
  EXPECT_FALSE(passes(with({{"host", "hub.example"}, {"origin", "http://hub.example"}}), true));
  EXPECT_EQ(check_origin({}, false, allowed).error().code, errc::forbidden);
}

TEST(ErrorHeaders, SayWhatAClientMayDo) {
  auto late = make_error(errc::rate_limited, "x");
  EXPECT_TRUE(error_headers(late).empty());
  late.retry_after = std::chrono::seconds(7);
  EXPECT_EQ(error_headers(late), (net::header_list{{"retry-after", "7"}}));
  EXPECT_EQ(error_headers(make_error(errc::invalid_api_key, "x")), (net::header_list{{"www-authenticate", "Bearer"}}));
  EXPECT_EQ(error_headers(make_error(errc::method_not_allowed, "x", "GET, POST")),
            (net::header_list{{"allow", "GET, POST"}}));
  EXPECT_EQ(error_headers(make_error(errc::conflict, "x")), (net::header_list{{"x-should-retry", "false"}}));
  EXPECT_EQ(error_headers(make_error(errc::shutting_down, "x")), (net::header_list{{"x-should-retry", "true"}}));
}

TEST_F(Administrator, IsNamedForTheAuditLog) {
  storage::administrator anna;
  anna.id = 1;
  anna.name = "anna";
  auto victor = anna;
  victor.id = 2;
  victor.name = "victor";
  victor.role = storage::admin_role::viewer;
  access_.use_administrators({anna, victor});
  const auto actor = [&](const std::string& cookie) {
    return find_team_member(access_, with({{"cookie", "nxh=" + cookie}}), false, now_).actor();
  };
  EXPECT_EQ(actor(access_.open_session(1, now_)), "administrator anna");
  EXPECT_EQ(actor(access_.open_session(2, now_)), "viewer victor");
  EXPECT_EQ(actor(access_.open_session(0, now_)), "session of a token");
  EXPECT_EQ(find_team_member(access_, with({{"authorization", "Bearer token"}}), false, now_).actor(),
            "administrator token");
}

TEST(ContentType, IsJsonWithOrWithoutParameters) {
  for (const auto* type :
       {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x"})
    EXPECT_TRUE(is_json(type)) << type;
  for (const auto* type : {"", "json", "text/plain", "application/jsonx", "application/json+x", " application/json"})
    EXPECT_FALSE(is_json(type)) << type;
}

}  // namespace
}  // namespace nexus
