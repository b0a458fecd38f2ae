#include "io/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ErrorOf(absl::string_view text, uint16_t default_port = 0) {
  return std::string(Endpoint::Parse(text, default_port).status().message());
}

TEST(EndpointTest, ReadsWhatItWrites) {
  for (const char* text : {"redis:6379", "10.0.0.1:1", "[::1]:65535", "a-b_c.example:80",
                           "unix:/run/redis/redis.sock"}) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint->ToString(), text);
  }
}

TEST(EndpointTest, TakesItsPartsApart) {
  const Endpoint tcp = Endpoint::Parse("[fd00::2]:6380").value();
  EXPECT_EQ(tcp.host, "fd00::2");
  EXPECT_EQ(tcp.port, 6380);
  EXPECT_EQ(Endpoint::Parse("unix:/s").value().unix_path, "/s");
}

TEST(EndpointTest, GivesAHostAloneTheDefaultPort) {
  EXPECT_EQ(Endpoint::Parse("redis", 6379).value().port, 6379);
  EXPECT_EQ(Endpoint::Parse("[::1]", 6379).value().port, 6379);
  EXPECT_EQ(Endpoint::Parse("redis:1", 6379).value().port, 1);
  EXPECT_THAT(ErrorOf("redis"), HasSubstr("`redis`: the port is missing"));
}

TEST(EndpointTest, RefusesWrongPorts) {
  for (const char* text :
       {"h:", "h:0", "h:65536", "h:-1", "h:+1", "h: 1", "h:1x", "[::1]1", "h:1:2"}) {
    EXPECT_THAT(ErrorOf(text, 6379), HasSubstr("a number from 1 to 65535")) << text;
  }
}

TEST(EndpointTest, RefusesWrongHosts) {
  for (const char* text : {"", ":6379", "a b:1", "redis://h:1/0", "h\n:1"}) {
    EXPECT_FALSE(Endpoint::Parse(text, 6379).ok()) << text;
  }
  EXPECT_FALSE(Endpoint::Parse(std::string(254, 'a'), 6379).ok());
  EXPECT_TRUE(Endpoint::Parse(std::string(253, 'a'), 6379).ok());
}

TEST(EndpointTest, WantsBracketsAroundIpv6AndOnlyThere) {
  EXPECT_THAT(ErrorOf("::1", 6379), HasSubstr("stands in brackets"));
  EXPECT_THAT(ErrorOf("[127.0.0.1]:1"), HasSubstr("only an IPv6 address"));
  EXPECT_THAT(ErrorOf("[::1"), HasSubstr("only an IPv6 address"));
  EXPECT_THAT(ErrorOf("[name]:1"), HasSubstr("only an IPv6 address"));
}

TEST(EndpointTest, BoundsThePathOfAUnixSocket) {
  EXPECT_TRUE(Endpoint::Parse("unix:/" + std::string(106, 'a')).ok());
  EXPECT_THAT(ErrorOf("unix:/" + std::string(107, 'a')), HasSubstr("at most 107 bytes"));
  EXPECT_THAT(ErrorOf("unix:run/redis"), HasSubstr("unix:/PATH"));
  EXPECT_THAT(ErrorOf("unix:"), HasSubstr("unix:/PATH"));
}

TEST(EndpointTest, QuotesNoPasswordAndNothingLong) {
  EXPECT_THAT(ErrorOf("user:secret@redis:6379"), Not(HasSubstr("secret")));
  EXPECT_LT(ErrorOf(std::string(100'000, 'a')).size(), 250);
}

}  // namespace
}  // namespace sluice
