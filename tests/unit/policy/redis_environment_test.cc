#include "policy/redis_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

using Mode = RedisConnectionSpec::Mode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Variables = std::map<std::string, std::string>;

Environment EnvironmentOf(const Variables& variables) {
  return [variables](absl::string_view name) -> absl::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return absl::nullopt;
    return found->second;
  };
}

RedisConnectionSpec ConnectionOf(const Variables& variables) {
  const auto spec = RedisFromEnvironment(EnvironmentOf(variables));
  if (!spec.ok() || !spec->has_value()) {
    ADD_FAILURE() << spec.status();
    return {};
  }
  EXPECT_EQ((*spec)->name, "redis");
  EXPECT_EQ((*spec)->type, "redis");
  return (*spec)->redis->connection;
}

std::string ErrorOf(const Variables& variables) {
  const auto spec = RedisFromEnvironment(EnvironmentOf(variables));
  EXPECT_FALSE(spec.ok());
  return std::string(spec.status().message());
}

TEST(RedisEnvironmentTest, IsNoneWithoutAUrl) {
  for (const Variables& variables : {Variables(), Variables{{"REDIS_URL", ""}}}) {
    const auto spec = RedisFromEnvironment(EnvironmentOf(variables));
    ASSERT_TRUE(spec.ok());
    EXPECT_FALSE(spec->has_value());
  }
}

TEST(RedisEnvironmentTest, IsOneAddress) {
  RedisConnectionSpec expected;
  expected.addresses = {{"redis", 6379, ""}};
  EXPECT_EQ(ConnectionOf({{"REDIS_URL", "redis:6379"}}), expected);
  EXPECT_EQ(ConnectionOf({{"REDIS_URL", "redis://redis"}, {"REDIS_TYPE", "SINGLE"}}), expected);
  expected.login = {"", "a:b", ""};
  EXPECT_EQ(ConnectionOf({{"REDIS_URL", "redis:6379"}, {"REDIS_AUTH", ":a:b"}}), expected);
  expected.login = {"", "pass", ""};
  EXPECT_EQ(ConnectionOf({{"REDIS_URL", "redis:6379"}, {"REDIS_AUTH", "pass"}}), expected);
  expected.login = {"me", "pass", ""};
  EXPECT_EQ(ConnectionOf({{"REDIS_URL", "redis:6379"}, {"REDIS_AUTH", "me:pass"}}), expected);
  expected.tls.emplace();
  EXPECT_EQ(ConnectionOf({{"REDIS_URL", "rediss://me:pass@redis"}}), expected);
  EXPECT_EQ(
      ConnectionOf({{"REDIS_URL", "redis:6379"}, {"REDIS_TLS", "true"}, {"REDIS_AUTH", "me:pass"}}),
      expected);
}

TEST(RedisEnvironmentTest, IsAUnixSocket) {
  for (const std::string url : {"/run/redis.sock", "unix:/run/redis.sock"}) {
    EXPECT_THAT(ConnectionOf({{"REDIS_URL", url}, {"REDIS_SOCKET_TYPE", "unix"}}).addresses,
                ElementsAre(RedisAddress{"", 0, "/run/redis.sock"}));
  }
}

TEST(RedisEnvironmentTest, IsSentinels) {
  const RedisConnectionSpec connection = ConnectionOf(
      {{"REDIS_URL", "mymaster,a:1, b:2"}, {"REDIS_TYPE", "Sentinel"}, {"REDIS_AUTH", "pass"}});
  EXPECT_EQ(connection.mode, Mode::kSentinel);
  EXPECT_EQ(connection.sentinel_master, "mymaster");
  EXPECT_THAT(connection.addresses,
              ElementsAre(RedisAddress{"a", 1, ""}, RedisAddress{"b", 2, ""}));
  EXPECT_EQ(connection.login.password, "pass");
}

TEST(RedisEnvironmentTest, IsACluster) {
  const RedisConnectionSpec connection =
      ConnectionOf({{"REDIS_URL", "a:1,b:2"}, {"REDIS_TYPE", "cluster"}});
  EXPECT_EQ(connection.mode, Mode::kCluster);
  EXPECT_THAT(connection.addresses,
              ElementsAre(RedisAddress{"a", 1, ""}, RedisAddress{"b", 2, ""}));
}

TEST(RedisEnvironmentTest, NamesTheVariableThatIsWrong) {
  const Variables wrong[] = {
      {{"REDIS_URL", "redis"}},
      {{"REDIS_URL", "a:1,b:2"}},
      {{"REDIS_URL", "a:1,b:2"}, {"REDIS_TYPE", "sentinel"}},
      {{"REDIS_URL", "mymaster"}, {"REDIS_TYPE", "sentinel"}},
      {{"REDIS_URL", "/run/redis.sock"}},
      {{"REDIS_URL", "redis://:hush@a:port"}},
      {{"REDIS_URL", "redis://:hush@a"}, {"REDIS_AUTH", "hush"}},
      {{"REDIS_URL", "redis://a"}, {"REDIS_TLS", "true"}},
  };
  for (const Variables& variables : wrong) {
    EXPECT_TRUE(absl::StartsWith(ErrorOf(variables), "REDIS_URL: ")) << ErrorOf(variables);
    EXPECT_THAT(ErrorOf(variables), Not(HasSubstr("hush")));
  }
  const auto beside = [](const std::string& name, const std::string& value) {
    return ErrorOf({{"REDIS_URL", "redis:6379"}, {name, value}});
  };
  EXPECT_EQ(beside("REDIS_TYPE", "ring"),
            "REDIS_TYPE: 'ring' is no type (use SINGLE, SENTINEL or CLUSTER)");
  EXPECT_EQ(beside("REDIS_TLS", "maybe"), "REDIS_TLS: 'maybe' is neither true nor false");
  EXPECT_EQ(beside("REDIS_SOCKET_TYPE", "udp"),
            "REDIS_SOCKET_TYPE: 'udp' is no socket type (use tcp or unix)");
  EXPECT_EQ(beside("REDIS_AUTH", "me:"),
            "REDIS_AUTH: there is no password behind the ':' (give password or user:password)");
  EXPECT_EQ(beside("REDIS_TLS_CACERT", "/ca.pem"),
            "REDIS_TLS_CACERT: without TLS it says nothing (say REDIS_TLS=true, or leave it out)");
}

TEST(RedisEnvironmentTest, ChecksTheAuthorities) {
  const TempFolder folder;
  const std::string path = folder.Write("ca.pem", "no certificate");
  EXPECT_EQ(ErrorOf({{"REDIS_URL", "rediss://a"}, {"REDIS_TLS_CACERT", path}}),
            "REDIS_TLS_CACERT: '" + path + "': the file has no certificate in PEM");
}

TEST(RedisEnvironmentTest, TellsWhatChangesNothing) {
  EXPECT_THAT(UnusedRedisVariables(EnvironmentOf({{"REDIS_URL", "a:1"},
                                                  {"REDIS_TYPE", "single"},
                                                  {"REDIS_POOL_SIZE", "10"},
                                                  {"REDIS_PERSECOND", "true"}})),
              ElementsAre("REDIS_PERSECOND", "REDIS_POOL_SIZE"));
  EXPECT_THAT(UnusedRedisVariables(EnvironmentOf({{"REDIS_AUTH", "pass"}})),
              ElementsAre("REDIS_AUTH"));
  EXPECT_THAT(UnusedRedisVariables(EnvironmentOf({{"REDIS_URL", "a:1"}})), IsEmpty());
}

}  // namespace
}  // namespace sluice
