// A policy that is swapped while calls are under way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "limiter/limiter.h"
#include "tests/fakes/borrowed.h"
#include "tests/fakes/late_backend.h"
#include "tests/unit/limiter/limiter_fixture.h"

namespace sluice {
namespace {

class PublishTest : public LimiterTest {
 protected:
  void Publish(absl::string_view rate, uint64_t generation, bool shadow = false) {
    const auto policy = PolicyOf(absl::StrCat("throttles: [{uid: plain, rate: ", rate,
                                              ", shadow: ", shadow ? "true" : "false", "}]"),
                                 generation);
    limiter_.Publish(policy, {Borrowed(late_)});
  }

  LateBackend late_{NewMemoryBackend({})};
};

TEST_F(PublishTest, ACallFinishesOnThePolicyThatItStartedWith) {
  Publish("1/min", 1);
  Hit({"plain"});
  late_.Hold();
  auto pending = Prepare(Verb::kHit, {"plain"});
  limiter_.Decide(*pending);
  Publish("1/min", 2, /*shadow=*/true);
  auto after = Prepare(Verb::kHit, {"plain"});
  limiter_.Decide(*after);
  EXPECT_EQ(pending->times_finished(), 0);
  late_.Release();

  EXPECT_TRUE(pending->Wait().ok());
  EXPECT_EQ(pending->policy().generation, 1U);
  EXPECT_FALSE(pending->allowed());
  EXPECT_TRUE(after->Wait().ok());
  EXPECT_EQ(after->policy().generation, 2U);
  EXPECT_EQ(after->lines()[0].outcome, Outcome::kShadowDenied);
}

TEST_F(PublishTest, CountersOutliveTheSwapOfALimit) {
  Publish("10/min", 1);
  for (int i = 0; i < 4; ++i) Hit({"plain"});
  Publish("5/min", 2);
  EXPECT_EQ(Remaining("plain"), 1);
  Publish("3/min", 3);
  EXPECT_FALSE(Hit({"plain"})->allowed());
  // Another period is another counter.
  Publish("3/hour", 4);
  EXPECT_EQ(Remaining("plain"), 3);
}

TEST_F(PublishTest, ManyThreadsGetExactlyTheLimitWhilePoliciesAreSwapped) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 200;
  constexpr int kLimit = 500;
  Publish("500/hour", 1);
  std::atomic<int> allowed = 0;
  std::atomic<int> deciding = kThreads;
  std::vector<std::thread> callers;
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < kCalls; ++i) {
        if (Hit({"plain"})->allowed()) ++allowed;
      }
      --deciding;
    });
  }
  for (uint64_t generation = 2; deciding > 0; ++generation) Publish("500/hour", generation);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(allowed, kLimit);
  EXPECT_EQ(observer_.allowed(), kLimit);
  EXPECT_EQ(observer_.told(), kThreads * kCalls);
}

}  // namespace
}  // namespace sluice
