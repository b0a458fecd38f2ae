// What a strategy is asked when its parameters become terms, and when it tells of itself.
#ifndef SLUICE_STRATEGY_SIZING_H_
#define SLUICE_STRATEGY_SIZING_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "core/charge.h"
#include "core/rate.h"
#include "strategy/step.h"

namespace sluice {

// A rate at a candidate tick.
struct Grid {
  int64_t limit;    // hits per period
  int64_t period;   // ticks
  int64_t tick_us;  // microseconds per tick
};

// How much a limit admits at once. In 128 bits, so that what does not fit is seen and not wrapped.
struct Size {
  absl::int128 capacity;  // what fits into a bucket, in its units; 0 for others
  absl::int128 most;      // hits; the largest cost that can ever pass
  // The largest amount and the largest product of the steps under it; it must be below 2^52.
  absl::int128 largest;
  // What that is and what would make it smaller, for the refusal.
  absl::string_view what = "the limit";
  absl::string_view fix = "use a smaller limit";
};

// Of a bucket that holds `capacity` units, of which `hit` are one hit.
inline Size BucketSize(absl::int128 capacity, absl::int128 most, absl::int128 hit) {
  return {capacity, most, std::max(capacity, std::max<absl::int128>(most, 1) * hit),
          "the burst times the period", "use a smaller burst or a shorter period"};
}

// Of windows and logs, which only count.
inline Size CountingSize(absl::int128 most) { return {0, most, most}; }

// Of what is multiplied by a ratio or a multiplier: the largest such product, in millionths.
inline Size RatioSize(absl::int128 most, absl::int128 product) {
  return {0, most, product, "the limit in millionths, as its ratios are counted,",
          "use a smaller limit"};
}

// floor(amount x ratio); the product is below 2^63.
inline int64_t Scaled(int64_t amount, int64_t millionths) {
  return static_cast<int64_t>(absl::int128(amount) * millionths / kMillion);
}

inline double Ratio(int64_t millionths) {
  return static_cast<double>(millionths) / static_cast<double>(kMillion);
}

// What Describe speaks of: a limit's parameters and terms, and the verdict that they gave.
template <class Settings>
struct Described {
  const Settings& settings;
  const Terms<int64_t>& terms;
  int64_t tick_us;
  const Verdict& verdict;

  int64_t reg(size_t i) const { return verdict.registers[i]; }
  uint64_t count(size_t i) const { return static_cast<uint64_t>(verdict.registers[i]); }
  double Ms(int64_t ticks) const {
    return static_cast<double>(ticks) * static_cast<double>(tick_us) / 1000.0;
  }
  // The start of the epoch-aligned window that a tick lies in.
  int64_t StartOf(int64_t at) const { return at - at % terms.period; }
  // Hits per millisecond.
  double RatePerMs() const { return static_cast<double>(terms.limit) / Ms(terms.period); }
  // 1/period hits as hits.
  double Hits(int64_t units) const {
    return static_cast<double>(units) / static_cast<double>(terms.period);
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_SIZING_H_
