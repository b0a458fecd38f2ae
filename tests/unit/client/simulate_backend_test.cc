// A replay whose counters are in a real Redis: byte for byte the one in memory.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "strategy/limit.h"
#include "tests/fakes/redis/redis_server.h"
#include "tests/unit/client/simulation_fixture.h"

namespace sluice::cli {
namespace {

// More rows than are answered together, over some keys and to and fro in time.
std::string Trace() {
  std::string trace = "t_us,key,op,cost,tier,priority\n";
  int64_t t_us = 1'700'000'000'000'000;
  for (int row = 0; row < 700; ++row) {
    t_us += row % 17 == 3 ? -400'000 : 37'000 * (row % 5);
    const char* op = row % 7 == 2 ? "check" : row % 11 == 4 ? "stat" : "hit";
    const char* tier = row % 3 == 0 ? "free" : row % 3 == 1 ? "pro" : "";
    const char* priority = row % 4 == 0 ? "low" : row % 4 == 1 ? "critical" : "";
    absl::StrAppend(&trace, t_us, ",\"k{", row % 3, "}:%\",", op, ",", row % 6, ",", tier, ",",
                    priority, "\n");
  }
  return trace;
}

std::vector<std::string> ArgumentsFor(const std::string& strategy) {
  std::vector<std::string> arguments = {"--strategy", strategy, "--rate", "10/s"};
  const auto add = [&](const char* param) {
    arguments.insert(arguments.end(), {"--param", param});
  };
  if (strategy == "token_bucket_with_debt") add("max_debt=4");
  if (strategy == "tiered_rate") add("tiers={\"free\": 0.5, \"pro\": 2}");
  if (strategy == "tiered_rate") add("default_tier=free");
  if (strategy == "time_of_day") {
    add("windows=[{\"from\": 8, \"to\": 20, \"multiplier\": 2}, "
        "{\"from\": 20, \"to\": 8, \"multiplier\": 1}]");
    add("timezone=Europe/Berlin");
  }
  if (CountsDenied(strategy)) add("count_denied=true");
  return arguments;
}

class SimulateBackendTest : public testing::Test {
 protected:
  static Outcome Over(std::vector<std::string> arguments, const std::string& trace,
                      const std::string& database = "") {
    arguments.insert(arguments.end(),
                     {"--backend", absl::StrCat("redis://", Server().endpoint(), database)});
    return SimulateText(arguments, trace);
  }
  static RedisServer& Server() {
    static RedisServer server;
    return server;
  }
};

TEST_F(SimulateBackendTest, AnswersAsMemoryDoes) {
  for (const absl::string_view name : StrategyNames()) {
    const std::vector<std::string> arguments = ArgumentsFor(std::string(name));
    const Outcome memory = SimulateText(arguments, Trace());
    ASSERT_EQ(memory.exit_code, 0) << memory.err;
    const Outcome redis = Over(arguments, Trace());
    EXPECT_EQ(redis.exit_code, 0) << redis.err;
    EXPECT_EQ(redis.out, memory.out) << name;
  }
}

TEST_F(SimulateBackendTest, AnswersSeveralStrategiesAndAnUnlimitedRate) {
  std::vector<std::string> arguments = {"--strategy", "gcra",   "--strategy", "priority_queue",
                                        "--rate",     "20/min", "--summary"};
  const Outcome memory = SimulateText(arguments, Trace());
  const Outcome redis = Over(arguments, Trace(), "/5");
  EXPECT_EQ(redis.out, memory.out);
  EXPECT_EQ(redis.err, memory.err);
  arguments[5] = "unlimited";
  EXPECT_EQ(Over(arguments, Trace()).out, SimulateText(arguments, Trace()).out);
}

TEST_F(SimulateBackendTest, LeavesNothingBehindNorTouchesWhatIsThere) {
  Server().Cli({"FLUSHALL"});
  Server().Cli({"SET", "mine", "1"});
  std::string trace = "t_us,key\n";
  for (int row = 0; row < 2'500; ++row) absl::StrAppend(&trace, row, ",", row, "\n");
  EXPECT_EQ(Over(ArgumentsFor("gcra"), trace).exit_code, 0);
  EXPECT_EQ(Server().Cli({"KEYS", "*"}), "mine");
  // Nor when the trace is wrong at its end.
  const Outcome wrong = Over(ArgumentsFor("gcra"), absl::StrCat(trace, "later,0\n"));
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(wrong.out.substr(0, 100), Over(ArgumentsFor("gcra"), trace).out.substr(0, 100));
  EXPECT_EQ(Server().Cli({"KEYS", "*"}), "mine");
}

TEST_F(SimulateBackendTest, LogsInAndTellsNoPassword) {
  RedisServer server({.config = {"requirepass s3cr%t", "user bob on >pw ~* +@all"}});
  const std::string host = server.endpoint();
  const auto over = [&](const std::string& login) {
    return SimulateText({"--strategy", "gcra", "--rate", "10/s", "--backend",
                         absl::StrCat("redis://", login, host)},
                        "t_us\n0\n");
  };
  EXPECT_EQ(over(":s3cr%25t@").exit_code, 0);
  EXPECT_EQ(over("bob:pw@").exit_code, 0);
  const Outcome refused = over("bob:hidden@");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find(host), std::string::npos) << refused.err;
  EXPECT_EQ(refused.err.find("hidden"), std::string::npos) << refused.err;
  EXPECT_EQ(over("").exit_code, 2);
}

// Nothing expires within the run, whatever the rate's period is in real time.
TEST_F(SimulateBackendTest, NothingExpires) {
  const std::string trace = "t_us\n0\n1\n0\n900\n";
  const std::vector<std::string> arguments = {"--strategy", "fixed_window", "--rate", "2/ms"};
  EXPECT_EQ(Over(arguments, trace).out, SimulateText(arguments, trace).out);
}

TEST_F(SimulateBackendTest, SaysWhenARedisIsSilent) {
  RedisServer server;
  server.Stop();
  const Outcome outcome = SimulateText({"--strategy", "gcra", "--rate", "10/s", "--backend",
                                        absl::StrCat("redis://", server.endpoint())},
                                       "t_us\n0\n");
  server.Resume();
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find(server.endpoint()), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace sluice::cli
