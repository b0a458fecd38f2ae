#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_redis.h"
#include "tests/fakes/temp_folder.h"
#include "tests/unit/backend/redis/router_fixture.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;

using Words = std::vector<std::string>;

class SingleRouterTest : public RouterFixture {
 protected:
  void StartWith(FakeRedis& redis) {
    options_.addresses = {redis.endpoint()};
    Start();
  }
};

TEST_F(SingleRouterTest, RepliesComeInTheOrderOfCommands) {
  FakeRedis redis;
  StartWith(redis);
  Words commands;
  for (int i = 0; i < 200; ++i) commands.push_back(absl::StrCat("ECHO ", i));
  const std::vector<Asked> asked = AskAll(commands);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(asked[i].Wait(), absl::StrCat(i));
    EXPECT_EQ(asked[i].rank(), i);
  }
  EXPECT_EQ(counts_.commands, 200);
  EXPECT_EQ(redis.accepted(), 1);
}

TEST_F(SingleRouterTest, SendsTheNextBeforeTheAnswer) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "FIRST") return "";
    if (words[0] == "SECOND") return ":1\r\n:2\r\n";
    return absl::nullopt;
  });
  StartWith(redis);
  const std::vector<Asked> asked = AskAll({"FIRST", "SECOND"});
  EXPECT_EQ(asked[0].Wait(), ":1");
  EXPECT_EQ(asked[1].Wait(), ":2");
}

TEST_F(SingleRouterTest, WithoutPipelineItSendsOneAtATime) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "FIRST") return "";
    return absl::nullopt;
  });
  options_.pipeline = false;
  StartWith(redis);
  const std::vector<Asked> asked = AskAll({"FIRST", "ECHO second", "ECHO third"});
  ASSERT_TRUE(Becomes([&] { return redis.Count("FIRST") == 1; }));
  Pause(30);
  EXPECT_EQ(redis.Count("ECHO second"), 0);
  redis.Say(":1\r\n");
  EXPECT_EQ(asked[0].Wait(), ":1");
  EXPECT_EQ(asked[1].Wait(), "second");
  EXPECT_EQ(asked[2].Wait(), "third");
}

TEST_F(SingleRouterTest, WithoutPipelineWhatWasNotSentByItsDeadlineIsProvedNotRun) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "FIRST") return "";
    return absl::nullopt;
  });
  options_.pipeline = false;
  StartWith(redis);
  const Asked first = Ask("FIRST");
  ASSERT_TRUE(Becomes([&] { return redis.Count("FIRST") == 1; }));
  const Asked second = Ask("ECHO second", 30);
  const Asked third = Ask("ECHO third");
  EXPECT_TRUE(absl::IsDeadlineExceeded(second.status()));
  EXPECT_TRUE(ProvesNotRun(second.status()));
  EXPECT_FALSE(first.done());
  redis.Say(":1\r\n");
  EXPECT_EQ(first.Wait(), ":1");
  EXPECT_EQ(third.Wait(), "third");
  EXPECT_EQ(redis.Count("ECHO second"), 0);
  EXPECT_EQ(redis.accepted(), 1);
}

TEST_F(SingleRouterTest, ALateCallCostsTheConnectionAndItsReplyReachesNobody) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "SLOW" || words[0] == "BEHIND") return "";
    return absl::nullopt;
  });
  StartWith(redis);
  ASSERT_TRUE(BecomesUp());
  const int64_t before_ms = NowMs();
  const Asked slow = Ask("SLOW", 50);
  const Asked behind = Ask("BEHIND");
  EXPECT_TRUE(absl::IsDeadlineExceeded(slow.status()));
  EXPECT_FALSE(ProvesNotRun(slow.status()));
  EXPECT_THAT(NowMs() - before_ms, AllOf(Ge(50), Le(1000)));
  EXPECT_TRUE(absl::IsUnavailable(behind.status()));
  EXPECT_FALSE(ProvesNotRun(behind.status()));
  const Asked next = Ask("ECHO next");
  EXPECT_EQ(next.Wait(), "next");
  EXPECT_EQ(redis.accepted(), 2);
  EXPECT_EQ(errors(kTimeoutError), 1);
  EXPECT_EQ(errors(kCutError), 1);
}

