#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_redis.h"
#include "tests/unit/backend/redis/router_fixture.h"

namespace sluice {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Words = std::vector<std::string>;

class SentinelRouterTest : public RouterFixture {
 protected:
  SentinelRouterTest() {
    options_.mode = RedisOptions::Mode::kSentinel;
    options_.sentinel_master = "main";
  }

  static FakeRedis::Handler Tells(const FakeRedis& master) {
    return [port = master.endpoint().port](const Words& words) -> absl::optional<std::string> {
      if (words[0] != "SENTINEL") return absl::nullopt;
      return Array({Bulk("127.0.0.1"), Bulk(absl::StrCat(port))});
    };
  }
  static std::string Switch(const std::string& name, const FakeRedis& to) {
    return Array({Bulk("message"), Bulk("+switch-master"),
                  Bulk(absl::StrCat(name, " 127.0.0.1 1 127.0.0.1 ", to.endpoint().port))});
  }
  static absl::optional<std::string> Replica(const Words& words) {
    if (words[0] == "ROLE") return Array({Bulk("slave")});
    return absl::nullopt;
  }
};

TEST_F(SentinelRouterTest, FindsTheMasterAndLogsInToBoth) {
  FakeRedis master;
  FakeRedis sentinel(Tells(master));
  options_.addresses = {sentinel.endpoint()};
  options_.login.password = "counters";
  options_.sentinel_login.password = "watch";
  scripts_ = {"one"};
  Start();
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
  EXPECT_EQ(counts_.up, 1);
  EXPECT_EQ(counts_.commands, 1);
  EXPECT_THAT(Primaries(), ElementsAre(master.endpoint()));
  EXPECT_EQ(AskAt(master.endpoint(), "ECHO b").Wait(), "b");
  EXPECT_TRUE(ProvesNotRun(AskAt(sentinel.endpoint(), "ECHO b").status()));
  EXPECT_THAT(master.commands(),
              ElementsAre("AUTH counters", "SCRIPT LOAD one", "ROLE", "ECHO a", "ECHO b"));
  EXPECT_TRUE(Becomes([&] { return sentinel.Count("SUBSCRIBE +switch-master") == 1; }));
  EXPECT_EQ(sentinel.Count("AUTH watch"), 2);
}

TEST_F(SentinelRouterTest, GoesOnToTheSentinelThatKnows) {
  FakeRedis master;
  FakeRedis dead;
  dead.Refuse();
  FakeRedis ignorant([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "SENTINEL") return "*-1\r\n";
    return absl::nullopt;
  });
  FakeRedis broken([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "SENTINEL") return "-ERR unknown command\r\n";
    return absl::nullopt;
  });
  FakeRedis sentinel(Tells(master));
  options_.addresses = {dead.endpoint(), ignorant.endpoint(), broken.endpoint(),
                        sentinel.endpoint()};
  Start();
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
}

TEST_F(SentinelRouterTest, WhenNoneAnswersCallsFailAtOnce) {
  FakeRedis dead;
  dead.Refuse();
  options_.addresses = {dead.endpoint()};
  Start();
  const Asked asked = Ask("ECHO a");
  EXPECT_THAT(asked.Wait(), HasSubstr("no sentinel tells where the master 'main' is"));
  EXPECT_TRUE(ProvesNotRun(asked.status()));
  EXPECT_THAT(Primaries(), IsEmpty());
}

TEST_F(SentinelRouterTest, WhenNoneKnowsCallsFailAtOnce) {
  const auto knows_none = [](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "SENTINEL") return "*-1\r\n";
    return absl::nullopt;
  };
  FakeRedis one(knows_none);
  FakeRedis other(knows_none);
  options_.addresses = {one.endpoint(), other.endpoint()};
  Start();
  EXPECT_THAT(Ask("ECHO a").Wait(), HasSubstr("no sentinel tells where the master 'main' is"));
  EXPECT_THAT(Troubles(), Contains(HasSubstr("no sentinel tells where")));
}

TEST_F(SentinelRouterTest, AReplicaIsNotUsedAndTheSentinelAskedAgain) {
  FakeRedis master;
  FakeRedis old(Replica);
  FakeRedis sentinel(Tells(old));
  options_.addresses = {sentinel.endpoint()};
  Start();
  EXPECT_THAT(Ask("ECHO a").Wait(), HasSubstr("is no primary"));
  EXPECT_EQ(old.Count("ECHO a"), 0);
  sentinel.Handle(Tells(master));
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(Ask("ECHO b").Wait(), "b");
  EXPECT_EQ(master.Count("ECHO b"), 1);
}

TEST_F(SentinelRouterTest, FollowsASwitchAtOnce) {
  FakeRedis first([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "WAIT") return "";
    return absl::nullopt;
  });
  FakeRedis second;
  FakeRedis sentinel(Tells(first));
  options_.addresses = {sentinel.endpoint()};
  Start();
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
  const Asked waits = Ask("WAIT");
  ASSERT_TRUE(Becomes(
      [&] { return first.Count("WAIT") == 1 && sentinel.Count("SUBSCRIBE +switch-master") == 1; }));
  Pause(150);  // the poll after the subscription
  sentinel.Handle(Tells(second));
  const int64_t before_ms = NowMs();
  sentinel.Say(Switch("other", first));
  sentinel.Say(Switch("main", second));
  EXPECT_TRUE(absl::IsUnavailable(waits.status()));
  EXPECT_FALSE(ProvesNotRun(waits.status()));
  EXPECT_EQ(Ask("ECHO b").Wait(), "b");
  EXPECT_LT(NowMs() - before_ms, 900);
  EXPECT_EQ(second.Count("ECHO b"), 1);
  EXPECT_THAT(Primaries(), ElementsAre(second.endpoint()));
}

TEST_F(SentinelRouterTest, AMasterThatIsReadOnlyIsLookedForAgain) {
  FakeRedis first;
  FakeRedis second;
  FakeRedis sentinel(Tells(first));
  options_.addresses = {sentinel.endpoint()};
  Start();
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
  first.Handle([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "WRITE") return "-READONLY You can't write against a read only replica.\r\n";
    return Replica(words);
  });
  sentinel.Handle(Tells(second));
  EXPECT_TRUE(ProvesNotRun(Ask("WRITE").status()));
  EXPECT_TRUE(Becomes([&] { return second.Count("ROLE") == 1; }));
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(Ask("ECHO b").Wait(), "b");
  EXPECT_EQ(second.Count("ECHO b"), 1);
}

}  // namespace
}  // namespace sluice
