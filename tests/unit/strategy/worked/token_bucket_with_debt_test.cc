// token_bucket_with_debt, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

const Params kDebt = {{"burst_size", "3"}, {"max_debt", "2"}};

TEST(TokenBucketWithDebtTest, MayBeOverdrawn) {
  Counter counter("token_bucket_with_debt", "1/s", kDebt);
  EXPECT_EQ(counter.Remaining(0), 5);
  EXPECT_TRUE(counter.Hit(0, 4).allowed);
  EXPECT_FALSE(counter.Hit(0, 2).allowed);
  EXPECT_TRUE(counter.Hit(0, 1).allowed);
  EXPECT_EQ(counter.Look(0).wait_us, Seconds(1));
}

TEST(TokenBucketWithDebtTest, RefillsFromBelowZero) {
  Counter counter("token_bucket_with_debt", "1/s", kDebt);
  counter.Hit(0, 5);
  EXPECT_EQ(counter.Remaining(2), 2) << "zero tokens, and two may be owed";
  EXPECT_EQ(counter.Look(2).reset_us, Seconds(3));
}

}  // namespace
}  // namespace sluice
