#include "cli/simulate/simulate.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/simulation_fixture.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kHeader[] = "t_us,key,op,cost,allowed,hits_remaining,wait_us,reset_us\n";

using Words = std::vector<std::string>;

// The answers of a replay that is fine, without the header.
std::string Answers(const Words& arguments, const std::string& trace) {
  const Outcome outcome = SimulateText(arguments, trace);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, StartsWith(kHeader));
  return outcome.out.substr(std::min(outcome.out.size(), sizeof(kHeader) - 1));
}

TEST(SimulateTest, FixedWindow) {
  EXPECT_EQ(Answers({"--strategy", "fixed_window", "--rate", "2/s"},
                    "t_us\n0\n100000\n200000\n999999\n1000000\n2500000\n"),
            "0,,hit,1,1,1,0,1000000\n"
            "100000,,hit,1,1,0,0,900000\n"
            "200000,,hit,1,0,0,800000,800000\n"
            "999999,,hit,1,0,0,1,1\n"
            "1000000,,hit,1,1,1,0,1000000\n"
            "2500000,,hit,1,1,1,0,500000\n");
}

TEST(SimulateTest, TokenBucket) {
  // Two tokens, one comes back every half second.
  EXPECT_EQ(Answers({"--strategy", "token_bucket", "--rate", "2/s"},
                    "t_us,cost\n0,2\n250000,1\n500000,1\n2000000,3\n2000000,2\n"),
            "0,,hit,2,1,0,0,1000000\n"
            "250000,,hit,1,0,0,250000,750000\n"
            "500000,,hit,1,1,0,0,1000000\n"
            "2000000,,hit,3,0,2,inf,0\n"
            "2000000,,hit,2,1,0,0,1000000\n");
}

// A tenth of a second apart, and ten at once.
TEST(SimulateTest, GcraAdmitsItsBurstAndEachWaitIsTight) {
  std::string trace = "t_us\n0\n";
  for (int i = 0; i < 12; ++i) trace += "850000\n";
  const std::string answers =
      Answers({"--strategy", "gcra", "--rate", "10/s", "--param", "burst=10"}, trace);
  EXPECT_EQ(answers,
            "0,,hit,1,1,9,0,100000\n"
            "850000,,hit,1,1,9,0,100000\n"
            "850000,,hit,1,1,8,0,200000\n"
            "850000,,hit,1,1,7,0,300000\n"
            "850000,,hit,1,1,6,0,400000\n"
            "850000,,hit,1,1,5,0,500000\n"
            "850000,,hit,1,1,4,0,600000\n"
            "850000,,hit,1,1,3,0,700000\n"
            "850000,,hit,1,1,2,0,800000\n"
            "850000,,hit,1,1,1,0,900000\n"
            "850000,,hit,1,1,0,0,1000000\n"
            "850000,,hit,1,0,0,100000,1000000\n"
            "850000,,hit,1,0,0,100000,1000000\n");
  const Words gcra = {"--strategy", "gcra", "--rate", "10/s", "--param", "burst=10"};
  EXPECT_THAT(Answers(gcra, trace + "949999\n"), HasSubstr("949999,,hit,1,0,0,1,"));
  EXPECT_THAT(Answers(gcra, trace + "950000\n"), HasSubstr("950000,,hit,1,1,0,0,"));
}

TEST(SimulateTest, ChecksAndStatsAnswerForTheirCostAndConsumeNothing) {
  EXPECT_EQ(Answers({"--strategy", "fixed_window", "--rate", "3/s"},
                    "op,t_us,cost\ncheck,0,3\nstat,0,4\ncheck,0,3\nhit,0,2\ncheck,0,2\nstat,0,1\n"),
            "0,,check,3,1,3,0,0\n"
            "0,,stat,4,0,3,inf,0\n"
            "0,,check,3,1,3,0,0\n"
            "0,,hit,2,1,1,0,1000000\n"
            "0,,check,2,0,1,1000000,1000000\n"
            "0,,stat,1,1,1,0,1000000\n");
}

