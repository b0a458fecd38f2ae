// What becomes of a single server: killed, stopped, emptied, full, read-only, locked, not there
// yet.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/fakes/redis/patience.h"
#include "tests/fakes/temp_folder.h"
#include "tests/integration/chaos/story.h"

namespace sluice {
namespace {

using By = Seen::By;

constexpr char kSpare[] = "{fallback: spare}";

// But for a few, because a Check that shares a call with a Hit is refused with it at first.
void ExpectChecksByRedis(const Story& story, int64_t from_us, int64_t to_us) {
  const int64_t by_redis = story.Count("check", By::kRedis, from_us, to_us);
  const int64_t others = story.Count("check", By::kSpare, from_us, to_us);
  EXPECT_GT(by_redis, 9 * others) << others << " Checks were not answered by Redis";
}

TEST(ServerChaosTest, KilledAndStartedEmpty) {
  RedisServer server;
  Story story("kill -9, two nodes");
  story.Add(ReachOf(server), kSpare);
  story.Add(ReachOf(server), "throttle");
  story.Begin();
  server.Kill();
  Meanwhile(1'000'000);
  server.Restart();
  story.FaultEnds();
  story.End({.losses = 1});
}

TEST(ServerChaosTest, Stopped) {
  RedisServer server;
  Story story("SIGSTOP");
  story.Add(ReachOf(server), kSpare);
  story.Begin();
  server.Stop();
  Meanwhile(Story::kFaultUs);
  server.Resume();
  story.FaultEnds();
  story.End({});
}

TEST(ServerChaosTest, StoppedAndEveryErrorAllowed) {
  RedisServer server;
  Story story("SIGSTOP, allow");
  story.Add(ReachOf(server), "allow");
  story.Begin();
  const int64_t from_us = SteadyUs();
  server.Stop();
  Meanwhile(1'000'000);
  const int64_t to_us = SteadyUs();
  server.Resume();
  story.FaultEnds();
  story.End({});
  for (const Seen& seen : story.seen()) {
    if (seen.by == By::kOnError) {
      EXPECT_TRUE(seen.allowed);
    }
  }
  EXPECT_GT(story.Count("", By::kOnError, from_us, to_us), 0);
  EXPECT_EQ(story.Count("", By::kRedis, from_us + 100'000, to_us - 100'000), 0);
}

TEST(ServerChaosTest, StoppedAndEveryErrorRaised) {
  RedisServer server;
  Story story("SIGSTOP, raise");
  story.Add(ReachOf(server), "raise");
  story.Begin();
  const int64_t from_us = SteadyUs();
  server.Stop();
  Meanwhile(1'000'000);
  server.Resume();
  story.FaultEnds();
  story.End({});
  EXPECT_GT(story.Count("", By::kNobody, from_us, kNever), 0);
  EXPECT_EQ(story.Count("", By::kOnError, 0, kNever), 0);
}

TEST(ServerChaosTest, ScriptsForgotten) {
  RedisServer server;
  Story story("SCRIPT FLUSH");
  story.Add(ReachOf(server), "raise");
  story.Begin();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(server.Cli({"SCRIPT", "FLUSH"}), "OK");
    Meanwhile(50'000);
  }
  story.FaultEnds();
  story.End({});
}

TEST(ServerChaosTest, AllForgotten) {
  RedisServer server;
  Story story("FLUSHALL");
  story.Add(ReachOf(server), "throttle");
  story.Begin();
  EXPECT_EQ(server.Cli({"FLUSHALL"}), "OK");
  Meanwhile(1'000'000);
  EXPECT_EQ(server.Cli({"FLUSHALL"}), "OK");
  story.FaultEnds();
  story.End({.losses = 2});
}

TEST(ServerChaosTest, OutOfMemory) {
  RedisServer server({.config = {"maxmemory-policy noeviction"}});
  Story story("OOM");
  story.Add(ReachOf(server), kSpare);
  story.Begin();
  const int64_t from_us = SteadyUs();
  EXPECT_EQ(server.Cli({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  Meanwhile(1'500'000);
  EXPECT_EQ(server.Cli({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  const int64_t to_us = SteadyUs();
  story.FaultEnds();
  story.End({});
  ExpectChecksByRedis(story, from_us, to_us);
  EXPECT_EQ(story.Count("wide", By::kRedis, from_us + 50'000, to_us - 50'000), 0);
}

TEST(ServerChaosTest, ReadOnly) {
  RedisServer server;
  Story story("READONLY");
  story.Add(ReachOf(server), kSpare);
  story.Begin();
  const int64_t from_us = SteadyUs();
  // It never finds its primary, and so keeps what it has.
  EXPECT_EQ(server.Cli({"REPLICAOF", "127.0.0.1", absl::StrCat(FreePort())}), "OK");
  Meanwhile(1'500'000);
  EXPECT_EQ(server.Cli({"REPLICAOF", "NO", "ONE"}), "OK");
  const int64_t to_us = SteadyUs();
  story.FaultEnds();
  story.End({});
  ExpectChecksByRedis(story, from_us, to_us);
  EXPECT_EQ(story.Count("wide", By::kRedis, from_us + 50'000, to_us - 50'000), 0);
}

TEST(ServerChaosTest, PasswordRotated) {
  RedisServer server({.config = {"requirepass first"}});
  const TempFolder folder;
  RedisOptions reach = ReachOf(server);
  reach.login.password_file = folder.Write("password", "first\n");
  Story story("password rotated");
  story.Add(reach, kSpare);
  story.Begin();
  const int64_t from_us = SteadyUs();
  EXPECT_EQ(server.Cli({"CONFIG", "SET", "requirepass", "second"}), "OK");
  server.Cli({"CLIENT", "KILL", "TYPE", "normal"});
  Meanwhile(1'500'000);
  const int64_t to_us = SteadyUs();
  folder.Write("password", "second\n");
  story.FaultEnds();
  story.End({});
  EXPECT_EQ(story.Count("", By::kRedis, from_us + 100'000, to_us), 0);
}

TEST(ServerChaosTest, StartedAfterUs) {
  RedisServer server;
  server.Kill();
  Story story("Redis comes later");
  story.Add(ReachOf(server), kSpare);
  story.Begin(/*with_redis=*/false);
  Meanwhile(2'000'000);
  server.Restart();
  story.FaultEnds();
  story.End({});
}

TEST(ServerChaosTest, UpAndDown) {
  RedisServer server;
  Story story("up and down");
  story.Add(ReachOf(server), kSpare);
  story.Add(ReachOf(server), "throttle");
  story.Begin();
  constexpr int kTimes = 3;
  for (int i = 0; i < kTimes; ++i) {
    server.Kill();
    Meanwhile(Story::kFaultUs * 2 / 5);
    server.Restart();
    if (i + 1 < kTimes) Meanwhile(Story::kFaultUs * 3 / 5);
  }
  story.FaultEnds();
  story.End({.losses = kTimes});
}

}  // namespace
}  // namespace sluice
