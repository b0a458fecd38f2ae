// What a strategy needs to know to turn its parameters into terms.
#ifndef SLUICE_STRATEGY_SIZING_H_
#define SLUICE_STRATEGY_SIZING_H_

#include <cstdint>

#include "absl/numeric/int128.h"
#include "core/charge.h"
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
  absl::int128 capacity;  // in 1/period hits; 0 for a window, which never multiplies
  absl::int128 most;      // hits; the largest cost that can ever pass
};

// What Describe speaks of: a limit's terms and the verdict that they gave.
struct Described {
  const Terms<int64_t>& terms;
  int64_t tick_us;
  const Verdict& verdict;

  double Ms(int64_t ticks) const {
    return static_cast<double>(ticks) * static_cast<double>(tick_us) / 1000.0;
  }
  // Hits per millisecond.
  double RatePerMs() const { return static_cast<double>(terms.limit) / Ms(terms.period); }
  // 1/period hits as hits.
  double Hits(int64_t units) const {
    return static_cast<double>(units) / static_cast<double>(terms.period);
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_SIZING_H_
