// time_of_day, worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/strategy/worked/counter.h"

namespace sluice {
namespace {

// Twice as much by day.
Params ByDay(const char* zone) {
  const auto window = [](const char* from, const char* to, const char* multiplier) {
    return ParamValue::Map({{"from", from}, {"to", to}, {"multiplier", multiplier}});
  };
  return {{"windows", ParamValue::List({window("8", "20", "2"), window("20", "8", "1")})},
          {"timezone", zone}};
}

constexpr double kHour = 3'600;
constexpr double kDay = 24 * kHour;
// 2025-03-30T00:00Z: in Berlin 02:00 becomes 03:00 an hour later.
constexpr double kSpringForward = 20'177 * kDay;

TEST(TimeOfDayTest, TheLimitIsThatOfTheLocalHour) {
  Counter counter("time_of_day", "5/min", ByDay("UTC"));
  EXPECT_EQ(counter.Remaining(7.99 * kHour), 5);
  EXPECT_EQ(counter.Remaining(8 * kHour), 10);
  EXPECT_EQ(counter.Remaining(20 * kHour), 5);
  Counter kolkata("time_of_day", "5/min", ByDay("Asia/Kolkata"));
  EXPECT_EQ(kolkata.Remaining(2.49 * kHour), 5);
  EXPECT_EQ(kolkata.Remaining(2.5 * kHour), 10) << "five and a half hours ahead";
}

TEST(TimeOfDayTest, WhatIsUsedStaysWhenTheHourChanges) {
  Counter counter("time_of_day", "5/day", ByDay("UTC"));
  EXPECT_EQ(counter.Admitted(7 * kHour, 9), 5);
  EXPECT_EQ(counter.Hit(7 * kHour).wait_us, Seconds(kHour));
  EXPECT_EQ(counter.Admitted(8 * kHour, 9), 5);
  EXPECT_EQ(counter.Remaining(20 * kHour), 0);
}

TEST(TimeOfDayTest, WaitsForTheNextWindowOrTheHourThatHoldsTheCost) {
  Counter counter("time_of_day", "5/day", ByDay("UTC"));
  counter.Hit(9 * kHour, 10);
  EXPECT_EQ(counter.Look(9 * kHour, 5).wait_us, Seconds(15 * kHour)) << "midnight";
  EXPECT_EQ(counter.Look(9 * kHour, 6).wait_us, Seconds(23 * kHour)) << "eight in the morning";
  EXPECT_EQ(counter.Look(9 * kHour, 11).wait_us, kNever);
}

TEST(TimeOfDayTest, TheDayOnWhichAnHourIsMissing) {
  Counter counter("time_of_day", "5/7d", ByDay("Europe/Berlin"));
  // 01:00 local; eight o'clock is only six hours away.
  EXPECT_EQ(counter.Look(kSpringForward, 6).wait_us, Seconds(6 * kHour));
  EXPECT_EQ(counter.Look(kSpringForward - kDay, 6).wait_us, Seconds(7 * kHour));
}

TEST(TimeOfDayTest, TheHourIsThatOfTheKeysTime) {
  Counter counter("time_of_day", "5/day", ByDay("UTC"));
  counter.Hit(8 * kHour, 1);
  EXPECT_EQ(counter.Remaining(7 * kHour), 9) << "the clock ran back, the key's time did not";
}

}  // namespace
}  // namespace sluice
