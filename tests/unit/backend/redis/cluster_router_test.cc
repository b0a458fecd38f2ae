#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_redis.h"
#include "tests/unit/backend/redis/router_fixture.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;

using Words = std::vector<std::string>;
using Reply = absl::optional<std::string>;

constexpr uint16_t kLow = 5;
constexpr uint16_t kHigh = 16000;

std::string Range(int first, int last, const FakeRedis& node) {
  return Array({absl::StrCat(":", first, "\r\n"), absl::StrCat(":", last, "\r\n"),
                Array({Bulk("127.0.0.1"), absl::StrCat(":", node.endpoint().port, "\r\n")})});
}
std::string Redirect(absl::string_view code, int slot, const FakeRedis& to) {
  return absl::StrCat("-", code, " ", slot, " 127.0.0.1:", to.endpoint().port, "\r\n");
}

// Two nodes of half of the slots each.
class ClusterRouterTest : public RouterFixture {
 protected:
  ClusterRouterTest() {
    options_.mode = RedisOptions::Mode::kCluster;
    options_.addresses = {low_.endpoint()};
    map_ = Array({Range(0, 8191, low_), Range(8192, 16383, high_)});
    Handle(low_, nullptr);
    Handle(high_, nullptr);
  }
  // The routers' connections end before what the nodes answer with.
  ~ClusterRouterTest() override { End(); }

  void SetMap(std::string map) {
    MutexLock lock(mutex_);
    map_ = std::move(map);
  }
  void Handle(FakeRedis& node, FakeRedis::Handler handler) {
    node.Handle([this, handler = std::move(handler)](const Words& words) -> Reply {
      if (words[0] == "CLUSTER") {
        MutexLock lock(mutex_);
        return map_;
      }
      return handler ? handler(words) : absl::nullopt;
    });
  }
  int64_t Refreshes() { return low_.Count("CLUSTER SLOTS") + high_.Count("CLUSTER SLOTS"); }

  Mutex mutex_;
  std::string map_ ABSL_GUARDED_BY(mutex_);
  FakeRedis low_;
  FakeRedis high_;
};

