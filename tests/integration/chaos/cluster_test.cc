// A Cluster whose slots move, and one that loses a primary.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/fakes/redis/patience.h"
#include "tests/integration/chaos/story.h"

namespace sluice {
namespace {

constexpr char kSpare[] = "{fallback: spare}";

TEST(ClusterChaosTest, SlotsMoved) {
  RedisCluster cluster;
  Story story("Cluster, slots move");
  story.Add(ReachOf(cluster), "raise");
  story.Begin();
  for (const char* who : {"wide0", "pair1", "tight2", "bucket3"}) {
    const int slot = cluster.SlotOf(absl::StrCat("{::", who, "}"));
    for (int i = 0; i < 2; ++i) {
      const int from = cluster.PrimaryOf(slot);
      cluster.MigrateSlot(slot, (from + 1) % RedisCluster::kPrimaries);
      Meanwhile(100'000);
    }
  }
  story.FaultEnds();
  story.End({});
}

TEST(ClusterChaosTest, PrimaryKilled) {
  RedisCluster cluster;
  Story story("Cluster, primary killed");
  story.Add(ReachOf(cluster), kSpare);
  story.Begin();
  const int slot = cluster.SlotOf("{::wide0}");
  const int lost = cluster.PrimaryOf(slot);
  cluster.node(lost).Kill();
  EXPECT_TRUE(WaitUntil([&] {
    const int now = cluster.PrimaryOf(slot);
    return now >= 0 && now != lost && cluster.node(now).ClusterInfo("cluster_state") == "ok";
  }));
  story.FaultEnds();
  story.End({.losses = 1});
}

}  // namespace
}  // namespace sluice