TEST(SimulateTest, CostZeroPassesAndTouchesNothing) {
  EXPECT_EQ(Answers({"--strategy", "fixed_window", "--rate", "1/s"},
                    "t_us,cost,op\n0,0,hit\n0,1,hit\n500000,0,hit\n500000,0,check\n500000,0,stat\n"
                    "1500000,0,hit\n500000,1,hit\n"),
            "0,,hit,0,1,1,0,0\n"
            "0,,hit,1,1,0,0,1000000\n"
            "500000,,hit,0,1,0,0,500000\n"
            "500000,,check,0,1,0,0,500000\n"
            "500000,,stat,0,1,0,0,500000\n"
            "1500000,,hit,0,1,1,0,0\n"
            "500000,,hit,1,0,0,500000,500000\n");
}

TEST(SimulateTest, ARateOfZeroAdmitsNothingButCostZero) {
  EXPECT_EQ(Answers({"--strategy", "gcra", "--rate", "0/s"}, "t_us,cost\n5,1\n5,0\n"),
            "5,,hit,1,0,0,inf,0\n"
            "5,,hit,0,1,0,0,0\n");
}

TEST(SimulateTest, AClockThatRanBackFreesNothingAndWaitsFromTheRealNow) {
  EXPECT_EQ(Answers({"--strategy", "fixed_window", "--rate", "1/s"},
                    "t_us\n1500000\n900000\n1999999\n2000000\n"),
            "1500000,,hit,1,1,0,0,500000\n"
            "900000,,hit,1,0,0,1100000,1100000\n"
            "1999999,,hit,1,0,0,1,1\n"
            "2000000,,hit,1,1,0,0,1000000\n");
}

TEST(SimulateTest, KeysHaveCountersOfTheirOwn) {
  EXPECT_EQ(Answers({"--strategy", "fixed_window", "--rate", "1/s"},
                    "t_us,key\n0,a\n0,b\n0,a\n0,\n0,\"a,b\"\n"),
            "0,a,hit,1,1,0,0,1000000\n"
            "0,b,hit,1,1,0,0,1000000\n"
            "0,a,hit,1,0,0,1000000,1000000\n"
            "0,,hit,1,1,0,0,1000000\n"
            "0,\"a,b\",hit,1,1,0,0,1000000\n");
}

TEST(SimulateTest, EmptyCellsAreAsGoodAsNone) {
  EXPECT_EQ(Answers({"--strategy", "fixed_window", "--rate", "9/s"}, "t_us,cost,op,tier\n0,,,\n"),
            "0,,hit,1,1,8,0,1000000\n");
}

TEST(SimulateTest, UnlimitedPassesEverything) {
  EXPECT_EQ(Answers({"--strategy", "gcra", "--rate", "unlimited", "--param", "burst=5"},
                    "t_us,cost,op\n0,4503599627370495,hit\n0,7,check\n0,0,stat\n"),
            "0,,hit,4503599627370495,1,inf,0,0\n"
            "0,,check,7,1,inf,0,0\n"
            "0,,stat,0,1,inf,0,0\n");
}

TEST(SimulateTest, SeveralStrategiesAnswerEachRowInTheirOrder) {
  const Outcome outcome =
      SimulateText({"--strategy", "gcra", "--strategy", "fixed_window", "--rate", "2/s", "--param",
                    "burst=2", "--param", "fixed_window:count_denied=true"},
                   "t_us,key\n0,a\n0,a\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, absl::StrCat("strategy,", kHeader,
                                      "gcra,0,a,hit,1,1,1,0,500000\n"
                                      "fixed_window,0,a,hit,1,1,1,0,1000000\n"
                                      "gcra,0,a,hit,1,1,0,0,1000000\n"
                                      "fixed_window,0,a,hit,1,1,0,0,1000000\n"));
}

