#include "net/address_range.hpp"

#include <gtest/gtest.h>

namespace nexus::net {
namespace {

bool holds(std::string_view range, std::string_view address) {
  const auto parsed = address_range::parse(range);
  EXPECT_TRUE(parsed) << range;
  return parsed && parsed->contains(address);
}

TEST(AddressRange, HoldsTheAddressesOfItsPrefix) {
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(holds("192.0.2.7/32", "192.0.2.6"));
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.1"));
  EXPECT_TRUE(holds("2001:db8::/32", "2001:db8:1::5"));
  EXPECT_FALSE(holds("2001:db8::/32", "2001:db9::"));
  EXPECT_TRUE(holds("::1", "::1"));
  EXPECT_FALSE(holds("::1", "::2"));
}

TEST(AddressRange, TakesAMappedAddressForItsIpv4Self) {
  EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_TRUE(holds("::/0", "10.1.2.3"));
}

TEST(AddressRange, HoldsNothingThatIsNoAddress) {
  for (const auto* text : {"", "10", "x", "10.0.0.1:80"}) EXPECT_FALSE(holds("::/0", text)) << text;
}

TEST(AddressRange, RefusesWhatIsNoRange) {
  for (const auto* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/08x", "::/129",
                           "2001:db8::1/32", "host", "10.0.0.0/8 ", "fe80::1%eth0", "1.2.3/8", "10.0.0.0/0008"}) {
    const auto refused = address_range::parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, errc::invalid_request);
  }
}

}  // namespace
}  // namespace nexus::net
