// sliding_window_counter, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

TEST(SlidingWindowCounterTest, TheWindowBeforeWeighsWhatIsStillInSight) {
  Counter counter("sliding_window_counter", "10/10s");
  EXPECT_EQ(counter.Admitted(5, 20), 10);
  EXPECT_EQ(counter.Admitted(10, 20), 0) << "all of the window before is in sight";
  EXPECT_EQ(counter.Admitted(12, 20), 2) << "8 of 10 are still in sight";
  EXPECT_EQ(counter.Admitted(15, 20), 3) << "5 are, and 2 were taken since";
}

TEST(SlidingWindowCounterTest, WaitsInThisWindowForTheOneBeforeToPass) {
  Counter counter("sliding_window_counter", "10/10s");
  counter.Admitted(5, 10);
  // 10 x (10 - t) / 10 <= 7 from t = 3 on.
  EXPECT_EQ(counter.Look(11, 3).wait_us, Seconds(2));
}

TEST(SlidingWindowCounterTest, WaitsIntoTheNextWindowForThisOneToPass) {
  Counter counter("sliding_window_counter", "10/10s");
  counter.Hit(0, 8);
  // 8 x (10 - t) / 10 <= 5 from t = 3.75 of the next window on.
  EXPECT_EQ(counter.Look(1, 5).wait_us, Seconds(12.75));
  EXPECT_EQ(counter.Look(1, 11).wait_us, kNever);
}

TEST(SlidingWindowCounterTest, IsForgottenTwoWindowsLater) {
  Counter counter("sliding_window_counter", "10/10s");
  EXPECT_EQ(counter.Hit(3).reset_us, Seconds(17));
  EXPECT_EQ(counter.Look(13).reset_us, Seconds(7));
  EXPECT_EQ(counter.Look(20).reset_us, 0);
}

TEST(SlidingWindowCounterTest, ARefundGoesBackThroughTheWindows) {
  Counter counter("sliding_window_counter", "10/10s");
  counter.Hit(9, 8);
  counter.Hit(15, 3);
  EXPECT_EQ(counter.Remaining(15), 3) << "10 - 3 - 8 / 2";
  EXPECT_EQ(counter.Settle(15, -5).remaining, 7) << "10 - 0 - 6 / 2";
}

TEST(SlidingWindowCounterTest, TimeMattersWithinAWindowSoItNeverRunsBack) {
  Counter counter("sliding_window_counter", "10/10s");
  counter.Hit(5, 10);
  EXPECT_TRUE(counter.Hit(15).allowed);
  EXPECT_EQ(counter.Remaining(11), counter.Remaining(15));
}

}  // namespace
}  // namespace sluice
