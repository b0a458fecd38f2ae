// quota_with_rollover, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

TEST(QuotaWithRolloverTest, HalfOfWhatIsLeftRollsOver) {
  Counter counter("quota_with_rollover", "10/min");
  EXPECT_EQ(counter.Remaining(0), 15) << "the period before the first was wholly unused";
  counter.Hit(0, 4);
  EXPECT_EQ(counter.Remaining(60), 13) << "half of 6";
}

TEST(QuotaWithRolloverTest, WhatRolledOverDoesNotRollAgain) {
  Counter counter("quota_with_rollover", "10/min");
  counter.Hit(0, 15);
  EXPECT_EQ(counter.Remaining(60), 10) << "15 of 10 were used";
  EXPECT_EQ(counter.Remaining(120), 15) << "5 of an unused 10, and no more";
}

TEST(QuotaWithRolloverTest, NoMoreThanTheMostRollsOver) {
  Counter counter("quota_with_rollover", "10/min",
                  {{"rollover_percentage", "1"}, {"max_rollover", "3"}});
  EXPECT_EQ(counter.Remaining(0), 13);
}

TEST(QuotaWithRolloverTest, WaitsOneOrTwoPeriods) {
  Counter counter("quota_with_rollover", "10/min");
  counter.Hit(0, 8);
  EXPECT_EQ(counter.Look(10, 11).wait_us, Seconds(50)) << "10 and half of 2";
  EXPECT_EQ(counter.Look(10, 12).wait_us, Seconds(110)) << "10 and half of 10";
  EXPECT_EQ(counter.Look(10, 16).wait_us, kNever);
}

TEST(QuotaWithRolloverTest, IsForgottenTwoPeriodsLater) {
  Counter counter("quota_with_rollover", "10/min");
  EXPECT_EQ(counter.Hit(10).reset_us, Seconds(110));
}

}  // namespace
}  // namespace sluice
