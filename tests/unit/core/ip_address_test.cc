#include "core/ip_address.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

std::string Canonical(absl::string_view text) {
  const absl::optional<IpAddress> address = IpAddress::Parse(text);
  return address.has_value() ? address->ToString() : "none";
}

TEST(IpAddressTest, IsWrittenInOneWay) {
  EXPECT_EQ(Canonical("10.1.2.3"), "10.1.2.3");
  EXPECT_EQ(Canonical("2001:DB8:0:0:1::"), "2001:db8:0:0:1::");
  EXPECT_EQ(Canonical("2001:db8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(Canonical("fe80::1%eth0"), "fe80::1");
  EXPECT_EQ(Canonical("::ffff:10.1.2.3"), "10.1.2.3");
  EXPECT_EQ(Canonical("::ffff:a01:203"), "10.1.2.3");
}

TEST(IpAddressTest, RefusesWhatIsNoAddress) {
  for (absl::string_view text : {"", "10.1.2", "10.1.2.256", "010.1.2.3", "10.1.2.3 ",
                                 "10.1.2.3:80", "[::1]", "::g", "localhost", "1", "1.2.3.4%eth0"}) {
    EXPECT_EQ(Canonical(text), "none") << text;
  }
  EXPECT_EQ(Canonical(absl::string_view("10.1.2.3\0x", 10)), "none");
}

TEST(IpAddressTest, NetworkClearsTheBitsBehindThePrefix) {
  EXPECT_EQ(IpAddress::Parse("10.255.255.255")->Network(9).ToString(), "10.128.0.0");
  EXPECT_EQ(IpAddress::Parse("2001:db8:1:2:3:4:5:6")->Network(64).ToString(), "2001:db8:1:2::");
  EXPECT_EQ(IpAddress::Parse("1.2.3.4")->Network(32).ToString(), "1.2.3.4");
  EXPECT_EQ(IpAddress::Parse("1.2.3.4")->Network(0).ToString(), "0.0.0.0");
}

bool Contains(absl::string_view cidr, absl::string_view address) {
  return Cidr::Parse(cidr)->Contains(*IpAddress::Parse(address));
}

TEST(CidrTest, HoldsItsAddresses) {
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(Contains("fd00::/8", "fdff::1"));
  EXPECT_FALSE(Contains("fd00::/8", "fe00::1"));
  EXPECT_TRUE(Contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(Contains("192.0.2.7", "192.0.2.8"));
  EXPECT_TRUE(Contains("10.0.0.0/8", "::ffff:10.0.0.1"));
  EXPECT_TRUE(Contains("::ffff:10.0.0.0/104", "10.0.0.1"));
}

TEST(CidrTest, TheWholeOfOneFamilyHoldsNoneOfTheOther) {
  EXPECT_TRUE(Contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "::1"));
  EXPECT_FALSE(Contains("::/0", "1.2.3.4"));
}

TEST(CidrTest, TellsWhatIsWrong) {
  const auto told = [](absl::string_view text) {
    return std::string(Cidr::Parse(text).status().message());
  };
  EXPECT_EQ(told("10.0.0.1/8"),
            "'10.0.0.1/8' is not a network: bits behind the prefix are set; 10.0.0.0/8 is the "
            "network that it lies in (for example 10.0.0.0/8 or fd00::/8)");
  EXPECT_EQ(told("10.0.0.0/33"),
            "'10.0.0.0/33' is not a network: its prefix is not a number from 0 to 32 (for example "
            "10.0.0.0/8 or fd00::/8)");
  EXPECT_EQ(told("office"),
            "'office' is not a network: there is no IP address in it (for example 10.0.0.0/8 or "
            "fd00::/8)");
  for (absl::string_view text : {"10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "::/129",
                                 "::ffff:0:0/95", "/8", "fe80::%eth0/64"}) {
    EXPECT_FALSE(Cidr::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace sluice
