#include "cli/simulate/tally.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;

TEST(PeakFinderTest, ASpanIsClosedAtItsStartAndOpenAtItsEnd) {
  PeakFinder peak(10);
  peak.Admit(0, 100, 3, "a");
  peak.Admit(0, 109, 4, "a");
  EXPECT_EQ(peak.most(), 7);
  peak.Admit(0, 110, 2, "a");
  EXPECT_EQ(peak.most(), 7);
  peak.Admit(0, 110, 2, "a");
  EXPECT_EQ(peak.most(), 8);
}

TEST(PeakFinderTest, CountersAreApartAndTheFirstToReachItIsNamed) {
  PeakFinder peak(10);
  peak.Admit(0, 0, 3, "a");
  peak.Admit(1, 1, 3, "b");
  EXPECT_EQ(peak.most(), 3);
  EXPECT_EQ(peak.key(), "a");
  peak.Admit(1, 2, 1, "b");
  EXPECT_EQ(peak.most(), 4);
  EXPECT_EQ(peak.key(), "b");
  peak.Admit(1, 3, 1, "b", "pro");
  EXPECT_EQ(peak.split(), "pro");
}

TEST(PeakFinderTest, AClockThatRanBackStandsStill) {
  PeakFinder peak(10);
  peak.Admit(0, 100, 1, "a");
  peak.Admit(0, 50, 1, "a");
  EXPECT_EQ(peak.most(), 2);
  peak.Admit(0, 110, 1, "a");
  EXPECT_EQ(peak.most(), 2);
}

RC_GTEST_PROP(PeakFinderProperty, IsTheLargestOfAllSpans, ()) {
  const auto admissions = *rc::gen::container<std::vector<std::pair<int64_t, int64_t>>>(
      rc::gen::pair(rc::gen::inRange<int64_t>(0, 8), rc::gen::inRange<int64_t>(1, 4)));
  const int64_t period = *rc::gen::inRange<int64_t>(1, 20);
  PeakFinder peak(period);
  std::vector<std::pair<int64_t, int64_t>> all;
  int64_t now = 0;
  for (const auto& [gap, cost] : admissions) {
    now += gap;
    all.emplace_back(now, cost);
    peak.Admit(0, now, cost, "k");
  }
  int64_t most = 0;
  for (const auto& start : all) {
    int64_t sum = 0;
    for (const auto& [at, cost] : all) {
      if (at >= start.first && at < start.first + period) sum += cost;
    }
    most = std::max(most, sum);
  }
  RC_ASSERT(peak.most() == most);
}

TEST(TallyTest, CountsEachKindOfRow) {
  const Rate rate = *Rate::Create(10, kSecondUs);
  Tally tally(rate);
  tally.Count({0, 4, Op::kHit, "k"}, {true, 6, 0, 1, 0});
  tally.Count({1, 7, Op::kHit, "k"}, {false, 6, 2'500'000, 1, 0});
  tally.Count({2, 11, Op::kHit, "k"}, {false, 6, kNever, 1, 0});
  tally.Count({3, 9, Op::kCheck, "k"}, {false, 6, 3'000'000, 1, 0});
  tally.Count({4, 1, Op::kStat, "k"}, {true, 6, 0, 1, 0});
  tally.Count({5, 0, Op::kHit, "k"}, {true, 6, 0, 1, 0});
  EXPECT_EQ(tally.rows, 6);
  EXPECT_EQ(tally.admitted_hits, 2);
  EXPECT_EQ(tally.denied_hits, 2);
  EXPECT_EQ(tally.admitted_cost, 4u);
  EXPECT_EQ(tally.denied_cost, 18u);
  EXPECT_EQ(tally.checks, 1);
  EXPECT_EQ(tally.stats, 1);
  EXPECT_EQ(tally.longest_wait_us, 3'000'000);
  EXPECT_EQ(tally.infinite_waits, 1);
  EXPECT_EQ(tally.peak().most(), 4);
  EXPECT_EQ(SummaryText(rate, {{"gcra", &tally}}),
            "                                     gcra\n"
            "rows                                    6\n"
            "hits                                    4\n"
            "  admitted                              2\n"
            "  denied                                2\n"
            "cost                                   22\n"
            "  admitted                              4\n"
            "  denied                               18\n"
            "checks                                  1\n"
            "stats                                   1\n"
            "longest wait told        3000000 us (3 s)\n"
            "waits without end                       1\n"
            "most admitted in any 1s          4 of 'k'\n");
}

TEST(TallyTest, SumsDoNotOverflow) {
  Tally tally(Rate::Unlimited());
  for (int i = 0; i < 5'000; ++i) {
    tally.Count({0, kMaxAmount - 1, Op::kHit, ""}, {true, kNever, 0, 0, 0});
  }
  const std::string text = SummaryText(Rate::Unlimited(), {{"gcra", &tally}});
  EXPECT_THAT(text, HasSubstr("22517998136852475000"));
  EXPECT_THAT(text, testing::Not(HasSubstr("most admitted")));
}

}  // namespace
}  // namespace sluice::cli