TEST_F(SingleRouterTest, ADeadlineThatHasPassedIsProvedNotRun) {
  FakeRedis redis;
  StartWith(redis);
  ASSERT_TRUE(BecomesUp());
  const Asked asked = Ask("ECHO a", -1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(asked.status()));
  EXPECT_TRUE(ProvesNotRun(asked.status()));
  EXPECT_EQ(redis.Count("ECHO a"), 0);
}

TEST_F(SingleRouterTest, WhatIsInFlightWhenItIsCutMayHaveRun) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "CUT") return FakeRedis::kCut;
    return absl::nullopt;
  });
  StartWith(redis);
  ASSERT_TRUE(BecomesUp());
  const Asked asked = Ask("CUT");
  EXPECT_TRUE(absl::IsUnavailable(asked.status()));
  EXPECT_FALSE(ProvesNotRun(asked.status()));
  EXPECT_EQ(errors(kCutError), 1);
  EXPECT_TRUE(BecomesUp());
}

TEST_F(SingleRouterTest, WhatComesWhileItConnectsFirstWaits) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "SELECT") Pause(100);
    return absl::nullopt;
  });
  options_.database = 3;
  StartWith(redis);
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
  EXPECT_EQ(redis.commands()[0], "SELECT 3");
}

TEST_F(SingleRouterTest, WhatWaitsForItsFirstConnectionIsProvedNotRunAtItsDeadline) {
  FakeRedis redis([](const Words&) { return std::string(); });
  options_.database = 3;
  StartWith(redis);
  const Asked asked = Ask("ECHO a", 30);
  EXPECT_TRUE(absl::IsDeadlineExceeded(asked.status()));
  EXPECT_TRUE(ProvesNotRun(asked.status()));
  EXPECT_EQ(counts_.commands, 0);
}

TEST_F(SingleRouterTest, WhileNobodyAnswersCallsFailAtOnce) {
  FakeRedis redis;
  redis.Refuse();
  StartWith(redis);
  const Asked first = Ask("ECHO a");
  EXPECT_TRUE(absl::IsUnavailable(first.status()));
  EXPECT_TRUE(ProvesNotRun(first.status()));
  for (int i = 0; i < 20; ++i) {
    RunOn(*loop_, [&] {
      Asked asked;
      router_->Send(NewCall(asked, "ECHO b", 10'000, 0));
      EXPECT_TRUE(asked.done());
      EXPECT_TRUE(ProvesNotRun(asked.status()));
    });
  }
  EXPECT_EQ(errors(kConnectError), 21);
  redis.Listen();
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(Ask("ECHO c").Wait(), "c");
}

TEST_F(SingleRouterTest, AfterItWorkedCallsWaitForItToConnectAgain) {
  FakeRedis redis;
  StartWith(redis);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Ask("ECHO a").Wait(), "a");
    redis.Cut();
    ASSERT_TRUE(Becomes([&] { return counts_.up == 0 || redis.accepted() > i + 1; }));
  }
  EXPECT_EQ(Ask("ECHO b").Wait(), "b");
}

TEST_F(SingleRouterTest, NeverConnectsMoreThanTenTimesASecond) {
  FakeRedis redis([](const Words&) { return std::string(FakeRedis::kCut); });
  options_.database = 3;
  StartWith(redis);
  Pause(2000);
  EXPECT_THAT(redis.accepted(), AllOf(Ge(4), Le(9)));  // the pauses grow
}

TEST_F(SingleRouterTest, NeverConnectsMoreThanTenTimesASecondThoughItWorks) {
  FakeRedis redis;
  StartWith(redis);
  const int64_t end_ms = NowMs() + 2000;
  while (NowMs() < end_ms) {
    redis.Cut();
    Pause(1);
  }
  EXPECT_THAT(redis.accepted(), AllOf(Ge(10), Le(21)));
}

