// Every strategy through a real Redis, against what it does natively, in the memory backend and in
// the reference models: the same random histories, bit for bit.
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "backend/redis/redis_backend.h"
#include "backend/redis/script.h"
#include "strategy/limit.h"
#include "tests/conformance/differential.h"
#include "tests/conformance/redis_servers.h"
#include "tests/conformance/slipped_backend.h"
#include "tests/fakes/thousands.h"

namespace sluice {
namespace {

constexpr int64_t kSteps = SLUICE_DIFFERENTIAL_STEPS;
constexpr uint64_t kFixedSeed = 20250330;

std::string NameOf(const testing::TestParamInfo<std::string>& info) { return info.param; }

std::vector<std::string> Names() { return {StrategyNames().begin(), StrategyNames().end()}; }

class RedisDifferentialTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { SharedRedis().Cli({"FLUSHALL"}); }
};

INSTANTIATE_TEST_SUITE_P(Every, RedisDifferentialTest, testing::ValuesIn(Names()), &NameOf);

TEST_P(RedisDifferentialTest, AnswersAsTheOthersDo) {
  const auto backend = NewRedisBackend(OptionsFor(SharedRedis()), SharedLoops());
  Differential differential(GetParam(), *backend, *SharedLoops().front());
  const uint64_t fresh_seed = FreshSeed();
  differential.Run(kSteps / 2, kFixedSeed);
  differential.Run(kSteps - kSteps / 2, fresh_seed);
  EXPECT_EQ(differential.differences(), 0) << differential.first();
  EXPECT_GE(differential.steps(), kSteps);
  std::cout << GetParam() << ": " << WithThousands(differential.steps()) << " steps, "
            << differential.differences() << " differences (seeds " << kFixedSeed << " "
            << fresh_seed << ")" << std::endl;
}

struct Slip {
  std::string right;
  std::string wrong;
};

// One operator of a strategy's Lua is another one: in those of a log, which have much that hardly
// ever runs, at places of which it is known.
std::vector<Slip> SlipsIn(const std::string& lua) {
  const std::vector<Slip> of_logs = {
      {"cost <= t.limit - above", "cost < t.limit - above"},
      {"entry_at > at - t.period", "entry_at >= at - t.period"},
      {"backlog <= (queue.sum - cost)", "backlog < (queue.sum - cost)"},
  };
  std::vector<Slip> slips;
  for (const Slip& slip : of_logs) {
    if (absl::StrContains(lua, slip.right)) slips.push_back(slip);
  }
  if (slips.empty()) slips = {{" <= ", " < "}, {" + ", " - "}, {" - ", " + "}};
  return slips;
}

TEST_P(RedisDifferentialTest, APlantedSlipIsFound) {
  const std::string& right = TheDecideScript().text;
  const int id = ScriptIdOf(GetParam());
  const size_t begin = right.find(absl::StrCat("if id == ", id, " then"));
  ASSERT_NE(begin, std::string::npos);
  const size_t size = right.find(absl::StrCat("if id == ", id + 1, " then"), begin) - begin;
  for (const Slip& slip : SlipsIn(right.substr(begin, size))) {
    const size_t at = right.find(slip.right, begin);
    ASSERT_NE(at, std::string::npos);
    std::string slipped = right;
    slipped.replace(at, slip.right.size(), slip.wrong);
    const auto backend =
        NewSlippedBackend(OptionsFor(SharedRedis()), slipped, *SharedLoops().front());
    Differential differential(GetParam(), *backend, *SharedLoops().front());
    differential.Run(5'000, kFixedSeed);
    EXPECT_GT(differential.differences(), 0) << slip.right;
  }
}

// And of what drives them all.
TEST(RedisDifferentialDriverTest, APlantedSlipIsFound) {
  struct DriverSlip {
    absl::string_view strategy;
    absl::string_view right;
    absl::string_view wrong;
  };
  const std::vector<DriverSlip> slips = {
      {"gcra", "changes and (allowed or mode", "changes and (allowed and mode"},
      {"gcra", "now = floor(now / tick)", "now = ceil(now / tick)"},
      {"sliding_window_log", "if i > kept then", "if i >= kept then"},
      {"priority_queue", "left = log.stored - log.from - log.to", "left = log.stored - log.from"},
      {"time_of_day", "stale = stale or wait == -2", "stale = stale and wait == -2"},
  };
  for (const DriverSlip& slip : slips) {
    SharedRedis().Cli({"FLUSHALL"});
    const std::string& right = TheDecideScript().text;
    const std::string slipped = absl::StrReplaceAll(right, {{slip.right, slip.wrong}});
    ASSERT_NE(slipped, right) << slip.right;
    const auto backend =
        NewSlippedBackend(OptionsFor(SharedRedis()), slipped, *SharedLoops().front());
    Differential differential(slip.strategy, *backend, *SharedLoops().front());
    differential.Run(5'000, kFixedSeed);
    EXPECT_GT(differential.differences(), 0) << slip.right;
  }
}

// What finds the slips finds none where there is none.
TEST(RedisDifferentialDriverTest, TheRightScriptIsNoSlip) {
  const auto backend =
      NewSlippedBackend(OptionsFor(SharedRedis()), TheDecideScript().text, *SharedLoops().front());
  Differential differential("time_of_day", *backend, *SharedLoops().front());
  differential.Run(5'000, kFixedSeed);
  EXPECT_EQ(differential.differences(), 0) << differential.first();
}

}  // namespace
}  // namespace sluice
