#include "cli/simulate/timeline.h"

#include <cstdint>
#include <numeric>
#include <vector>

#include "core/rate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace sluice::cli {
namespace {

constexpr int64_t kOrigin = 1'700'000'000'000'000;

double Admitted(const Bins& bins) {
  return std::accumulate(bins.bins.begin(), bins.bins.end(), 0.0,
                         [](double sum, const Bin& bin) { return sum + bin.admitted; });
}

TEST(TimelineTest, OneRowIsOneBin) {
  Timeline timeline(kOrigin);
  timeline.Add(kOrigin, {2, 3, 7});
  const Bins bins = timeline.Rounded(200);
  EXPECT_EQ(bins.width_us, 1);
  EXPECT_EQ(bins.first, 0);
  ASSERT_EQ(bins.bins.size(), 1u);
  EXPECT_EQ(bins.bins[0].admitted, 2);
  EXPECT_EQ(bins.bins[0].denied, 3);
  EXPECT_EQ(bins.bins[0].remaining, 7);
}

TEST(TimelineTest, ABinAddsCostsAndKeepsTheLowestRemaining) {
  Timeline timeline(0);
  for (int64_t second = 0; second < 1000; ++second) {
    timeline.Add(second * kSecondUs, {1, 2, 1000 - second});
  }
  const Bins bins = timeline.Rounded(200);
  EXPECT_EQ(bins.width_us, 5 * kSecondUs);
  ASSERT_EQ(bins.bins.size(), 200u);
  EXPECT_EQ(bins.bins[0].admitted, 5);
  EXPECT_EQ(bins.bins[0].denied, 10);
  EXPECT_EQ(bins.bins[0].remaining, 996);
  EXPECT_EQ(bins.bins[199].remaining, 1);
}

TEST(TimelineTest, BinsWithoutRowsTellNothing) {
  Timeline timeline(0);
  timeline.Add(0, {1, 0, 5});
  timeline.Add(10, {1, 0, Bin::kUntold});
  const Bins bins = timeline.Rounded(200);
  ASSERT_EQ(bins.bins.size(), 11u);
  EXPECT_EQ(bins.bins[5].admitted, 0);
  EXPECT_EQ(bins.bins[5].remaining, Bin::kUntold);
  EXPECT_EQ(bins.bins[10].remaining, Bin::kUntold);
}

TEST(TimelineTest, AClockThatRanBackIsBeforeTheOrigin) {
  Timeline timeline(kOrigin);
  timeline.Add(kOrigin, {1, 0, 0});
  timeline.Add(kOrigin - 90 * kSecondUs, {1, 0, 0});
  timeline.Add(kOrigin + 90 * kSecondUs, {1, 0, 0});
  const Bins bins = timeline.Rounded(200);
  EXPECT_EQ(bins.width_us, kSecondUs);
  EXPECT_EQ(bins.first, -90);
  ASSERT_EQ(bins.bins.size(), 181u);
  EXPECT_EQ(bins.bins[0].admitted, 1);
  EXPECT_EQ(bins.bins[90].admitted, 1);
  EXPECT_EQ(bins.bins[180].admitted, 1);
}

TEST(TimelineTest, TheLongestSpanStaysBounded) {
  Timeline timeline(0);
  timeline.Add(0, {1, 0, 0});
  timeline.Add(kMaxAmount - 1, {1, 0, 0});
  const Bins bins = timeline.Rounded(200);
  EXPECT_LE(bins.bins.size(), 200u);
  EXPECT_EQ(Admitted(bins), 2);
  EXPECT_EQ(bins.bins.front().admitted, 1);
  EXPECT_EQ(bins.bins.back().admitted, 1);
}

// Where a row lands does not depend on what came before it.
RC_GTEST_PROP(TimelineProperty, BinsAreThoseOfThePlainCount, ()) {
  const int64_t reach = int64_t{1} << *rc::gen::inRange(1, 51);
  const int64_t origin = *rc::gen::inRange<int64_t>(0, kMaxAmount / 4);
  std::vector<int64_t> times = {origin};
  const auto since = *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, reach));
  for (const int64_t each : since) times.push_back(std::max(int64_t{0}, origin + each - reach / 4));
  Timeline timeline(origin);
  for (const int64_t at : times) timeline.Add(at, {1, 0, Bin::kUntold});
  const Bins bins = timeline.Rounded(200);
  RC_ASSERT(bins.bins.size() <= 200);
  std::vector<double> counted(bins.bins.size(), 0);
  for (const int64_t at : times) {
    const int64_t from_first = at - origin - bins.first * bins.width_us;
    RC_ASSERT(from_first >= 0);
    counted.at(static_cast<size_t>(from_first / bins.width_us)) += 1;
  }
  for (size_t i = 0; i < counted.size(); ++i) RC_ASSERT(counted[i] == bins.bins[i].admitted);
  RC_ASSERT(counted.front() > 0);
  RC_ASSERT(counted.back() > 0);
}

}  // namespace
}  // namespace sluice::cli