TEST_F(SingleRouterTest, OneThatIsSilentIsLeftAfterTheConnectTimeout) {
  FakeRedis redis([](const Words&) { return std::string(); });
  options_.database = 3;
  options_.connect_timeout_us = 50'000;
  StartWith(redis);
  const Asked asked = Ask("ECHO a");
  EXPECT_THAT(asked.Wait(), HasSubstr("connect_timeout"));
  EXPECT_TRUE(ProvesNotRun(asked.status()));
}

TEST_F(SingleRouterTest, LogsInLoadsTheScriptsAndIsThenReady) {
  FakeRedis redis;
  options_.login = {"bob", "secret", ""};
  options_.database = 2;
  scripts_ = {"one", "two"};
  StartWith(redis);
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
  EXPECT_THAT(redis.commands(), ElementsAre("AUTH bob secret", "SELECT 2", "SCRIPT LOAD one",
                                            "SCRIPT LOAD two", "ECHO a"));
}

TEST_F(SingleRouterTest, ARefusedLoginSaysNoPassword) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "AUTH") {
      return "-ERR unknown command 'AUTH', with args beginning with: 'secret'\r\n";
    }
    return absl::nullopt;
  });
  options_.login.password = "secret";
  StartWith(redis);
  const Asked asked = Ask("ECHO a");
  EXPECT_THAT(asked.Wait(), AllOf(HasSubstr("refused the login: ERR"), Not(HasSubstr("secret"))));
  EXPECT_THAT(asked.Wait(), HasSubstr(Troubles().front()));
  EXPECT_TRUE(ProvesNotRun(asked.status()));
}

TEST_F(SingleRouterTest, ThePasswordFileIsReadAgainWhenRedisForgetsTheLogin) {
  const TempFolder folder;
  options_.login.password_file = folder.Write("password", "old\n");
  FakeRedis redis;
  StartWith(redis);
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
  EXPECT_EQ(redis.commands()[0], "AUTH old");
  folder.Write("password", "new\r\n");
  redis.Handle([](const Words& words) -> absl::optional<std::string> {
    if (words == Words{"AUTH", "new"}) return "+OK\r\n";
    if (words[0] == "AUTH") return "-WRONGPASS invalid\r\n";
    if (words[0] == "DECIDE") return "-NOAUTH Authentication required.\r\n";
    return absl::nullopt;
  });
  const Asked refused = Ask("DECIDE");
  EXPECT_TRUE(absl::IsUnavailable(refused.status()));
  EXPECT_TRUE(ProvesNotRun(refused.status()));
  EXPECT_EQ(Ask("ECHO b").Wait(), "b");
  EXPECT_EQ(redis.Count("AUTH new"), 1);
  EXPECT_EQ(redis.accepted(), 2);
}

TEST_F(SingleRouterTest, AnUnreadablePasswordFileIsNamed) {
  const TempFolder folder;
  FakeRedis redis;
  options_.login.password_file = folder / "nothing";
  StartWith(redis);
  EXPECT_THAT(Ask("ECHO a").Wait(), HasSubstr(options_.login.password_file));
  folder.Write("nothing", "there");
  EXPECT_TRUE(BecomesUp());
  EXPECT_EQ(redis.Count("AUTH there"), 1);
}

TEST_F(SingleRouterTest, ForgottenScriptsAreLoadedOnceAndAllAreAskedAgain) {
  std::atomic<bool> flushed{false};
  FakeRedis redis([&](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "SCRIPT") flushed = false;
    if (words[0] == "EVALSHA" && flushed) return "-NOSCRIPT No matching script.\r\n";
    if (words[0] == "EVALSHA") return Bulk(words[1]);
    return absl::nullopt;
  });
  scripts_ = {"one", "two"};
  StartWith(redis);
  ASSERT_TRUE(BecomesUp());
  flushed = true;
  const std::vector<Asked> asked = AskAll({"EVALSHA a", "EVALSHA b", "EVALSHA c"});
  EXPECT_EQ(asked[0].Wait(), "a");
  EXPECT_EQ(asked[1].Wait(), "b");
  EXPECT_EQ(asked[2].Wait(), "c");
  EXPECT_EQ(redis.Count("SCRIPT LOAD one"), 2);
  EXPECT_EQ(redis.Count("SCRIPT LOAD two"), 2);
  EXPECT_EQ(errors(kRefusedError), 0);
}

