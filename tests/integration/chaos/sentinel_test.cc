// Failovers by Sentinels. A replica may lack what was not sent to it yet, so that each may be a
// loss.
#include <gtest/gtest.h>

#include "tests/fakes/redis/patience.h"
#include "tests/integration/chaos/story.h"

namespace sluice {
namespace {

constexpr char kSpare[] = "{fallback: spare}";

TEST(SentinelChaosTest, FailoverCommanded) {
  RedisSentinel sentinel;
  Story story("Sentinel, commanded");
  story.Add(ReachOf(sentinel), kSpare);
  story.Begin();
  sentinel.Failover();
  story.FaultEnds();
  story.End({.losses = 1});
}

TEST(SentinelChaosTest, PrimaryKilled) {
  RedisSentinel sentinel;
  Story story("Sentinel, primary killed");
  story.Add(ReachOf(sentinel), kSpare);
  story.Add(ReachOf(sentinel), "throttle");
  story.Begin();
  sentinel.server(0).Kill();
  EXPECT_TRUE(WaitUntil(
      [&] { return sentinel.Primary() == 1 && sentinel.server(1).Info("role") == "master"; }));
  story.FaultEnds();
  story.End({.losses = 1});
}

}  // namespace
}  // namespace sluice