TEST(SimulateTest, AStrategyReadsItsContextColumn) {
  // Half of 4/s for the free, twice it for the pro; whoever is unknown is free.
  const Words tiered = {"--strategy", "tiered_rate",      "--rate",
                        "4/s",        "--param",          R"(tiers={"free": 0.5, "pro": 2})",
                        "--param",    "default_tier=free"};
  EXPECT_EQ(Answers(tiered, "tier,t_us,key\nfree,0,a\npro,0,a\n,0,a\nplatinum,0,a\npro,0,b\n"),
            "0,a,hit,1,1,1,0,1000000\n"
            "0,a,hit,1,1,7,0,1000000\n"
            "0,a,hit,1,1,0,0,1000000\n"
            "0,a,hit,1,0,0,1000000,1000000\n"
            "0,b,hit,1,1,7,0,1000000\n");
  // Without the column everyone is absent from it.
  EXPECT_EQ(Answers(tiered, "t_us\n0\n"), "0,,hit,1,1,1,0,1000000\n");
  Words by_plan = tiered;
  by_plan.insert(by_plan.end(), {"--param", "tier_key=plan"});
  EXPECT_EQ(Answers(by_plan, "t_us,tier,plan\n0,free,pro\n"), "0,,hit,1,1,7,0,1000000\n");
}

TEST(SimulateTest, APriorityIsNoPartOfTheKey) {
  // A critical hit leaves no room for those below it; a low one stays below a critical one.
  EXPECT_EQ(Answers({"--strategy", "priority_queue", "--rate", "1/s"},
                    "t_us,priority\n0,low\n0,critical\n0,4\n0,normal\n0,\n"),
            "0,,hit,1,1,0,0,1000000\n"
            "0,,hit,1,1,0,0,1000000\n"
            "0,,hit,1,0,0,1000000,1000000\n"
            "0,,hit,1,0,0,1000000,1000000\n"
            "0,,hit,1,0,0,1000000,1000000\n");
}

TEST(SimulateTest, ADeniedHitCountsWhenItIsToldTo) {
  const std::string trace = "t_us\n0\n500000\n1000000\n";
  const Words log = {"--strategy", "sliding_window_log", "--rate", "1/s"};
  EXPECT_EQ(Answers(log, trace),
            "0,,hit,1,1,0,0,1000000\n"
            "500000,,hit,1,0,0,500000,500000\n"
            "1000000,,hit,1,1,0,0,1000000\n");
  Words counting = log;
  counting.insert(counting.end(), {"--param", "count_denied=true"});
  EXPECT_EQ(Answers(counting, trace),
            "0,,hit,1,1,0,0,1000000\n"
            "500000,,hit,1,0,0,1000000,1000000\n"
            "1000000,,hit,1,0,0,1000000,1000000\n");
}

// With another beside it, a parameter goes to the one that knows it alone.
TEST(SimulateTest, EveryParameterFindsItsStrategy) {
  const struct {
    const char* strategy;
    Words params;
  } cases[] = {
      {"sliding_window_log", {"max_entries=5", "count_denied=true"}},
      {"token_bucket", {"burst_size=5"}},
      {"token_bucket_with_debt", {"burst_size=5", "max_debt=2"}},
      {"leaky_bucket", {"capacity=5"}},
      {"leaky_bucket_with_queue", {"capacity=5", "max_entries=5"}},
      {"tiered_rate",
       {"tiers={\"free\": 0.5}", "default_tier=free", "tier_key=plan", "count_denied=true"}},
      {"adaptive_throttle",
       {"load_threshold=0.5", "reduction_factor=0.5", "recovery_rate=0.2", "min_limit_ratio=0.1"}},
      {"priority_queue",
       {"priority_key=p", "default_priority=1", "max_entries=10", "hard_limit=20"}},
      {"quota_with_rollover", {"rollover_percentage=0.25", "max_rollover=5"}},
      {"time_of_day",
       {"windows=[{\"from\": 8, \"to\": 20, \"multiplier\": 2}, {\"from\": 20, \"to\": 8, "
        "\"multiplier\": 1}]",
        "timezone=Europe/Berlin", "count_denied=true"}},
      {"cost_based_token_bucket", {"burst_size=5", "cost_window=10", "min_refill_rate=0.5"}},
  };
  for (const auto& each : cases) {
    Words arguments = {"--strategy", each.strategy, "--strategy", "gcra", "--rate", "10/s"};
    for (const std::string& param : each.params) {
      arguments.insert(arguments.end(), {"--param", param});
    }
    const Outcome outcome = SimulateText(arguments, "t_us\n0\n");
    EXPECT_EQ(outcome.exit_code, 0) << each.strategy << ": " << outcome.err;
  }
}