TEST_F(SingleRouterTest, AScriptThatIsForgottenAgainIsProvedNotRun) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "EVALSHA") return "-NOSCRIPT No matching script.\r\n";
    return absl::nullopt;
  });
  scripts_ = {"one"};
  StartWith(redis);
  const Asked asked = Ask("EVALSHA a");
  EXPECT_TRUE(absl::IsUnavailable(asked.status()));
  EXPECT_TRUE(ProvesNotRun(asked.status()));
  EXPECT_EQ(redis.Count("EVALSHA a"), 2);
  EXPECT_EQ(errors(kRefusedError), 1);
}

TEST_F(SingleRouterTest, ErrorRepliesTellWhetherTheCommandRan) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "FAIL") return absl::StrCat("-", words[1], " because. script: f, on x:1.\r\n");
    return absl::nullopt;
  });
  StartWith(redis);
  const Words refused = {"TRYAGAIN",  "CLUSTERDOWN", "LOADING", "MASTERDOWN", "BUSY",
                         "WRONGPASS", "NOPERM",      "MOVED",   "ASK",        "NOSCRIPT"};
  for (const std::string& code : refused) {
    const Asked asked = Ask("FAIL " + code);
    EXPECT_TRUE(absl::IsUnavailable(asked.status())) << asked.status();
    EXPECT_TRUE(ProvesNotRun(asked.status())) << code;
    EXPECT_THAT(asked.Wait(), HasSubstr(code + " because"));
  }
  const Words open = {"ERR", "WRONGTYPE", "CROSSSLOT", "OOMPH"};
  for (const std::string& code : open) {
    const Asked asked = Ask("FAIL " + code);
    EXPECT_TRUE(absl::IsInternal(asked.status())) << asked.status();
    EXPECT_FALSE(ProvesNotRun(asked.status())) << code;
  }
  EXPECT_EQ(errors(kRefusedError), static_cast<int64_t>(refused.size()));
  EXPECT_EQ(errors(kReplyError), 4);
}

TEST_F(SingleRouterTest, AnErrorQuotesNoArguments) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    return absl::StrCat("-ERR unknown command '", words[0], "', with args beginning with: '",
                        words[1], "'\r\n");
  });
  StartWith(redis);
  const std::string expected = absl::StrCat("redis ", redis.endpoint().ToString(),
                                            " answered ERR unknown command \\'FAIL\\'");
  EXPECT_EQ(Ask("FAIL {shop::alice}:calls").Wait(), expected);
  EXPECT_THAT(Troubles(), ElementsAre(expected));
}

TEST_F(SingleRouterTest, TellsOfATroubleButNotOfAConnectionThatItMakesAnewItself) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "FAIL") return "-READONLY You can't write against a read only replica.\r\n";
    return absl::nullopt;
  });
  StartWith(redis);
  ASSERT_TRUE(BecomesUp());
  EXPECT_THAT(Troubles(), IsEmpty());
  Ask("FAIL now").Wait();
  EXPECT_TRUE(Becomes([&] { return redis.accepted() == 2; }));
  ASSERT_TRUE(BecomesUp());
  EXPECT_THAT(Troubles(), ElementsAre(HasSubstr("answered READONLY")));
  redis.Refuse();
  redis.Cut();
  EXPECT_TRUE(Becomes([&] { return Troubles().size() >= 3; }));
  EXPECT_THAT(Troubles()[1], HasSubstr("was cut"));
  EXPECT_THAT(Troubles()[2], HasSubstr("Connection refused"));
}

