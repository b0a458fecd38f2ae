#include "cli/simulate/scale.h"

#include <string>
#include <vector>

#include "core/rate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace sluice::cli {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Labels(const TimeAxis& axis) {
  std::vector<std::string> labels;
  for (const TimeTick& tick : axis.ticks) labels.push_back(tick.label);
  return labels;
}

TEST(ScaleTest, AmountAxesHaveRoundSteps) {
  const struct {
    double highest;
    double top;
    double step;
  } cases[] = {{0, 1, 1},      {0.3, 1, 1},       {1, 1, 1},         {5, 5, 1},     {6, 6, 2},
               {48, 50, 10},   {50, 50, 10},      {51, 60, 20},      {99, 100, 20}, {100, 100, 20},
               {101, 150, 50}, {1201, 1500, 500}, {1e15, 1e15, 2e14}};
  for (const auto& each : cases) {
    const AmountAxis axis = AmountAxisFor(each.highest, 5);
    EXPECT_DOUBLE_EQ(axis.top, each.top) << each.highest;
    EXPECT_DOUBLE_EQ(axis.step, each.step) << each.highest;
  }
}

RC_GTEST_PROP(ScaleProperty, AmountAxesReachTheHighestWithoutAStepToSpare, ()) {
  const double highest = static_cast<double>(*rc::gen::inRange<int64_t>(0, int64_t{1} << 52)) / 7;
  const AmountAxis axis = AmountAxisFor(highest, 5);
  RC_ASSERT(axis.top >= highest * (1 - 1e-8));
  RC_ASSERT(axis.top <= axis.step * 5 * (1 + 1e-8));
  RC_ASSERT(axis.top == axis.step || axis.top - axis.step < highest);
}

TEST(ScaleTest, TimeAxesChooseTheUnitAndRoundSteps) {
  const TimeAxis minutes = TimeAxisFor(0, 6 * kMinuteUs, 12);
  EXPECT_EQ(minutes.unit, "min");
  EXPECT_THAT(Labels(minutes), ElementsAre("0", "1", "2", "3", "4", "5", "6"));
  const TimeAxis seconds = TimeAxisFor(0, kMinuteUs, 12);
  EXPECT_EQ(seconds.unit, "s");
  EXPECT_THAT(Labels(seconds), ElementsAre("0", "5", "10", "15", "20", "25", "30", "35", "40", "45",
                                           "50", "55", "60"));
  EXPECT_EQ(TimeAxisFor(0, 850 * kMillisecondUs, 12).unit, "ms");
  EXPECT_EQ(TimeAxisFor(0, 1, 12).unit, "us");
  EXPECT_EQ(TimeAxisFor(0, kDayUs, 12).unit, "h");
  EXPECT_THAT(Labels(TimeAxisFor(0, kWeekUs, 12)),
              ElementsAre("0", "1", "2", "3", "4", "5", "6", "7"));
  EXPECT_EQ(TimeAxisFor(0, 100'000 * kDayUs, 12).ticks[1].at_us, 10'000 * kDayUs);
}

TEST(ScaleTest, TimeAxesMayBeginBeforeZero) {
  EXPECT_THAT(Labels(TimeAxisFor(-25 * kSecondUs, 25 * kSecondUs, 12)),
              ElementsAre("-25", "-20", "-15", "-10", "-5", "0", "5", "10", "15", "20", "25"));
  EXPECT_THAT(Labels(TimeAxisFor(-3, 2, 12)), ElementsAre("-3", "-2", "-1", "0", "1", "2"));
}

RC_GTEST_PROP(ScaleProperty, TimeTicksLieWithinAndAreNeverTooMany, ()) {
  const int64_t from = *rc::gen::inRange<int64_t>(-(int64_t{1} << 40), int64_t{1} << 40);
  const int64_t span = *rc::gen::inRange<int64_t>(1, int64_t{1} << *rc::gen::inRange(1, 53));
  const TimeAxis axis = TimeAxisFor(from, from + span, 12);
  RC_ASSERT(axis.ticks.size() <= 13);
  for (const TimeTick& tick : axis.ticks) {
    RC_ASSERT(tick.at_us >= from);
    RC_ASSERT(tick.at_us <= from + span);
  }
}

TEST(ScaleTest, AmountsAreShort) {
  EXPECT_EQ(AmountText(0), "0");
  EXPECT_EQ(AmountText(3.3333), "3.33");
  EXPECT_EQ(AmountText(0.001666), "0.00167");
  EXPECT_EQ(AmountText(100), "100");
  EXPECT_EQ(AmountText(1500), "1500");
  EXPECT_EQ(AmountText(12'000), "12k");
  EXPECT_EQ(AmountText(3'250'000), "3.25M");
  EXPECT_EQ(AmountText(4e15), "4P");
}

}  // namespace
}  // namespace sluice::cli
