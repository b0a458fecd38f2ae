#include "strategy/calendar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "core/charge.h"
#include "core/rate.h"

namespace sluice {
namespace {

absl::TimeZone Zone(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

// With whole and broken offsets, moves of an hour and of half an hour, and one at a minute past.
constexpr const char* kZones[] = {"UTC",           "Europe/Berlin",    "America/New_York",
                                  "Asia/Kolkata",  "America/St_Johns", "Australia/Lord_Howe",
                                  "Asia/Kathmandu"};

int LocalHour(const absl::TimeZone& zone, int64_t at_us) {
  return zone.At(absl::FromUnixMicros(at_us)).cs.hour();
}

TEST(LocalHoursTest, AStretchIsOneHourOfTheWallAndNoLongerThanOne) {
  std::mt19937_64 random(1);
  for (const char* name : kZones) {
    const absl::TimeZone zone = Zone(name);
    const LocalHours hours(zone);
    for (int i = 0; i < 20'000; ++i) {
      // Anywhere in some forty years.
      const auto at_us =
          static_cast<int64_t>(random() % (40 * 365 * 24 * 3'600ULL)) * kSecondUs + i % 1'000'000;
      const Hour hour = hours.At(at_us);
      ASSERT_LE(hour.from_us, at_us) << name;
      ASSERT_LT(at_us, hour.until_us) << name;
      ASSERT_LE(hour.until_us - hour.from_us, kHourUs) << name;
      for (const int64_t within_us : {hour.from_us, at_us, hour.until_us - 1}) {
        ASSERT_EQ(LocalHour(zone, within_us), hour.hour) << name << " at " << within_us;
      }
    }
  }
}

TEST(LocalHoursTest, WhatIsRememberedIsWhatIsLookedUp) {
  std::mt19937_64 random(2);
  for (const char* name : kZones) {
    const absl::TimeZone zone = Zone(name);
    const LocalHours remembering(zone);
    // The days around all moves of the clocks of a year.
    int64_t at_us = 1'735'689'600 * kSecondUs;
    const int64_t end_us = at_us + kYearUs;
    for (; at_us < end_us; at_us += static_cast<int64_t>(random() % (40 * kMinuteUs))) {
      const Hour remembered = remembering.At(at_us);
      const Hour fresh = LocalHours(zone).At(at_us);
      ASSERT_EQ(remembered.hour, fresh.hour) << name << " at " << at_us;
      ASSERT_EQ(remembered.from_us, fresh.from_us) << name << " at " << at_us;
      ASSERT_EQ(remembered.until_us, fresh.until_us) << name << " at " << at_us;
    }
  }
}

TEST(LocalHoursTest, BeforeTheEpochAndFarBehindItNothingIsRememberedWrongly) {
  const LocalHours hours(Zone("Asia/Kolkata"));
  // The hour of 05:00 began half an hour before the epoch.
  EXPECT_EQ(hours.At(0).from_us, -kHourUs / 2);
  EXPECT_EQ(hours.At(0).hour, 5);
  EXPECT_EQ(hours.At(kHourUs / 2).hour, 6);
  const int64_t far_us = int64_t{1} << 61;
  EXPECT_LE(hours.At(far_us).from_us, far_us);
  EXPECT_LT(far_us, hours.At(far_us).until_us);
}

TEST(LocalHoursTest, TheFirstHourThatFits) {
  const LocalHours hours(Zone("Europe/Berlin"));
  const auto at = [](int wanted) {
    return [wanted](const Hour& hour) { return hour.hour == wanted; };
  };
  // 2025-03-30T00:00Z is 01:00; 02:00 is missing.
  const int64_t start_us = 20'177 * kDayUs;
  EXPECT_EQ(hours.First(start_us + 1, kNever, at(1)), start_us + 1);
  EXPECT_EQ(hours.First(start_us, kNever, at(3)), start_us + kHourUs);
  EXPECT_EQ(hours.First(start_us, kNever, at(2)), start_us + kDayUs);
  EXPECT_EQ(hours.First(start_us, start_us + kHourUs, at(3)), absl::nullopt);
  EXPECT_EQ(hours.First(start_us, kNever, at(24)), absl::nullopt);
}

TEST(LocalHoursTest, ManyThreadsMayAskAtOnce) {
  const absl::TimeZone zone = Zone("Australia/Lord_Howe");
  const LocalHours hours(zone);
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int i = 0; i < 20'000; ++i) {
        const int64_t at_us = (1'700'000'000 + static_cast<int64_t>(random() % 20'000)) * kSecondUs;
        if (hours.At(at_us).hour != LocalHour(zone, at_us)) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(wrong.begin(), wrong.end(), 0), 4);
}

}  // namespace
}  // namespace sluice
