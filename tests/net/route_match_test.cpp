#include "net/route_match.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace nexus::net {
namespace {

using values = std::vector<std::string>;

std::optional<values> match(std::string_view pattern, std::string_view path) {
  values parameters = {"left over"};
  if (!match_path(pattern, path, parameters)) return std::nullopt;
  return parameters;
}

TEST(RouteMatch, TakesAPathAsItIs) {
  EXPECT_EQ(match("/", "/"), values{});
  EXPECT_EQ(match("/v1/models", "/v1/models"), values{});
  for (const auto* path : {"", "/", "/v1", "/v1/", "/v1/model", "/v1/modelss", "/v1/models/", "/v1/models/x",
                           "/V1/models", "v1/models", "//v1/models"})
    EXPECT_FALSE(match("/v1/models", path)) << path;
  EXPECT_FALSE(match("/", "/x"));
}

TEST(RouteMatch, TakesParametersInTheirOrder) {
  EXPECT_EQ(match("/providers/{id}", "/providers/7"), values{"7"});
  EXPECT_EQ(match("/providers/{id}/models", "/providers/7/models"), values{"7"});
  EXPECT_EQ(match("/a/{x}/b/{y}", "/a/1/b/2"), (values{"1", "2"}));
  EXPECT_EQ(match("/a/{x}/{y}", "/a/1/2"), (values{"1", "2"}));
  EXPECT_EQ(match("/providers/{id}", "/providers/a b%2F"), values{"a b%2F"});
}

TEST(RouteMatch, LeavesNoParameterEmpty) {
  for (const auto* path : {"/providers", "/providers/", "/providers//models", "/providers/7", "/providers/7/",
                           "/providers/7/models/", "/providers/7/8/models"})
    EXPECT_FALSE(match("/providers/{id}/models", path)) << path;
  EXPECT_FALSE(match("/providers/{id}", "/providers/"));
  EXPECT_FALSE(match("/providers/{id}", "/providers/7/8"));
}

TEST(RouteMatch, GivesTheLastParameterTheRestOfThePath) {
  EXPECT_EQ(match("/v1/models/{id...}", "/v1/models/gpt"), values{"gpt"});
  EXPECT_EQ(match("/v1/models/{id...}", "/v1/models/org/name"), values{"org/name"});
  EXPECT_EQ(match("/v1/models/{id...}", "/v1/models/org/name/"), values{"org/name/"});
  EXPECT_EQ(match("/{org}/{id...}", "/a/b/c"), (values{"a", "b/c"}));
  for (const auto* path : {"/v1/models", "/v1/models/", "/v1/other/gpt"})
    EXPECT_FALSE(match("/v1/models/{id...}", path)) << path;
}

}  // namespace
}  // namespace nexus::net
