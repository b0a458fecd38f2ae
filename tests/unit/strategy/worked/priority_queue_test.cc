// priority_queue, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

TEST(PriorityQueueTest, LowerPrioritiesDoNotTakeThePlaceOfHigherOnes) {
  Counter counter("priority_queue", "3/10s");
  EXPECT_EQ(counter.Admitted(0, 9, "low"), 3);
  EXPECT_EQ(counter.Admitted(0, 9, "critical"), 3);
  EXPECT_EQ(counter.Admitted(0, 9, "high"), 0) << "the critical ones count against it";
}

TEST(PriorityQueueTest, AHardLimitHoldsForAllTogether) {
  Counter counter("priority_queue", "3/10s", {{"hard_limit", "4"}});
  EXPECT_EQ(counter.Admitted(0, 9, "low"), 3);
  EXPECT_EQ(counter.Admitted(0, 9, "critical"), 1);
}

TEST(PriorityQueueTest, AnythingElseIsTheDefaultPriority) {
  Counter counter("priority_queue", "3/10s");
  EXPECT_EQ(counter.Admitted(0, 1, "urgent"), 1);
  EXPECT_EQ(counter.Remaining(0, "normal"), 2);
  EXPECT_EQ(counter.Remaining(0, "3"), 3);
}

TEST(PriorityQueueTest, WaitsForTheEntriesThatCountAgainstIt) {
  Counter counter("priority_queue", "2/10s");
  counter.Hit(0, 1, "low");
  counter.Hit(1, 2, "high");
  EXPECT_EQ(counter.Look(2, 1, "normal").wait_us, Seconds(9)) << "the low one is none of them";
}

TEST(PriorityQueueTest, AFullLogDeniesEveryPriority) {
  Counter counter("priority_queue", "3/10s", {{"max_entries", "1"}});
  counter.Hit(0, 1, "low");
  EXPECT_EQ(counter.Hit(1, 1, "critical").wait_us, Seconds(9));
}

}  // namespace
}  // namespace sluice
