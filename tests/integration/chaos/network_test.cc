// What becomes of the way to a server that is well.
#include <gtest/gtest.h>

#include "tests/fakes/redis/patience.h"
#include "tests/integration/chaos/story.h"

namespace sluice {
namespace {

using By = Seen::By;

constexpr char kSpare[] = "{fallback: spare}";

class NetworkChaosTest : public testing::Test {
 protected:
  RedisServer server_;
  TcpProxy proxy_{"127.0.0.1", server_.port()};
};

TEST_F(NetworkChaosTest, Slow) {
  Story story("slow by 200 ms");
  story.Add(ReachOf(proxy_), kSpare);
  story.Begin();
  proxy_.SetDelay(200'000);
  Meanwhile(2'000'000);
  proxy_.SetDelay(0);
  story.FaultEnds();
  story.End({});
}

TEST_F(NetworkChaosTest, HalfOpen) {
  Story story("blackhole");
  story.Add(ReachOf(proxy_), kSpare);
  story.Begin();
  proxy_.Blackhole(true);
  Meanwhile(2'000'000);
  proxy_.Blackhole(false);
  story.FaultEnds();
  story.End({});
}

TEST_F(NetworkChaosTest, CutAllTheTime) {
  Story story("cut each 100 ms");
  story.Add(ReachOf(proxy_), kSpare);
  story.Begin();
  const int64_t from_us = SteadyUs();
  proxy_.CutEvery(100'000);
  Meanwhile(3'000'000);
  proxy_.CutEvery(0);
  const int64_t to_us = SteadyUs();
  story.FaultEnds();
  story.End({});
  EXPECT_GT(story.Count("", By::kRedis, from_us, to_us), 0);
}

TEST_F(NetworkChaosTest, RepliesLost) {
  Story story("replies lost for 3 s");
  story.Add(ReachOf(proxy_), "throttle");
  story.Add(ReachOf(server_), "throttle");
  story.Begin();
  proxy_.DropReplies(true);
  Meanwhile(3'000'000);
  proxy_.DropReplies(false);
  story.FaultEnds();
  story.End({});
}

// Cut before the deadline, there is time enough to ask again; only that what was asked may have run
// stands against it.
TEST_F(NetworkChaosTest, RepliesLostAndThenCut) {
  Story story("replies lost, then cut");
  story.Add(ReachOf(proxy_), "throttle");
  story.Begin();
  const int64_t from_us = SteadyUs();
  for (int i = 0; i < 15; ++i) {
    proxy_.DropReplies(true);
    Meanwhile(6'000);
    proxy_.Cut();
    proxy_.DropReplies(false);
    Meanwhile(150'000);
  }
  const int64_t to_us = SteadyUs();
  story.FaultEnds();
  story.End({});
  EXPECT_GT(story.Count("wide", By::kOnError, from_us, to_us), 0);
  EXPECT_GT(story.Count("wide", By::kRedis, from_us, to_us), 0);
}

TEST_F(NetworkChaosTest, Refused) {
  Story story("refused");
  story.Add(ReachOf(proxy_), "raise");
  story.Begin();
  proxy_.Refuse(true);
  proxy_.Cut();
  Meanwhile(2'000'000);
  proxy_.Refuse(false);
  story.FaultEnds();
  story.End({});
}

}  // namespace
}  // namespace sluice
