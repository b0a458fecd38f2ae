// Backends of type redis, as a configuration has them. What is wrong with one is in
// tests/golden/policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "policy/loader.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

using Mode = RedisConnectionSpec::Mode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::shared_ptr<const PolicySet> Load(absl::string_view text) {
  PolicyResult result = LoadPolicyText("test.yaml", text, 1);
  for (const PolicyError& error : result.errors) ADD_FAILURE() << error.ToString();
  return result.policy;
}

TEST(RedisReaderTest, NeedsAnAddressAlone) {
  const auto policy = Load("backends: {shared: {type: redis, addresses: [\"127.0.0.1:6379\"]}}");
  ASSERT_NE(policy, nullptr);
  const BackendSpec& backend = policy->backends[0];
  EXPECT_EQ(backend.name, "shared");
  EXPECT_EQ(backend.type, "redis");
  ASSERT_TRUE(backend.redis.has_value());
  RedisConnectionSpec standard;
  standard.addresses = {{"127.0.0.1", 6379, ""}};
  EXPECT_EQ(backend.redis->connection, standard);
  EXPECT_EQ(backend.redis->deadline_us, 15'000);
}

TEST(RedisReaderTest, ReadsAllOfItsKeys) {
  const auto policy = Load(R"(
backends:
  shared:
    type: redis
    mode: sentinel
    addresses: ["a:1", "b:2"]
    sentinel_master: mymaster
    sentinel_username: watcher
    sentinel_password: one
    username: sluice
    password_file: later/password
    database: 2
    tls: {server_name: redis.internal}
    deadline: 12ms
    connect_timeout: 250ms
    connections: 4
    max_inflight: 1_000
    hash_tag: tenant
    breaker: {failure_threshold: 7, recovery_timeout: 1s, success_threshold: 3}
    retry: {max_retries: 0, delay: 3ms, multiplier: 1.5}
)");
  ASSERT_NE(policy, nullptr);
  const RedisSpec& spec = *policy->backends[0].redis;
  RedisConnectionSpec connection;
  connection.mode = Mode::kSentinel;
  connection.addresses = {{"a", 1, ""}, {"b", 2, ""}};
  connection.sentinel_master = "mymaster";
  connection.sentinel_login = {"watcher", "one", ""};
  connection.login = {"sluice", "", "later/password"};
  connection.database = 2;
  connection.tls = RedisTlsSpec{.server_name = "redis.internal"};
  connection.connect_timeout_us = 250'000;
  connection.connections = 4;
  connection.max_inflight = 1000;
  connection.hash_tag = HashTag::kTenant;
  EXPECT_EQ(spec.connection, connection);
  EXPECT_EQ(spec.deadline_us, 12'000);
  EXPECT_EQ(spec.failure_threshold, 7);
  EXPECT_EQ(spec.recovery_timeout_us, 1'000'000);
  EXPECT_EQ(spec.success_threshold, 3);
  EXPECT_EQ(spec.max_retries, 0);
  EXPECT_EQ(spec.retry_delay_us, 3'000);
  EXPECT_EQ(spec.retry_multiplier, 1.5);
}

TEST(RedisReaderTest, NamesFilesFromTheFolderOfTheConfiguration) {
  const TempFolder folder;
  const std::string file = folder.Write(
      "policy.yaml",
      "backends: {a: {type: redis, addresses: [\"a:1\"], password_file: redis.password}}\n");
  for (const std::string& path : {file, folder.path().string()}) {
    const PolicyResult result = LoadPolicyFile(path, 1);
    ASSERT_NE(result.policy, nullptr) << path;
    EXPECT_EQ(result.policy->backends[0].redis->connection.login.password_file,
              folder / "redis.password");
  }
}

TEST(RedisReaderTest, ShowsNoPassword) {
  const auto policy = Load(R"(
backends:
  a: {type: redis, addresses: ["redis://me:hush@a"]}
  b: {type: redis, addresses: ["a:1"], password: hush}
  c: {type: redis, addresses: ["${NO_SUCH_VARIABLE:-redis://:hush@a}"]}
  d:
    type: redis
    mode: sentinel
    sentinel_master: m
    addresses: ["a:1"]
    sentinel_password: "${NO_SUCH_VARIABLE:-hush}"
default_backend: a
)");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->backends[2].redis->connection.login.password, "hush");
  EXPECT_EQ(policy->backends[3].redis->connection.sentinel_login.password, "hush");
  EXPECT_THAT(policy->yaml, Not(HasSubstr("hush")));
  EXPECT_THAT(policy->yaml, HasSubstr("${NO_SUCH_VARIABLE:-***}"));
}

TEST(RedisReaderTest, StandsInForABackendThatIsNotConfigured) {
  LoadOptions options;
  options.backend.name = "redis";
  options.backend.type = "redis";
  options.backend.redis.emplace();
  const PolicyResult result = LoadPolicyText("test.yaml", "tenants: {acme: {}}", 1, options);
  ASSERT_NE(result.policy, nullptr);
  ASSERT_EQ(result.policy->backends.size(), 1U);
  EXPECT_EQ(result.policy->backends[0].name, "redis");
  EXPECT_TRUE(result.policy->backends[0].redis.has_value());
  const PolicyResult own =
      LoadPolicyText("test.yaml", "backends: {local: {type: memory}}", 1, options);
  ASSERT_NE(own.policy, nullptr);
  EXPECT_EQ(own.policy->backends[0].name, "local");
}

}  // namespace
}  // namespace sluice
