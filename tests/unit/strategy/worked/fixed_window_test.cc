// fixed_window, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

TEST(FixedWindowTest, CountsInWindowsAlignedToTheEpoch) {
  Counter counter("fixed_window", "3/10s");
  EXPECT_EQ(counter.Admitted(9, 5), 3);
  EXPECT_EQ(counter.Hit(9.5).wait_us, Seconds(0.5));
  EXPECT_EQ(counter.Admitted(10, 5), 3) << "twice the limit within a second is its weak spot";
}

TEST(FixedWindowTest, ACostIsTakenWholeOrNotAtAll) {
  Counter counter("fixed_window", "10/min");
  EXPECT_EQ(counter.Hit(0, 7).remaining, 3);
  const Verdict denied = counter.Hit(1, 4);
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.remaining, 3);
  EXPECT_EQ(denied.wait_us, Seconds(59));
  EXPECT_EQ(counter.Hit(1, 11).wait_us, kNever);
}

TEST(FixedWindowTest, AClockThatRanBackStaysInTheWindow) {
  Counter counter("fixed_window", "1/10s");
  EXPECT_TRUE(counter.Hit(12).allowed);
  const Verdict denied = counter.Hit(3);
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.wait_us, Seconds(17)) << "until 20 s, from the real clock";
}

TEST(FixedWindowTest, DeniedHitsCountWhenTheyShall) {
  Counter counter("fixed_window", "5/10s", {{"count_denied", "true"}});
  counter.Hit(0, 3);
  EXPECT_EQ(counter.Look(1, 3).remaining, 2) << "a look records nothing";
  EXPECT_EQ(counter.Hit(1, 3).remaining, 0) << "capped at the limit";
  EXPECT_FALSE(counter.Hit(2, 2).allowed);
  EXPECT_TRUE(counter.Hit(10, 5).allowed);
}

TEST(FixedWindowTest, SettlingMayOweOneMoreLimit) {
  Counter counter("fixed_window", "5/10s");
  counter.Settle(0, 100);
  EXPECT_EQ(counter.Settle(0, -4).remaining, 0) << "6 of 5 are used";
  EXPECT_EQ(counter.Settle(0, -100).reset_us, 0);
}

}  // namespace
}  // namespace sluice
