// Routers and real servers.
#include "absl/strings/str_cat.h"
#include "tests/fakes/redis/redis_cluster.h"
#include "tests/fakes/redis/redis_sentinel.h"
#include "tests/fakes/redis/redis_server.h"
#include "tests/unit/backend/redis/router_fixture.h"

namespace sluice {
namespace {

using ::testing::SizeIs;

class RealRedisTest : public RouterFixture {
 protected:
  void Connect(RedisOptions::Mode mode, const std::vector<std::string>& addresses) {
    options_.mode = mode;
    options_.addresses.clear();
    options_.addresses.reserve(addresses.size());
    for (const std::string& address : addresses) {
      options_.addresses.push_back(*Endpoint::Parse(address));
    }
    Start();
  }
  std::string AskKey(const std::string& word, const std::string& key,
                     const std::string& rest = "") {
    return Ask(absl::StrCat(word, " ", key, rest), 10'000, SlotOf(key)).Wait();
  }
};

TEST_F(RealRedisTest, ASingleNodeIsKilledStoppedAndComesBack) {
  RedisServer redis;
  Connect(RedisOptions::Mode::kSingle, {redis.endpoint()});
  EXPECT_EQ(AskKey("INCR", "a"), ":1");
  redis.Kill();
  EXPECT_TRUE(Becomes([&] { return absl::IsUnavailable(Ask("GET a", 100).status()); }));
  redis.Restart();
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(AskKey("INCR", "a"), ":1");
  redis.Stop();
  const Asked late = Ask("INCR a", 50);
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status()));
  EXPECT_FALSE(ProvesNotRun(late.status()));
  redis.Resume();
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(AskKey("ECHO", "next"), "next");
}

TEST_F(RealRedisTest, FlushedScriptsAreLoadedAgain) {
  RedisServer redis;
  scripts_ = {"return#ARGV"};
  Connect(RedisOptions::Mode::kSingle, {redis.endpoint()});
  ASSERT_TRUE(BecomesUp());
  const std::string sha = redis.Cli({"SCRIPT", "LOAD", scripts_[0]});
  redis.Cli({"SCRIPT", "FLUSH"});
  EXPECT_EQ(Ask(absl::StrCat("EVALSHA ", sha, " 0 x y")).Wait(), ":2");
}

TEST_F(RealRedisTest, FollowsSlotsAndTheFailoverOfACluster) {
  RedisCluster cluster;
  Connect(RedisOptions::Mode::kCluster, cluster.endpoints());
  ASSERT_TRUE(BecomesUp());
  EXPECT_THAT(Primaries(), SizeIs(3));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(AskKey("INCR", absl::StrCat("key", i)), ":1");

  const int slot = SlotOf("key7");
  const int from = cluster.PrimaryOf(slot);
  const int to = (from + 1) % RedisCluster::kPrimaries;
  cluster.BeginMigration(slot, to);
  EXPECT_EQ(AskKey("INCR", "key7"), ":2");
  cluster.MoveKey("key7", to);
  EXPECT_EQ(AskKey("INCR", "key7"), ":3");
  cluster.FinishMigration(slot, to);
  EXPECT_EQ(AskKey("INCR", "key7"), ":4");
  EXPECT_EQ(errors(kRefusedError) + errors(kReplyError), 0);

  cluster.node(to).Kill();
  EXPECT_TRUE(Becomes([&] { return counts_.up == 0; }));
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(Ask("INCR key7", 10'000, SlotOf("key7")).Wait().substr(0, 1), ":");
}

TEST_F(RealRedisTest, FollowsTheFailoverOfSentinels) {
  RedisSentinel sentinel;
  options_.sentinel_master = RedisSentinel::kMaster;
  Connect(RedisOptions::Mode::kSentinel, sentinel.sentinel_endpoints());
  ASSERT_TRUE(BecomesUp());
  EXPECT_EQ(AskKey("INCR", "a"), ":1");
  const std::vector<Endpoint> before = Primaries();
  sentinel.server(0).Kill();
  EXPECT_TRUE(Becomes([&] { return counts_.up == 1 && Primaries() != before; }));
  EXPECT_TRUE(Becomes([&] { return Ask("INCR a").status().ok(); }));
  EXPECT_EQ(Primaries()[0].ToString(), sentinel.server(1).endpoint());
}

}  // namespace
}  // namespace sluice
