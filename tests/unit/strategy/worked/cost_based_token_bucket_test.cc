// cost_based_token_bucket, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

const Params kBurst = {{"burst_size", "10"}};

TEST(CostBasedTokenBucketTest, RefillsByTheAverageCost) {
  Counter counter("cost_based_token_bucket", "1/s", kBurst);
  counter.Hit(0, 4);
  // The average is 4, so a quarter of the rate.
  EXPECT_EQ(counter.Look(0, 7).wait_us, Seconds(4));
  EXPECT_EQ(counter.Look(0).reset_us, Seconds(16));
}

TEST(CostBasedTokenBucketTest, TheAverageIsOverTheLastHits) {
  Counter counter("cost_based_token_bucket", "1/s", {{"burst_size", "10"}, {"cost_window", "2"}});
  counter.Hit(0, 4);
  EXPECT_EQ(counter.Hit(0, 2).registers[2], 3'000'000) << "4 + (2 - 4) / 2";
  EXPECT_EQ(counter.Hit(0, 1).registers[2], 2'000'000) << "3 + (1 - 3) / 2";
}

TEST(CostBasedTokenBucketTest, AFullBucketForgets) {
  Counter counter("cost_based_token_bucket", "1/s", kBurst);
  counter.Hit(0, 4);
  EXPECT_EQ(counter.Look(15.999999).registers[3], 1);
  EXPECT_EQ(counter.Look(16).registers[3], 0);
  EXPECT_EQ(counter.Hit(16, 1).reset_us, Seconds(1)) << "at the whole rate again";
}

TEST(CostBasedTokenBucketTest, NeverRefillsMoreSlowlyThanTheLeast) {
  Counter counter("cost_based_token_bucket", "1/s", {{"burst_size", "50"}});
  counter.Hit(0, 50);
  EXPECT_EQ(counter.Look(0, 1).wait_us, Seconds(10)) << "a tenth, and not a fiftieth";
}

TEST(CostBasedTokenBucketTest, CheapHitsAreATokenBucket) {
  Counter counter("cost_based_token_bucket", "1/s", kBurst);
  EXPECT_EQ(counter.Admitted(0, 20), 10);
  EXPECT_EQ(counter.Admitted(3, 20), 3);
}

}  // namespace
}  // namespace sluice
