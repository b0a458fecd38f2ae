// leaky_bucket, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

TEST(LeakyBucketTest, TakesWhatFitsAndLeaksAtTheRate) {
  Counter counter("leaky_bucket", "2/s", {{"capacity", "4"}});
  EXPECT_EQ(counter.Admitted(0, 9), 4);
  EXPECT_EQ(counter.Hit(0).wait_us, Seconds(0.5));
  EXPECT_EQ(counter.Admitted(1, 9), 2);
}

TEST(LeakyBucketTest, ACostAboveTheCapacityNeverFits) {
  Counter counter("leaky_bucket", "2/s", {{"capacity", "4"}});
  EXPECT_EQ(counter.Look(0, 5).wait_us, kNever);
  EXPECT_TRUE(counter.Look(0, 4).allowed);
}

}  // namespace
}  // namespace sluice
