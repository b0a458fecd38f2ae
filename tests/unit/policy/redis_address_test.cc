#include "policy/redis_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

using Mode = RedisConnectionSpec::Mode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

RedisUrl Parsed(absl::string_view text) {
  const absl::StatusOr<RedisUrl> url = ParseRedisUrl(text);
  EXPECT_TRUE(url.ok()) << text << ": " << url.status();
  return url.value_or(RedisUrl());
}

TEST(RedisAddressTest, IsAHostAndAPort) {
  EXPECT_EQ(Parsed("redis.internal:6380").address, (RedisAddress{"redis.internal", 6380, ""}));
  EXPECT_EQ(Parsed("10.0.0.1:1").address, (RedisAddress{"10.0.0.1", 1, ""}));
  EXPECT_EQ(Parsed("[::1]:65535").address, (RedisAddress{"::1", 65535, ""}));
  EXPECT_EQ(Parsed("a:1").tls, RedisUrl::Tls::kUnsaid);
}

TEST(RedisAddressTest, IsAUnixSocket) {
  EXPECT_EQ(Parsed("unix:/run/redis.sock").address, (RedisAddress{"", 0, "/run/redis.sock"}));
  EXPECT_FALSE(ParseRedisUrl("unix:/" + std::string(107, 'a')).ok());
}

TEST(RedisAddressTest, IsAUrl) {
  const RedisUrl url = Parsed("redis://me:p%40ss:w@rd/@[::1]:6380/12");
  EXPECT_EQ(url.address, (RedisAddress{"::1", 6380, ""}));
  EXPECT_EQ(url.login, (RedisLoginSpec{"me", "p@ss:w@rd/", ""}));
  EXPECT_EQ(url.database, 12);
  EXPECT_EQ(url.tls, RedisUrl::Tls::kOff);
  EXPECT_EQ(Parsed("rediss://a").tls, RedisUrl::Tls::kOn);
  EXPECT_EQ(Parsed("redis://a/").database, absl::nullopt);
  EXPECT_EQ(Parsed("redis://:pass@a").login, (RedisLoginSpec{"", "pass", ""}));
}

// What comes of addresses in a connection that says `connection` already.
struct Taken {
  RedisConnectionSpec connection;
  std::vector<RedisAddressProblem> problems;
};
Taken Take(const std::vector<std::string>& texts, RedisConnectionSpec connection) {
  std::vector<RedisUrl> urls;
  for (const std::string& text : texts) urls.push_back(Parsed(text));
  Taken taken{std::move(connection), {}};
  taken.problems = TakeAddresses(urls, taken.connection);
  return taken;
}

TEST(RedisAddressesTest, FillWhatTheyDoNotSay) {
  const Taken single = Take({"rediss://me:pass@a/3"}, {});
  EXPECT_THAT(single.problems, IsEmpty());
  EXPECT_THAT(single.connection.addresses, ElementsAre(RedisAddress{"a", 6379, ""}));
  EXPECT_EQ(single.connection.login, (RedisLoginSpec{"me", "pass", ""}));
  EXPECT_EQ(single.connection.database, 3);
  EXPECT_EQ(single.connection.tls, RedisTlsSpec());
}

TEST(RedisAddressesTest, OfSentinelsGiveTheSentinelsLogin) {
  const Taken sentinel =
      Take({"redis://me:pass@a", "b:1", "redis://me:pass@c"}, {.mode = Mode::kSentinel});
  EXPECT_THAT(sentinel.problems, IsEmpty());
  EXPECT_THAT(sentinel.connection.addresses,
              ElementsAre(RedisAddress{"a", 26379, ""}, RedisAddress{"b", 1, ""},
                          RedisAddress{"c", 26379, ""}));
  EXPECT_EQ(sentinel.connection.sentinel_login, (RedisLoginSpec{"me", "pass", ""}));
  EXPECT_EQ(sentinel.connection.login, RedisLoginSpec());
}

TEST(RedisAddressesTest, KeepTheTlsThatIsGiven) {
  const Taken cluster = Take({"a:1", "rediss://b"},
                             {.mode = Mode::kCluster, .tls = RedisTlsSpec{.server_name = "redis"}});
  EXPECT_THAT(cluster.problems, IsEmpty());
  EXPECT_EQ(cluster.connection.tls->server_name, "redis");
}

TEST(RedisAddressesTest, TellWhichOneIsWrong) {
  const Taken cluster = Take({"a:1", "unix:/b", "rediss://c"}, {.mode = Mode::kCluster});
  ASSERT_THAT(cluster.problems, SizeIs(2));
  EXPECT_EQ(cluster.problems[0].index, 1U);
  EXPECT_EQ(cluster.problems[1].index, 2U);
}

}  // namespace
}  // namespace sluice