TEST_F(ClusterRouterTest, BringsEachCommandToItsSlotsPrimary) {
  scripts_ = {"one"};
  Start();
  ASSERT_TRUE(BecomesUp());
  EXPECT_EQ(Ask("ECHO a", 10'000, kLow).Wait(), "a");
  EXPECT_EQ(Ask("ECHO b", 10'000, kHigh).Wait(), "b");
  EXPECT_THAT(low_.commands(), ElementsAre("SCRIPT LOAD one", "CLUSTER SLOTS", "ECHO a"));
  EXPECT_THAT(high_.commands(), ElementsAre("SCRIPT LOAD one", "ECHO b"));
  EXPECT_THAT(Primaries(), ElementsAre(low_.endpoint(), high_.endpoint()));
  EXPECT_EQ(AskAt(high_.endpoint(), "ECHO c").Wait(), "c");
  EXPECT_EQ(high_.Count("ECHO c"), 1);
  EXPECT_EQ(counts_.commands, 3);
}

TEST_F(ClusterRouterTest, WhatComesBeforeTheMapWaitsAndIsRedirected) {
  Handle(low_, [&](const Words& words) -> Reply {
    if (words[0] == "ECHO") return Redirect("MOVED", kHigh, high_);
    return absl::nullopt;
  });
  Start();
  EXPECT_EQ(Ask("ECHO a", 10'000, kHigh).Wait(), "a");
  EXPECT_EQ(high_.Count("ECHO a"), 1);
}

TEST_F(ClusterRouterTest, AMoveIsFollowedRememberedAndAsksForTheMap) {
  Start();
  ASSERT_TRUE(BecomesUp());
  Handle(low_, [&](const Words& words) -> Reply {
    if (words[0] == "ECHO") return Redirect("MOVED", kLow, high_);
    return absl::nullopt;
  });
  SetMap(Array({Range(0, 16383, high_)}));
  EXPECT_EQ(Ask("ECHO a", 10'000, kLow).Wait(), "a");
  EXPECT_EQ(Ask("ECHO b", 10'000, kLow).Wait(), "b");
  EXPECT_EQ(low_.Count("ECHO b"), 0);
  EXPECT_TRUE(Becomes([&] { return Primaries() == std::vector<Endpoint>{high_.endpoint()}; }));
  EXPECT_EQ(Refreshes(), 2);
  EXPECT_TRUE(ProvesNotRun(AskAt(low_.endpoint(), "ECHO c").status()));
}

TEST_F(ClusterRouterTest, MovesInACircleEnd) {
  Handle(low_, [&](const Words& words) -> Reply {
    if (words[0] == "ECHO") return Redirect("MOVED", kLow, high_);
    return absl::nullopt;
  });
  Handle(high_, [&](const Words& words) -> Reply {
    if (words[0] == "ECHO") return Redirect("MOVED", kLow, low_);
    return absl::nullopt;
  });
  Start();
  ASSERT_TRUE(BecomesUp());
  const Asked asked = Ask("ECHO a", 10'000, kLow);
  EXPECT_TRUE(absl::IsUnavailable(asked.status()));
  EXPECT_TRUE(ProvesNotRun(asked.status()));
  EXPECT_EQ(low_.Count("ECHO a") + high_.Count("ECHO a"), 6);
  EXPECT_EQ(errors(kRefusedError), 1);
}

TEST_F(ClusterRouterTest, AnAskIsFollowedOnceAndNotRemembered) {
  Handle(low_, [&](const Words& words) -> Reply {
    if (words == Words{"ECHO", "gone"}) return Redirect("ASK", kLow, high_);
    return absl::nullopt;
  });
  Start();
  ASSERT_TRUE(BecomesUp());
  EXPECT_EQ(Ask("ECHO gone", 10'000, kLow).Wait(), "gone");
  EXPECT_EQ(Ask("ECHO here", 10'000, kLow).Wait(), "here");
  EXPECT_THAT(high_.commands(), ElementsAre("ASKING", "ECHO gone"));
  EXPECT_EQ(low_.Count("ECHO here"), 1);
  EXPECT_EQ(Refreshes(), 1);
}

TEST_F(ClusterRouterTest, APrimaryThatIsLostIsReplacedByTheOneThatTookOver) {
  FakeRedis replica;
  Handle(replica, nullptr);
  Start();
  ASSERT_TRUE(BecomesUp());
  high_.Refuse();
  high_.Cut();
  EXPECT_TRUE(Becomes([&] { return counts_.up == 0; }));
  SetMap(Array({Range(0, 8191, low_), Range(8192, 16383, replica)}));
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(Ask("ECHO a", 10'000, kHigh).Wait(), "a");
  EXPECT_EQ(replica.Count("ECHO a"), 1);
  RunOn(*loop_, [&] { router_.reset(); });
}

TEST_F(ClusterRouterTest, TheMapIsAskedForAtMostTenTimesASecond) {
  Handle(low_, [&](const Words& words) -> Reply {
    if (words[0] == "ECHO") return "-CLUSTERDOWN The cluster is down\r\n";
    return absl::nullopt;
  });
  Start();
  ASSERT_TRUE(BecomesUp());
  const int64_t before = Refreshes();
  const int64_t end_ms = NowMs() + 1000;
  while (NowMs() < end_ms) {
    EXPECT_TRUE(ProvesNotRun(Ask("ECHO a", 10'000, kLow).status()));
  }
  EXPECT_EQ(counts_.up, 0);
  EXPECT_THAT(Refreshes() - before, AllOf(Ge(3), Le(11)));
  EXPECT_TRUE(BecomesUp());
}

TEST_F(ClusterRouterTest, TryAgainIsNotFollowed) {
  Handle(low_, [&](const Words& words) -> Reply {
    if (words[0] == "ECHO") return "-TRYAGAIN Multiple keys request during rehashing\r\n";
    return absl::nullopt;
  });
  Start();
  ASSERT_TRUE(BecomesUp());
  EXPECT_TRUE(ProvesNotRun(Ask("ECHO a", 10'000, kLow).status()));
  EXPECT_EQ(low_.Count("ECHO a"), 1);
}

TEST_F(ClusterRouterTest, AMapWithAHoleIsNotUp) {
  SetMap(Array({Range(0, 8191, low_)}));
  Start();
  EXPECT_EQ(Ask("ECHO a", 10'000, kLow).Wait(), "a");
  Pause(50);
  EXPECT_EQ(counts_.up, 0);
  EXPECT_THAT(Troubles(), Contains("the redis cluster has slots that no node serves"));
  SetMap(Array({Range(0, 8191, low_), Range(8192, 16383, high_)}));
  EXPECT_TRUE(BecomesUp());
}

TEST_F(ClusterRouterTest, TellsThatANodeIsInNoCluster) {
  SetMap("-ERR This instance has cluster support disabled\r\n");
  Start();
  const auto told = [this](const std::string& what) {
    return Becomes([&] { return ::testing::Value(Troubles(), Contains(HasSubstr(what))); });
  };
  EXPECT_TRUE(told("cluster support disabled"));
  SetMap(Array({}));
  EXPECT_TRUE(told("knows no primaries of a cluster"));
}

TEST_F(ClusterRouterTest, WhileNobodyAnswersCallsFailAtOnce) {
  low_.Refuse();
  Start();
  EXPECT_TRUE(ProvesNotRun(Ask("ECHO a").status()));
  EXPECT_THAT(Ask("ECHO b").Wait(), HasSubstr("not connected"));
  EXPECT_THAT(Primaries(), IsEmpty());
  low_.Listen();
  EXPECT_TRUE(BecomesUp());
}

}  // namespace
}  // namespace sluice
