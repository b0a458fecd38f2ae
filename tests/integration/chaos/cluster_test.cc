// A Cluster whose slots move, and one that loses a primary.
#include <gtest/gtest.h>

#include <string>

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
  for (const char* who : {"wide0", "tight2", "bucket3"}) {
    const int slot = cluster.SlotOf(absl::StrCat("{::", who, "}"));
    for (int i = 0; i < 2; ++i) {
      const int to = (cluster.PrimaryOf(slot) + 1) % RedisCluster::kPrimaries;
      cluster.BeginMigration(slot, to);
      Meanwhile(100'000);
      cluster.FinishMigration(slot, to);
    }
  }
  story.FaultEnds();
  story.End({});
}

// Of a decision's two keys one has moved for a while: neither owner can decide it.
TEST(ClusterChaosTest, PairTornByAMove) {
  RedisCluster cluster;
  Story story("Cluster, a pair is torn");
  story.Add(ReachOf(cluster), "raise");
  story.Begin();
  const int slot = cluster.SlotOf("{::pair1}");
  const int from = cluster.PrimaryOf(slot);
  const int to = (from + 1) % RedisCluster::kPrimaries;
  const std::string key =
      cluster.node(from).Cli({"CLUSTER", "GETKEYSINSLOT", absl::StrCat(slot), "1"});
  const int64_t from_us = SteadyUs();
  cluster.BeginMigration(slot, to);
  cluster.MoveKey(key, to);
  Meanwhile(500'000);
  const int64_t to_us = SteadyUs();
  cluster.FinishMigration(slot, to);
  story.FaultEnds();
  story.End({});
  EXPECT_GT(story.Count("pair", Seen::By::kNobody, from_us, to_us), 0);
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
