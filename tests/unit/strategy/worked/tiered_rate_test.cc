// tiered_rate, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

Params Tiers() {
  return {{"tiers", ParamValue::Map({{"free", "0.5"}, {"pro", "2"}, {"none", "0"}})},
          {"default_tier", "free"}};
}

TEST(TieredRateTest, EachTierHasItsOwnLimitAndCounter) {
  Counter counter("tiered_rate", "5/min", Tiers());
  EXPECT_EQ(counter.Admitted(0, 20, "pro"), 10);
  EXPECT_EQ(counter.Admitted(0, 20, "free"), 2) << "floor(5 x 0.5)";
}

TEST(TieredRateTest, AnUnknownTierIsTheDefault) {
  Counter counter("tiered_rate", "5/min", Tiers());
  EXPECT_EQ(counter.Admitted(0, 1, "platinum"), 1);
  EXPECT_EQ(counter.Admitted(0, 20, ""), 1) << "one counter for both";
}

TEST(TieredRateTest, AMultiplierOfZeroAdmitsNothing) {
  Counter counter("tiered_rate", "5/min", Tiers());
  EXPECT_EQ(counter.Hit(0, 1, "none").wait_us, kNever);
}

TEST(TieredRateTest, MultipliersAreExact) {
  // In a double 100 x 0.29 is a little less than 29.
  Counter counter("tiered_rate", "100/min",
                  {{"tiers", ParamValue::Map({{"a", "0.29"}})}, {"default_tier", "a"}});
  EXPECT_EQ(counter.Remaining(0), 29);
}

}  // namespace
}  // namespace sluice