TEST(SimulateTest, AnEmptyTraceHasAHeader) {
  EXPECT_EQ(Answers({"--strategy", "gcra", "--rate", "1/s"}, "t_us,cost\n"), "");
}

TEST(SimulateTest, RowsBeforeABadOneStayWritten) {
  const Outcome outcome =
      SimulateText({"--strategy", "gcra", "--rate", "1/s"}, "t_us\n0\n1\nlater\n3\n");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out,
            absl::StrCat(kHeader, "0,,hit,1,1,0,0,1000000\n1,,hit,1,0,0,999999,999999\n"));
  EXPECT_EQ(outcome.err,
            "sluicectl simulate: stdin:4: t_us: 'later' is not a whole number from 0 to "
            "4503599627370495\n");
}

TEST(SimulateTest, AnswersAreWrittenBeforeItWaitsForMore) {
  std::ostringstream out;
  std::ostringstream err;
  Words pieces = {"t_us\n", "0\n5", "00000\n"};
  std::vector<size_t> written;
  const auto in = [&](char* to, size_t) -> absl::StatusOr<size_t> {
    written.push_back(out.str().size());
    if (pieces.empty()) return 0;
    const std::string piece = pieces.front();
    pieces.erase(pieces.begin());
    std::copy(piece.begin(), piece.end(), to);
    return piece.size();
  };
  Simulation simulation;
  simulation.strategies = {"fixed_window"};
  simulation.rate = "1/s";
  EXPECT_EQ(Simulate(simulation, {in, out, err}), 0);
  const size_t header = sizeof(kHeader) - 1;
  const size_t first = header + std::string("0,,hit,1,1,0,0,1000000\n").size();
  EXPECT_THAT(written, testing::ElementsAre(0, header, first, testing::Gt(first)));
}

