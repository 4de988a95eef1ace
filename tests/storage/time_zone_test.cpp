#include "storage/time_zone.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nexus::storage {
namespace {

TEST(TimeZone, IsWhatTheSystemKnows) {
  for (const auto* name : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"})
    EXPECT_TRUE(is_time_zone(name)) << name;
}

TEST(TimeZone, IsNothingElse) {
  for (const auto* name : {"", " ", "Mars/Olympus", "Europe/Berlin ", "europe", "UTC+1:00", "Fixed/UTC+01:00:00"})
    EXPECT_FALSE(is_time_zone(name)) << name;
  EXPECT_FALSE(is_time_zone(std::string(65, 'a')));
}

TEST(TimeZone, IsNoWayIntoTheFileSystem) {
  for (const auto* name : {"/usr/share/zoneinfo/UTC", "file:UTC", "../zoneinfo/UTC", "Europe/../UTC"})
    EXPECT_FALSE(is_time_zone(name)) << name;
}

}  // namespace
}  // namespace nexus::storage
