#include "cli/simulate/scale.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/rate.h"

namespace sluice::cli {
namespace {

struct TimeUnit {
  absl::string_view name;
  int64_t us;
  int64_t spans_from;  // spans at least this long are shown in it
  // Steps between ticks, in the unit; beyond the last, 1, 2 and 5 times powers of ten.
  std::array<int64_t, 6> steps;
};

constexpr std::array<TimeUnit, 6> kTimeUnits = {{
    {"d", kDayUs, 4 * kDayUs, {1, 2, 5, 10, 20, 50}},
    {"h", kHourUs, 4 * kHourUs, {1, 2, 3, 6, 12, 24}},
    {"min", kMinuteUs, 4 * kMinuteUs, {1, 2, 5, 10, 15, 30}},
    {"s", kSecondUs, 2 * kSecondUs, {1, 2, 5, 10, 20, 30}},
    {"ms", kMillisecondUs, 2 * kMillisecondUs, {1, 2, 5, 10, 20, 50}},
    {"us", 1, 0, {1, 2, 5, 10, 20, 50}},
}};

const TimeUnit& UnitFor(int64_t span_us) {
  return *std::find_if(kTimeUnits.begin(), kTimeUnits.end(),
                       [&](const TimeUnit& unit) { return span_us >= unit.spans_from; });
}

constexpr std::array<absl::string_view, 6> kPrefixes = {"", "k", "M", "G", "T", "P"};

// The smallest of 1, 2 and 5 times a power of ten that is at least `least`.
double RoundUp(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double digit : {1.0, 2.0, 5.0}) {
    // What floating point puts a hair above a round number is that number.
    if (digit * power >= least * (1 - 1e-9)) return digit * power;
  }
  return 10 * power;
}

int64_t StepFor(const TimeUnit& unit, int64_t span_us, int most_ticks) {
  for (const int64_t step : unit.steps) {
    if (span_us <= step * unit.us * most_ticks) return step * unit.us;
  }
  const double units = static_cast<double>(span_us) / static_cast<double>(unit.us);
  return std::llround(RoundUp(units / most_ticks)) * unit.us;
}

}  // namespace

AmountAxis AmountAxisFor(double highest, int most_steps) {
  const double step = std::max(1.0, RoundUp(std::max(highest, 1.0) / most_steps));
  const double steps = std::max(1.0, std::ceil(highest / step * (1 - 1e-9)));
  return {step * steps, step};
}

TimeAxis TimeAxisFor(int64_t from_us, int64_t to_us, int most_ticks) {
  const TimeUnit& unit = UnitFor(to_us - from_us);
  const int64_t step = StepFor(unit, to_us - from_us, most_ticks);
  TimeAxis axis{unit.name, {}};
  int64_t at = from_us / step * step;
  if (at < from_us) at += step;
  for (; at <= to_us; at += step) axis.ticks.push_back({at, absl::StrCat(at / unit.us)});
  return axis;
}

std::string AmountText(double amount) {
  if (amount < 1'000) return absl::StrFormat("%.3g", amount);
  if (amount < 10'000) return absl::StrFormat("%.4g", amount);
  size_t prefix = 0;
  while (amount >= 1'000 && prefix + 1 < kPrefixes.size()) {
    amount /= 1'000;
    ++prefix;
  }
  return absl::StrFormat("%.4g%s", amount, kPrefixes[prefix]);
}

}  // namespace sluice::cli
