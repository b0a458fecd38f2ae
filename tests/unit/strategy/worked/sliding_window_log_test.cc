// sliding_window_log, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

TEST(SlidingWindowLogTest, IsExact) {
  Counter counter("sliding_window_log", "3/10s");
  EXPECT_TRUE(counter.Hit(1).allowed);
  EXPECT_TRUE(counter.Hit(4, 2).allowed);
  EXPECT_FALSE(counter.Hit(10.999999).allowed);
  EXPECT_TRUE(counter.Hit(11).allowed) << "the hit at 1 s is a period old";
  EXPECT_EQ(counter.Look(11).wait_us, Seconds(3));
}

TEST(SlidingWindowLogTest, WaitsForAsManyEntriesAsTheCostNeeds) {
  Counter counter("sliding_window_log", "5/10s");
  for (int second = 0; second < 5; ++second) counter.Hit(second);
  EXPECT_EQ(counter.Look(5, 1).wait_us, Seconds(5));
  EXPECT_EQ(counter.Look(5, 3).wait_us, Seconds(7));
  EXPECT_EQ(counter.Look(5, 6).wait_us, kNever);
}

TEST(SlidingWindowLogTest, AFullLogDeniesAndForgetsNothingEarly) {
  Counter counter("sliding_window_log", "10/10s", {{"max_entries", "2"}});
  counter.Hit(0);
  counter.Hit(1);
  const Verdict denied = counter.Hit(2);
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.remaining, 0);
  EXPECT_EQ(denied.wait_us, Seconds(8)) << "until an entry is free";
  EXPECT_EQ(counter.Look(2, 10).wait_us, Seconds(9)) << "and the cost fits";
}

TEST(SlidingWindowLogTest, DeniedHitsTakeThePlaceOfTheOldestCost) {
  Counter counter("sliding_window_log", "5/10s", {{"count_denied", "true"}});
  counter.Hit(0, 3);
  counter.Hit(5, 2);
  // Of 3 + 2 + 2 the oldest two are forgotten: 1 at 0 s, 2 at 5 s, 2 at 6 s.
  EXPECT_EQ(counter.Hit(6, 2).wait_us, Seconds(9)) << "until those of 0 s and 5 s are gone";
  EXPECT_EQ(counter.Remaining(10), 1);
}

TEST(SlidingWindowLogTest, ARefundLowersTheNewest) {
  Counter counter("sliding_window_log", "5/10s");
  counter.Hit(0, 2);
  counter.Hit(5, 3);
  EXPECT_EQ(counter.Settle(6, -4).remaining, 4);
  EXPECT_EQ(counter.Look(6).reset_us, Seconds(4)) << "what is left is of 0 s";
}

}  // namespace
}  // namespace sluice