TEST(SimulateTest, TheSummaryStandsBehindTheRowsOnStandardError) {
  const Outcome outcome = SimulateText({"--strategy", "fixed_window", "--rate", "2/s", "--summary"},
                                       "t_us,key\n0,a\n0,a\n0,a\n999999,b\n1000000,b\n1000001,b\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("most admitted in any 1s          3 of 'b'\n"));
  EXPECT_THAT(outcome.err, HasSubstr("longest wait told        1000000 us (1 s)\n"));
}

class ProgressClock final : public Clock {
 public:
  int64_t Now() const override { return now_us_ += 300'000; }

 private:
  mutable int64_t now_us_ = 0;
};

TEST(SimulateTest, ProgressIsShownAfterASecondAndTakenAway) {
  std::string trace = "t_us\n";
  for (int i = 0; i < 30'000; ++i) absl::StrAppend(&trace, i, "\n");
  Simulation simulation;
  simulation.strategies = {"fixed_window"};
  simulation.rate = "1/s";
  const ProgressClock clock;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(Simulate(simulation, {FromText(trace), out, err, &clock}), 0);
  EXPECT_THAT(err.str(), StartsWith("\r\x1b[K16384 rows, 13000/s"));
  EXPECT_THAT(err.str(), testing::EndsWith("\r\x1b[K"));

  std::ostringstream quick;
  EXPECT_EQ(Simulate(simulation, {FromText("t_us\n0\n"), out, quick, &clock}), 0);
  EXPECT_THAT(quick.str(), IsEmpty());
}

class SimulateFilesTest : public ::testing::Test {
 protected:
  SimulateFilesTest() : folder_(absl::StrCat(::testing::TempDir(), "/simulate.XXXXXX")) {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~SimulateFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return absl::StrCat(folder_, "/", name); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  std::string folder_;
};

TEST_F(SimulateFilesTest, ReadsATraceAndDrawsAPicture) {
  const std::string trace = Write("trace.csv", "t_us\n0\n1\n");
  const std::string old = Write("out.svg", std::string(100'000, 'x'));
  EXPECT_EQ(Answers({"--strategy", "gcra", "--rate", "1/s", "--trace", trace, "--plot", old}, ""),
            "0,,hit,1,1,0,0,1000000\n1,,hit,1,0,0,999999,999999\n");
  EXPECT_THAT(Read(old), StartsWith("<?xml"));
  EXPECT_THAT(Read(old), testing::EndsWith("</svg>\n"));
  EXPECT_THAT(Read(old), HasSubstr("Replay of trace.csv"));
}

TEST_F(SimulateFilesTest, ATraceThatFailsLeavesThePictureAlone) {
  const std::string trace = Write("trace.csv", "t_us\n0\nx\n");
  const std::string old = Write("old.svg", "old");
  for (const std::string& picture : {old, Path("new.svg")}) {
    const Outcome outcome = SimulateText(
        {"--strategy", "gcra", "--rate", "1/s", "--trace", trace, "--plot", picture}, "");
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.err, absl::StrCat("sluicectl simulate: ", trace,
                                        ":3: t_us: 'x' is not a whole number from 0 to "
                                        "4503599627370495\n"));
  }
  EXPECT_EQ(Read(old), "old");
  EXPECT_FALSE(std::filesystem::exists(Path("new.svg")));
}

TEST_F(SimulateFilesTest, WhatCannotBeOpenedIsNamedBeforeAnythingIsWritten) {
  const Words gcra = {"--strategy", "gcra", "--rate", "1/s"};
  const auto refusal = [&](const std::string& option, const std::string& path) {
    Words arguments = gcra;
    arguments.insert(arguments.end(), {option, path});
    const Outcome outcome = SimulateText(arguments, "t_us\n0\n");
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.out, IsEmpty());
    return outcome.err;
  };
  EXPECT_EQ(refusal("--trace", Path("none.csv")),
            absl::StrCat("sluicectl simulate: --trace: ", Path("none.csv"),
                         ": No such file or directory\n"));
  EXPECT_EQ(refusal("--trace", folder_),
            absl::StrCat("sluicectl simulate: --trace: ", folder_, ": Is a directory\n"));
  EXPECT_EQ(refusal("--plot", Path("no/out.svg")),
            absl::StrCat("sluicectl simulate: --plot: ", Path("no/out.svg"),
                         ": No such file or directory\n"));
  EXPECT_EQ(refusal("--plot", folder_),
            absl::StrCat("sluicectl simulate: --plot: ", folder_, ": Is a directory\n"));
}

TEST(SimulateHelpTest, SaysWhatIsReadAndWritten) {
  const Outcome help = SimulateText({"--help"}, "");
  EXPECT_EQ(help.exit_code, 0);
  for (const char* words :
       {"--strategy", "--rate", "--param", "--trace", "--plot", "--summary", "STRATEGY:k=v",
        "t_us,key,op,cost,allowed,hits_remaining,wait_us,reset_us", "standard error"}) {
    EXPECT_THAT(help.err, HasSubstr(words));
  }
}

}  // namespace
}  // namespace sluice::cli
