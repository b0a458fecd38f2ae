// gcra, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

TEST(GcraTest, SpacesHitsEvenlyByDefault) {
  Counter counter("gcra", "10/s");
  EXPECT_TRUE(counter.Hit(0).allowed);
  EXPECT_EQ(counter.Hit(0.05).wait_us, Seconds(0.05));
  EXPECT_TRUE(counter.Hit(0.1).allowed);
}

TEST(GcraTest, ABurstPassesAtOnceAndRefillsOneHitAnInterval) {
  Counter counter("gcra", "10/s", {{"burst", "10"}});
  EXPECT_TRUE(counter.Hit(0).allowed);
  EXPECT_EQ(counter.Admitted(0.85, 12), 10);
  EXPECT_EQ(counter.Hit(0.85).wait_us, Seconds(0.1));
}

TEST(GcraTest, ATolerance) {
  Counter counter("gcra", "10/s", {{"burst_tolerance", "250ms"}});
  EXPECT_EQ(counter.Admitted(0, 9), 3) << "the fourth would be 300 ms ahead";
  EXPECT_EQ(counter.Hit(0).wait_us, Seconds(0.05));
}

TEST(GcraTest, AnOversizedCostMayPayLater) {
  Counter counter("gcra", "10/s", {{"burst", "2"}, {"oversize", "pay_later"}});
  EXPECT_EQ(counter.Remaining(0), 10);
  EXPECT_TRUE(counter.Hit(0, 8).allowed);
  EXPECT_EQ(counter.Hit(0, 3).wait_us, Seconds(0.8)) << "a large one only when nothing is owed";
  EXPECT_EQ(counter.Hit(0, 1).wait_us, Seconds(0.7)) << "a small one as ever";
  EXPECT_EQ(counter.Hit(0, 11).wait_us, kNever);
}

}  // namespace
}  // namespace sluice
