#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fakes/redis/patience.h"
#include "tests/fakes/redis/redis_cluster.h"
#include "tests/fakes/redis/redis_sentinel.h"

namespace sluice {
namespace {

using ::testing::StartsWith;

// One for all tests: each leaves it well.
class RedisClusterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const int64_t began = SteadyUs();
    cluster_ = new RedisCluster;
    start_us_ = SteadyUs() - began;
  }
  static void TearDownTestSuite() { delete cluster_; }

  RedisServer& node(int i) { return cluster_->node(i); }

  static RedisCluster* cluster_;
  static int64_t start_us_;
};
RedisCluster* RedisClusterTest::cluster_ = nullptr;
int64_t RedisClusterTest::start_us_ = 0;

TEST_F(RedisClusterTest, StartsWithinFourSeconds) {
  RecordProperty("start_us", std::to_string(start_us_));
  EXPECT_LT(start_us_, 4'000'000);
  EXPECT_EQ(cluster_->endpoints().size(), 6u);
}

TEST_F(RedisClusterTest, SharesTheSlots) {
  EXPECT_EQ(cluster_->PrimaryOf(0), 0);
  EXPECT_EQ(cluster_->PrimaryOf(5460), 0);
  EXPECT_EQ(cluster_->PrimaryOf(5461), 1);
  EXPECT_EQ(cluster_->PrimaryOf(16383), 2);
  const int slot = cluster_->SlotOf("{a}:b");
  EXPECT_EQ(slot, cluster_->SlotOf("a"));
  EXPECT_EQ(node(cluster_->PrimaryOf(slot)).Cli({"SET", "{a}:b", "x"}), "OK");
  for (int i = 0; i < RedisCluster::kNodes; ++i) {
    if (i == cluster_->PrimaryOf(slot)) continue;
    EXPECT_THAT(node(i).Cli({"GET", "{a}:b"}), StartsWith(absl::StrCat("MOVED ", slot, " ")));
  }
}

TEST_F(RedisClusterTest, MovesASlotWithItsKeys) {
  const int slot = cluster_->SlotOf("{moved}1");
  const int from = cluster_->PrimaryOf(slot);
  const int to = (from + 1) % RedisCluster::kPrimaries;
  for (const char* key : {"{moved}1", "{moved}2", "{moved}3"}) node(from).Cli({"SET", key, "x"});
  cluster_->MigrateSlot(slot, to);
  EXPECT_EQ(cluster_->PrimaryOf(slot), to);
  EXPECT_EQ(node(to).Cli({"MGET", "{moved}1", "{moved}2", "{moved}3"}), "x\nx\nx");
  EXPECT_THAT(node(from).Cli({"GET", "{moved}1"}), StartsWith("MOVED"));
}

TEST_F(RedisClusterTest, StopsHalfWayThroughAMigration) {
  const int slot = cluster_->SlotOf("{half}1");
  const int from = cluster_->PrimaryOf(slot);
  const int to = (from + 1) % RedisCluster::kPrimaries;
  node(from).Cli({"MSET", "{half}1", "x", "{half}2", "y"});
  cluster_->BeginMigration(slot, to);
  EXPECT_EQ(node(from).Cli({"GET", "{half}1"}), "x");
  EXPECT_EQ(node(from).Cli({"GET", "{half}none"}),
            absl::StrCat("ASK ", slot, " ", node(to).endpoint()));
  cluster_->MoveKey("{half}1", to);
  EXPECT_THAT(node(from).Cli({"MGET", "{half}1", "{half}2"}), StartsWith("TRYAGAIN"));
  EXPECT_EQ(cluster_->PrimaryOf(slot), from);
  cluster_->FinishMigration(slot, to);
  EXPECT_EQ(node(to).Cli({"MGET", "{half}1", "{half}2"}), "x\ny");
}

TEST_F(RedisClusterTest, ReplacesALostPrimary) {
  ASSERT_EQ(cluster_->PrimaryOf(0), 0);
  node(0).Kill();
  EXPECT_TRUE(WaitUntil([&] { return cluster_->PrimaryOf(0) == 3; }, 5'000'000));
  EXPECT_TRUE(cluster_->WaitUntilOk());
  node(0).Restart();
  EXPECT_TRUE(WaitUntil([&] { return node(0).Info("role") == "slave"; }));
  EXPECT_EQ(cluster_->PrimaryOf(0), 3);
  EXPECT_TRUE(cluster_->WaitUntilOk());
}

TEST(RedisSentinelTest, FollowsThePrimary) {
  const int64_t began = SteadyUs();
  RedisSentinel group;
  EXPECT_LT(SteadyUs() - began, 5'000'000);
  EXPECT_EQ(group.Primary(), 0);
  EXPECT_EQ(group.server(0).Cli({"SET", "a", "x"}), "OK");
  EXPECT_THAT(group.server(1).Cli({"SET", "a", "y"}), StartsWith("READONLY"));

  group.Failover();
  EXPECT_EQ(group.Primary(), 1);
  EXPECT_EQ(group.server(1).Cli({"SET", "a", "y"}), "OK");
  EXPECT_TRUE(WaitUntil([&] { return group.server(0).Info("master_link_status") == "up"; }));

  // One Sentinel less is still enough to see that a server is lost.
  group.sentinel(0).Kill();
  group.server(1).Kill();
  EXPECT_TRUE(WaitUntil([&] { return group.Primary() == 0; }, 15'000'000));
  EXPECT_TRUE(WaitUntil([&] { return group.server(0).Info("role") == "master"; }));
}

}  // namespace
}  // namespace sluice
