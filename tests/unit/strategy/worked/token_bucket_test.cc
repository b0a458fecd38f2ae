// token_bucket, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

TEST(TokenBucketTest, StartsFullAndRefillsAtTheRate) {
  Counter counter("token_bucket", "1/s", {{"burst_size", "5"}});
  EXPECT_EQ(counter.Admitted(0, 9), 5);
  EXPECT_EQ(counter.Admitted(2, 9), 2);
  EXPECT_EQ(counter.Admitted(100, 9), 5);
}

TEST(TokenBucketTest, TheWaitIsTheTimeInWhichTheTokensComeIn) {
  Counter counter("token_bucket", "4/s");
  counter.Hit(0, 3);
  EXPECT_EQ(counter.Look(0, 3).wait_us, Seconds(0.5));
  EXPECT_EQ(counter.Look(0, 5).wait_us, kNever);
  EXPECT_EQ(counter.Look(0).reset_us, Seconds(0.75));
}

TEST(TokenBucketTest, DebtIsPaidBeforeAnythingPasses) {
  Counter counter("token_bucket", "1/s", {{"burst_size", "5"}});
  EXPECT_EQ(counter.Settle(0, 7).wait_us, Seconds(2));
  EXPECT_EQ(counter.Hit(0).wait_us, Seconds(3));
  EXPECT_EQ(counter.Remaining(3), 1);
}

}  // namespace
}  // namespace sluice
