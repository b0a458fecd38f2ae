// adaptive_throttle, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

constexpr size_t kEffective = 2;

TEST(AdaptiveThrottleTest, IsReducedOnceAWindowWhenTheLoadIsHigh) {
  Counter counter("adaptive_throttle", "100/min");
  EXPECT_EQ(counter.Hit(0, 80).registers[kEffective], 100) << "80 are not above 80 %";
  const Verdict reduced = counter.Hit(0, 1);
  EXPECT_EQ(reduced.registers[kEffective], 60);
  EXPECT_EQ(reduced.remaining, 0) << "81 are used";
  EXPECT_FALSE(counter.Hit(1).allowed);
}

TEST(AdaptiveThrottleTest, AHitIsDecidedByTheLimitAsItStands) {
  Counter counter("adaptive_throttle", "100/min");
  EXPECT_TRUE(counter.Hit(0, 100).allowed);
}

TEST(AdaptiveThrottleTest, EachWindowGivesBackATenth) {
  Counter counter("adaptive_throttle", "100/min");
  counter.Hit(0, 100);
  EXPECT_EQ(counter.Remaining(60), 70);
  EXPECT_EQ(counter.Remaining(120), 80) << "idle ones too";
  EXPECT_EQ(counter.Look(0).reset_us, Seconds(240));
}

TEST(AdaptiveThrottleTest, WaitsForTheWindowThatHoldsTheCost) {
  Counter counter("adaptive_throttle", "100/min");
  counter.Hit(0, 100);
  EXPECT_EQ(counter.Look(10, 70).wait_us, Seconds(50));
  EXPECT_EQ(counter.Look(10, 71).wait_us, Seconds(110));
  EXPECT_EQ(counter.Look(10, 101).wait_us, kNever);
}

// Of a limit that a reload has made smaller than what was left of the one before.
TEST(AdaptiveThrottleTest, ItsReductionIsRememberedWhenAllIsTakenBack) {
  Counter counter("adaptive_throttle", "100/min");
  counter.Hit(0, 81);
  counter.ReplaceLimit("adaptive_throttle", "50/min");
  const Verdict taken_back = counter.Settle(0, -81);
  EXPECT_EQ(taken_back.remaining, 50);
  EXPECT_EQ(taken_back.reset_us, Seconds(60)) << "it is not as if never used";
  EXPECT_EQ(counter.Hit(1, 50).registers[kEffective], 50) << "a window is reduced once";
}

TEST(AdaptiveThrottleTest, IsNeverReducedBelowTheLeast) {
  Counter counter("adaptive_throttle", "100/min",
                  {{"recovery_rate", "0.000001"}, {"min_limit_ratio", "0.5"}});
  counter.Hit(0, 100);
  EXPECT_EQ(counter.Hit(60, 61).registers[kEffective], 50) << "and not 61 x 0.6";
}

}  // namespace
}  // namespace sluice
