#include "core/clock.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <memory>
#include <utility>

namespace sluice {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;
constexpr int64_t kSlewPerMillion = 500;

struct Readings {
  int64_t steady_us = 5'000;
  int64_t utc_us = kStart;

  void Pass(int64_t us) {
    steady_us += us;
    utc_us += us;
  }
};

class FakeSource final : public ClockSource {
 public:
  explicit FakeSource(const Readings& readings) : readings_(readings) {}
  int64_t SteadyUs() const override { return readings_.steady_us; }
  int64_t UtcUs() const override { return readings_.utc_us; }

 private:
  const Readings& readings_;
};

class ClockTest : public ::testing::Test {
 protected:
  Readings readings_;
  const std::unique_ptr<Clock> clock_ =
      NewDisciplinedClock(std::make_unique<FakeSource>(readings_));
};

TEST_F(ClockTest, StartsAtUtcAndRunsWithTheSteadyClock) {
  EXPECT_EQ(clock_->Now(), kStart);
  readings_.Pass(123);
  EXPECT_EQ(clock_->Now(), kStart + 123);
}

TEST_F(ClockTest, StepsForwardAtOnceWhenUtcIsMoreThanASecondAhead) {
  readings_.utc_us += kSecond + 1;
  EXPECT_EQ(clock_->Now(), readings_.utc_us);
  readings_.utc_us += 365 * 86'400 * kSecond;
  EXPECT_EQ(clock_->Now(), readings_.utc_us);
}

TEST_F(ClockTest, SlewsForwardWhenUtcIsASecondAheadOrLess) {
  readings_.utc_us += kSecond;
  EXPECT_EQ(clock_->Now(), kStart);
  readings_.Pass(kSecond);
  EXPECT_EQ(clock_->Now(), kStart + kSecond + kSlewPerMillion);
}

TEST_F(ClockTest, SlewsBackOverTheTimeThatItTakes) {
  readings_.utc_us -= kSecond;
  EXPECT_EQ(clock_->Now(), kStart);
  readings_.Pass(1'000 * kSecond);
  EXPECT_EQ(clock_->Now(), readings_.utc_us + kSecond / 2);
  readings_.Pass(1'000 * kSecond);
  EXPECT_EQ(clock_->Now(), readings_.utc_us);
  readings_.Pass(1'000 * kSecond);
  EXPECT_EQ(clock_->Now(), readings_.utc_us);
}

// The correction in one reading is below a microsecond: it must be carried, neither lost nor
// rounded up.
TEST_F(ClockTest, TinyReadingsSlewAsFastAsOneLongReading) {
  readings_.utc_us -= kSecond;
  constexpr int64_t kReadings = 3'000'000;
  for (int64_t i = 0; i < kReadings; ++i) {
    readings_.Pass(1);
    clock_->Now();
  }
  EXPECT_EQ(clock_->Now(), kStart + kReadings - kReadings * kSlewPerMillion / 1'000'000);
}

TEST_F(ClockTest, NoCreditIsSavedWhileThereIsNothingToCorrect) {
  readings_.Pass(86'400 * kSecond);
  const int64_t before = clock_->Now();
  EXPECT_EQ(before, readings_.utc_us);
  readings_.utc_us -= kSecond;
  readings_.Pass(1'000);
  // 1000 us at 500 ppm are half a microsecond; one whole may have been carried over.
  EXPECT_GE(clock_->Now(), before + 1'000 - 2);
}

TEST_F(ClockTest, NeverRunsBackWhenTheSteadyClockDoes) {
  readings_.Pass(kSecond);
  const int64_t before = clock_->Now();
  readings_.steady_us -= kSecond / 2;
  EXPECT_EQ(clock_->Now(), before);
}

RC_GTEST_PROP(ClockProperty, NeverRunsBackAndStaysWithin500PpmOfTheSteadyClock, ()) {
  Readings readings;
  const std::unique_ptr<Clock> clock = NewDisciplinedClock(std::make_unique<FakeSource>(readings));
  const auto elapsed =
      rc::gen::oneOf(rc::gen::inRange<int64_t>(0, 10), rc::gen::inRange<int64_t>(0, 3 * kSecond));
  const auto jump = rc::gen::weightedOneOf<int64_t>(
      {{4, rc::gen::just<int64_t>(0)},
       {2, rc::gen::inRange<int64_t>(-kSecond, kSecond + 1)},
       {1, rc::gen::inRange<int64_t>(-1'000 * kSecond, 1'000 * kSecond)}});
  // Since the last step forward; one microsecond may be carried over into the span.
  int64_t steady = 0;
  int64_t correction = 0;
  int64_t last = clock->Now();
  for (const auto& [us, utc_jump] : *rc::gen::container<std::vector<std::pair<int64_t, int64_t>>>(
           rc::gen::pair(elapsed, jump))) {
    readings.Pass(us);
    readings.utc_us += utc_jump;
    const bool steps = readings.utc_us - (last + us) > kSecond;
    const int64_t now = clock->Now();
    RC_ASSERT(now >= last);
    if (steps) {
      RC_ASSERT(now == readings.utc_us);
      steady = correction = 0;
    } else {
      steady += us;
      correction += now - last - us;
      RC_ASSERT(std::llabs(correction) <= steady * kSlewPerMillion / 1'000'000 + 1);
    }
    last = now;
  }
}

TEST(SystemClockTest, TellsMicrosecondsOfOurTimeAndDoesNotRunBack) {
  const std::unique_ptr<Clock> clock = NewSystemClock();
  const int64_t first = clock->Now();
  EXPECT_GT(first, kStart);                   // 2023
  EXPECT_LT(first, 4'000'000'000 * kSecond);  // 2096
  EXPECT_GE(clock->Now(), first);
}

}  // namespace
}  // namespace sluice
