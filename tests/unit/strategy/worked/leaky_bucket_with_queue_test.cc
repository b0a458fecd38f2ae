// leaky_bucket_with_queue, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

// What the registers tell: hits in the queue, and entries.
constexpr size_t kEntries = 2;
constexpr size_t kHits = 3;

TEST(LeakyBucketWithQueueTest, IsDecidedByTheLevelAlone) {
  Counter counter("leaky_bucket_with_queue", "2/s", {{"capacity", "4"}, {"max_entries", "1"}});
  EXPECT_EQ(counter.Admitted(0, 9), 4) << "a full FIFO is no reason to deny";
  EXPECT_EQ(counter.Hit(0).wait_us, Seconds(0.5));
}

TEST(LeakyBucketWithQueueTest, EntriesLeaveAsTheyDrain) {
  Counter counter("leaky_bucket_with_queue", "1/s", {{"capacity", "10"}});
  counter.Hit(0, 2);
  counter.Hit(0, 3);
  EXPECT_EQ(counter.Look(1.5).registers[kEntries], 2) << "half a hit of the first is left";
  EXPECT_EQ(counter.Look(2).registers[kEntries], 1);
  EXPECT_EQ(counter.Look(4.999999).registers[kEntries], 1);
  EXPECT_EQ(counter.Look(5).registers[kEntries], 0);
}

TEST(LeakyBucketWithQueueTest, KeepsTheNewestEntries) {
  Counter counter("leaky_bucket_with_queue", "1/s", {{"capacity", "10"}, {"max_entries", "2"}});
  counter.Hit(0, 1);
  counter.Hit(0, 2);
  const Verdict third = counter.Hit(0, 3);
  EXPECT_EQ(third.registers[kEntries], 2);
  EXPECT_EQ(third.registers[kHits], 5);
}

TEST(LeakyBucketWithQueueTest, ARefundLowersTheNewestEntry) {
  Counter counter("leaky_bucket_with_queue", "1/s", {{"capacity", "10"}});
  counter.Hit(0, 2);
  counter.Hit(0, 3);
  const Verdict refunded = counter.Settle(0, -4);
  EXPECT_EQ(refunded.registers[kEntries], 1);
  EXPECT_EQ(refunded.registers[kHits], 1);
  EXPECT_EQ(refunded.remaining, 9);
}

}  // namespace
}  // namespace sluice