TEST_F(SingleRouterTest, ARedisThatTakesNoWritesIsNotUnavailable) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "WRITE") return absl::StrCat("-", words[1], " no.\r\n");
    return absl::nullopt;
  });
  StartWith(redis);
  for (const std::string code : {"OOM", "NOREPLICAS", "MISCONF", "READONLY"}) {
    ASSERT_TRUE(BecomesUp());
    const Asked asked = Ask("WRITE " + code);
    EXPECT_TRUE(absl::IsFailedPrecondition(asked.status())) << asked.status();
    EXPECT_TRUE(ProvesNotRun(asked.status())) << code;
  }
  EXPECT_EQ(errors(kRefusedError), 4);
}

TEST_F(SingleRouterTest, AReadOnlyNodeIsAskedAnewOnceWhatIsInFlightIsAnswered) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "WRITE") return "-READONLY You can't write against a read only replica.\r\n";
    return absl::nullopt;
  });
  StartWith(redis);
  ASSERT_TRUE(BecomesUp());
  const std::vector<Asked> asked = AskAll({"WRITE", "ECHO read"});
  EXPECT_TRUE(ProvesNotRun(asked[0].status()));
  EXPECT_EQ(asked[1].Wait(), "read");
  EXPECT_TRUE(Becomes([&] { return redis.accepted() == 2; }));
  ASSERT_TRUE(BecomesUp());
  EXPECT_TRUE(ProvesNotRun(Ask("WRITE").status()));
  EXPECT_EQ(Ask("ECHO read").Wait(), "read");
  EXPECT_EQ(redis.accepted(), 2);
}

TEST_F(SingleRouterTest, WhatIsNoReplyClosesTheConnection) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "BAD") return "HTTP/1.1 400 Bad Request\r\n";
    if (words[0] == "LARGE") return "*2000000\r\n";
    return absl::nullopt;
  });
  StartWith(redis);
  EXPECT_TRUE(absl::IsUnavailable(Ask("BAD").status()));
  EXPECT_TRUE(absl::IsUnavailable(Ask("LARGE").status()));
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
  EXPECT_EQ(redis.accepted(), 3);
}

TEST_F(SingleRouterTest, AReplyThatNobodyAskedForClosesTheConnection) {
  FakeRedis redis;
  StartWith(redis);
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
  redis.Say(":1\r\n");
  EXPECT_TRUE(Becomes([&] { return redis.accepted() == 2; }));
  EXPECT_EQ(Ask("ECHO a").Wait(), "a");
}

TEST_F(SingleRouterTest, ACallMaySendTheNextOne) {
  FakeRedis redis;
  StartWith(redis);
  Asked first;
  Asked second;
  first.Then([&] { router_->Send(NewCall(second, "ECHO second", 10'000, 0)); });
  RunOn(*loop_, [&] { router_->Send(NewCall(first, "ECHO first", 10'000, 0)); });
  EXPECT_EQ(first.Wait(), "first");
  EXPECT_EQ(second.Wait(), "second");
}

TEST_F(SingleRouterTest, ItsEndAnswersAllThatWaits) {
  FakeRedis redis([](const Words& words) -> absl::optional<std::string> {
    if (words[0] == "WAIT") return "";
    return absl::nullopt;
  });
  StartWith(redis);
  ASSERT_TRUE(BecomesUp());
  Asked sent = Ask("WAIT");
  Asked next;
  sent.Then([&, router = router_.get()] { router->Send(NewCall(next, "ECHO a", 10'000, 0)); });
  End();
  EXPECT_FALSE(ProvesNotRun(sent.status()));
  EXPECT_TRUE(ProvesNotRun(next.status()));
  EXPECT_EQ(counts_.up, 0);
}

TEST_F(SingleRouterTest, ItsOnlyPrimaryIsItsAddress) {
  FakeRedis redis;
  StartWith(redis);
  EXPECT_THAT(Primaries(), ElementsAre(redis.endpoint()));
  EXPECT_EQ(AskAt(redis.endpoint(), "ECHO a").Wait(), "a");
  Endpoint other = redis.endpoint();
  other.port ^= 1;
  EXPECT_TRUE(ProvesNotRun(AskAt(other, "ECHO a").status()));
}

}  // namespace
}  // namespace sluice
