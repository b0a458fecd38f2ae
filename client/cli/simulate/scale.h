// Round steps for axes, and numbers as axes show them.
#ifndef SLUICE_CLI_SIMULATE_SCALE_H_
#define SLUICE_CLI_SIMULATE_SCALE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice::cli {

// An axis of amounts from 0 to `top`, a whole number of steps of 1, 2 or 5 times a power of ten.
struct AmountAxis {
  double top = 1;
  double step = 1;
};

// The lowest axis of at most `most_steps` steps that reaches `highest`; at least one step of 1.
AmountAxis AmountAxisFor(double highest, int most_steps);

struct TimeTick {
  int64_t at_us = 0;
  std::string label;  // in the axis's unit, without it
};

struct TimeAxis {
  absl::string_view unit;  // "us", "ms", "s", "min", "h" or "d"
  std::vector<TimeTick> ticks;
};

// Ticks on round times within [from_us, to_us], at most `most_ticks` + 1 of them; from_us < to_us.
TimeAxis TimeAxisFor(int64_t from_us, int64_t to_us, int most_ticks);

// "950", "1.5", "12k", "3.25M": at most three significant digits below 1000, four above.
std::string AmountText(double amount);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_SCALE_H_
