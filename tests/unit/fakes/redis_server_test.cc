#include "tests/fakes/redis/redis_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/redis/patience.h"
#include "tests/fakes/socket_client.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Ping(int port) {
  return Exchange(port, "PING\r\n",
                  [](const std::string& answer) { return absl::EndsWith(answer, "\r\n"); });
}

TEST(RedisServerTest, AnswersOnItsPort) {
  const RedisServer redis;
  EXPECT_EQ(Ping(redis.port()), "+PONG\r\n");
  EXPECT_EQ(redis.endpoint(), absl::StrCat("127.0.0.1:", redis.port()));
}

TEST(RedisServerTest, PrintsReplies) {
  const RedisServer redis;
  EXPECT_EQ(redis.Cli({"SET", "a", "x\r\ny"}), "OK");
  EXPECT_EQ(redis.Cli({"GET", "a"}), "x\r\ny");
  EXPECT_EQ(redis.Cli({"GET", "b"}), "");
  EXPECT_EQ(redis.Cli({"INCR", "n"}), "1");
  EXPECT_EQ(redis.Cli({"INCR", "a"}), "ERR value is not an integer or out of range");
  EXPECT_EQ(redis.Cli({"EVAL", "return {1, {'two', false}, 3}", "0"}), "1\ntwo\n\n3");
  EXPECT_EQ(redis.Info("redis_mode"), "standalone");
}

TEST(RedisServerTest, IsEmptyOnTheSamePortAfterARestart) {
  RedisServer redis;
  const int port = redis.port();
  redis.Cli({"SET", "a", "x"});
  redis.Kill();
  EXPECT_EQ(redis.Pid(), 0);
  EXPECT_EQ(Ping(port), "");
  redis.Restart();
  EXPECT_EQ(redis.port(), port);
  EXPECT_EQ(Ping(port), "+PONG\r\n");
  EXPECT_EQ(redis.Cli({"DBSIZE"}), "0");
}

TEST(RedisServerTest, KeepsWhatItsOptionsSay) {
  RedisSetup options;
  options.config = {"appendonly yes", "appendfsync always"};
  RedisServer redis(options);
  redis.Cli({"SET", "a", "x"});
  redis.Restart();
  EXPECT_EQ(redis.Cli({"GET", "a"}), "x");
}

TEST(RedisServerTest, OutlivesTheThreadThatRestartedIt) {
  RedisServer redis;
  std::thread([&] { redis.Restart(); }).join();
  SleepUs(50'000);
  EXPECT_EQ(Ping(redis.port()), "+PONG\r\n");
}

TEST(RedisServerTest, IsSilentWhileItIsStopped) {
  RedisServer redis;
  redis.Stop();
  EXPECT_EQ(redis.Cli({"PING"}, 50'000), "");
  redis.Resume();
  EXPECT_EQ(redis.Cli({"PING"}), "PONG");
}

TEST(RedisServerTest, IsGoneWithItsFolderAtTheEnd) {
  auto redis = std::make_unique<RedisServer>();
  const pid_t pid = redis->Pid();
  const std::string folder = redis->folder();
  redis->Stop();
  redis.reset();
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(RedisServerDeathTest, DiesWithItsParent) {
  // Without this style the child that crashes has none of the threads.
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  // The child runs this test from its start, and finds the name that is set already.
  const std::string ours = absl::StrCat(::testing::TempDir(), "sluice-fakes-test-", getpid());
  setenv("SLUICE_FAKES_TEST_NOTE", ours.c_str(), /*overwrite=*/0);
  const std::string note = getenv("SLUICE_FAKES_TEST_NOTE");
  EXPECT_DEATH(
      {
        const RedisServer redis;
        std::ofstream(note) << redis.Pid() << " " << redis.folder() << std::flush;
        GiveUp("a test that crashed");
      },
      "a test that crashed");
  pid_t pid = 0;
  std::string folder;
  std::ifstream(note) >> pid >> folder;
  std::filesystem::remove(note);
  ASSERT_GT(pid, 0);
  // Whoever adopts it may leave it a zombie for a while.
  const auto gone = [&] {
    std::string line;
    std::getline(std::ifstream(absl::StrCat("/proc/", pid, "/stat")), line);
    return line.empty() || absl::StrContains(line, ") Z ");
  };
  EXPECT_TRUE(WaitUntil(gone));
  std::filesystem::remove_all(folder);
}

TEST(RedisServerTest, HasPasswordsThatTheFixtureGoesAround) {
  RedisSetup options;
  options.config = {"requirepass secret", "user bob on >pw ~* +ping"};
  const RedisServer redis(options);
  EXPECT_THAT(Ping(redis.port()), StartsWith("-NOAUTH"));
  const std::string answer =
      Exchange(redis.port(), "AUTH wrong\r\nAUTH secret\r\nAUTH bob pw\r\nQUIT\r\n");
  EXPECT_THAT(answer, StartsWith("-WRONGPASS"));
  EXPECT_THAT(answer, HasSubstr("\r\n+OK\r\n+OK\r\n"));
  EXPECT_EQ(redis.Cli({"CONFIG", "SET", "requirepass", "rotated"}), "OK");
  EXPECT_EQ(redis.Cli({"PING"}), "PONG");
}

TEST(RedisServerTest, SpeaksNothingButTlsOnItsPort) {
  const CertificateAuthority ca("Test CA");
  const Identity identity = ca.Issue("localhost", "DNS:localhost,IP:127.0.0.1");
  RedisSetup options;
  options.tls = {identity.certificate, identity.key, ca.certificate(), /*ask_for_client=*/false};
  const RedisServer redis(options);
  const TempFolder folder;
  const std::string command =
      absl::StrCat("redis-cli -h 127.0.0.1 -p ", redis.port(), " --tls --cacert ",
                   folder.Write("ca.pem", ca.certificate()), " PING > ", folder / "answer");
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::string answer;
  std::ifstream(folder / "answer") >> answer;
  EXPECT_EQ(answer, "PONG");
  EXPECT_NE(Ping(redis.port()), "+PONG\r\n");
  EXPECT_EQ(redis.Cli({"PING"}), "PONG");
}

TEST(RedisServerTest, TellsWhatItUsedOfTheProcessor) {
  const RedisServer redis;
  const int64_t before = redis.CpuUs();
  redis.Cli({"EVAL", "for i = 1, 3e7 do end", "0"});
  EXPECT_GE(redis.CpuUs() - before, 20'000);
}

}  // namespace
}  // namespace sluice
