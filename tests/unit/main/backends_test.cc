#include "main/backends.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "policy/loader.h"
#include "tests/conformance/counters.h"
#include "tests/fakes/awaited_decision.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// No Redis runs: what is asked is which backends there are.
class BackendsTest : public testing::Test {
 protected:
  std::vector<std::shared_ptr<Backend>> Adopt(const std::string& backends) {
    const PolicyResult result = LoadPolicyText("test.yaml", backends, 1);
    for (const PolicyError& error : result.errors) ADD_FAILURE() << error.ToString();
    auto adopted = backends_.Adopt(*result.policy);
    EXPECT_TRUE(adopted.ok()) << adopted.status();
    return *std::move(adopted);
  }

  // A Redis at a socket that is not there.
  std::vector<std::shared_ptr<Backend>> AdoptRedis(const std::string& more) {
    return Adopt(absl::StrCat("backends: {shared: {type: redis, addresses: [\"unix:",
                              folder_ / "redis.sock", "\"]", more, "}}\n"));
  }

  static BreakerState BreakerOf(const std::vector<std::shared_ptr<Backend>>& backends) {
    return backends[0]->Stats().remote->breaker;
  }
  // There is nobody to decide.
  void Fail(Backend& backend) {
    const Limit limit = LimitOf("fixed_window", "1/s");
    const CounterKey key = KeyOf("a", limit);
    AwaitedDecision decision({{key, limit, 1, Mode::kTake}}, clock_->Now());
    backend.Decide(decision);
    EXPECT_FALSE(decision.Wait().ok());
  }
  std::vector<std::string> Recovered() {
    MutexLock lock(mutex_);
    return recovered_;
  }

  const TempFolder folder_;
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  Mutex mutex_;
  std::vector<std::string> recovered_ ABSL_GUARDED_BY(mutex_);
  Backends backends_{*clock_, [this](const std::string& name) {
                       MutexLock lock(mutex_);
                       recovered_.push_back(name);
                     }};
};

TEST_F(BackendsTest, KeepsMemoryFromOnePolicyToTheNext) {
  const auto first = Adopt("backends: {local: {type: memory}}");
  EXPECT_EQ(Adopt("backends: {local: {type: memory, max_keys: 10}}"), first);
  EXPECT_NE(Adopt("backends: {other: {type: memory}}"), first);
}

TEST_F(BackendsTest, KeepsARedisWhileItsConnectionsStayAsTheyAre) {
  const auto first = AdoptRedis("");
  EXPECT_EQ(AdoptRedis(", deadline: 5ms, breaker: {failure_threshold: 1}, retry: {max_retries: 0}"),
            first);
  EXPECT_EQ(AdoptRedis(""), first);
  EXPECT_NE(AdoptRedis(", database: 1"), first);
}

TEST_F(BackendsTest, ConnectsAnewForALongerDeadline) {
  const auto first = AdoptRedis("");
  EXPECT_NE(AdoptRedis(", deadline: 50ms"), first);
}

TEST_F(BackendsTest, TakesAnotherTypeForAnotherBackend) {
  const auto redis = AdoptRedis("");
  EXPECT_TRUE(redis[0]->Stats().remote.has_value());
  const auto memory = Adopt("backends: {shared: {type: memory}}");
  EXPECT_NE(memory, redis);
  EXPECT_FALSE(memory[0]->Stats().remote.has_value());
}

TEST_F(BackendsTest, LeavesAllAsItWasWhenTlsCannotBeHad) {
  const auto first = AdoptRedis("");
  PolicySet policy;
  policy.backends = {LocalBackend(), LocalBackend()};
  policy.backends[1].name = "shared";
  RedisSpec& redis = policy.backends[1].redis.emplace();
  redis.connection.addresses = {{"localhost", 1, ""}};
  redis.connection.tls = RedisTlsSpec{.ca_file = folder_ / "nowhere.pem"};
  const auto refused = backends_.Adopt(policy);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(std::string(refused.status().message()),
              AllOf(HasSubstr("backend 'shared': tls: "), HasSubstr("nowhere.pem")));
  EXPECT_EQ(AdoptRedis(""), first);
}

TEST_F(BackendsTest, EndsWhatNobodyUsesAnyMore) {
  auto used = Adopt("backends: {local: {type: memory}}");
  const std::weak_ptr<Backend> seen = used[0];
  Adopt("backends: {other: {type: memory}}");
  backends_.Tend();
  EXPECT_FALSE(seen.expired());
  used.clear();
  EXPECT_FALSE(seen.expired());
  backends_.Tend();
  EXPECT_TRUE(seen.expired());
}

TEST_F(BackendsTest, SetsTheBreakerOfARedisAndTellsWhenItCloses) {
  const auto redis = AdoptRedis("");
  ASSERT_TRUE(backends_.Set("shared", BreakerMode::kForcedOpen).ok());
  EXPECT_EQ(redis[0]->Stats().remote->breaker, BreakerState::kOpen);
  ASSERT_TRUE(backends_.Set("shared", BreakerMode::kForcedClosed).ok());
  EXPECT_EQ(redis[0]->Stats().remote->breaker, BreakerState::kClosed);
  EXPECT_THAT(Recovered(), ElementsAre("shared"));
}

TEST_F(BackendsTest, ANewBackendsBreakerStandsAsAnOperatorHasSetIt) {
  const std::string touchy = ", breaker: {failure_threshold: 1, recovery_timeout: 1h}";
  AdoptRedis(touchy);
  ASSERT_TRUE(backends_.Set("shared", BreakerMode::kForcedOpen).ok());
  EXPECT_EQ(BreakerOf(AdoptRedis(touchy + ", database: 1")), BreakerState::kOpen);
  EXPECT_EQ(BreakerOf(AdoptRedis(touchy + ", database: 2")), BreakerState::kOpen);
  EXPECT_THAT(Recovered(), IsEmpty());

  ASSERT_TRUE(backends_.Set("shared", BreakerMode::kForcedClosed).ok());
  EXPECT_THAT(Recovered(), ElementsAre("shared"));
  const auto forced_closed = AdoptRedis(touchy + ", database: 3");
  Fail(*forced_closed[0]);
  EXPECT_EQ(BreakerOf(forced_closed), BreakerState::kClosed);

  ASSERT_TRUE(backends_.Set("shared", BreakerMode::kAutomatic).ok());
  const auto automatic = AdoptRedis(touchy + ", database: 4");
  Fail(*automatic[0]);
  EXPECT_EQ(BreakerOf(automatic), BreakerState::kOpen);
  AdoptRedis(touchy + ", database: 5");
  EXPECT_THAT(Recovered(), ElementsAre("shared", "shared")) << "nobody else will tell";
}

TEST_F(BackendsTest, TellsWhyThereIsNoBreaker) {
  Adopt("backends: {local: {type: memory}}");
  EXPECT_EQ(backends_.Set("nowhere", BreakerMode::kAutomatic).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(backends_.Set("local", BreakerMode::kAutomatic).code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace sluice
