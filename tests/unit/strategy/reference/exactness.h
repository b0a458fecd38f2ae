// What can be counted exactly in the 53 bits of a double, as the contract says it.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_EXACTNESS_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_EXACTNESS_H_

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "core/rate.h"
#include "tests/unit/strategy/reference/bucket.h"
#include "tests/unit/strategy/spec.h"

namespace sluice {

// The largest amount that a counter holds: hits, or thousandths of them.
inline Int LargestAmountOf(const Spec& spec) {
  const Int limit = spec.limit;
  if (spec.strategy == "cost_based_token_bucket") return Int(1'000) * BurstOf(spec);
  if (absl::StrContains(spec.strategy, "bucket")) return Int(BurstOf(spec)) + DebtOf(spec);
  if (spec.strategy == "gcra") {
    return spec.pay_later ? std::max<Int>(BurstOf(spec), limit) : Int(BurstOf(spec));
  }
  if (spec.strategy == "priority_queue") {
    // Without a hard limit each of the four priorities may hold as much.
    return spec.hard_limit > 0 ? std::max<Int>(limit, spec.hard_limit) : 4 * limit;
  }
  if (spec.strategy == "quota_with_rollover") {
    const Int most = spec.max_rollover > 0 ? Int(spec.max_rollover) : limit;
    return limit + std::min(most, Share(limit, spec.rollover_percentage.value_or(kMillion / 2)));
  }
  int64_t multiplier = kMillion;
  for (const Tier& tier : spec.tiers) multiplier = std::max(multiplier, tier.multiplier);
  for (const Hours& hours : spec.hours) multiplier = std::max(multiplier, hours.multiplier);
  return Share(limit, multiplier);
}

inline bool MultipliesByThePeriod(const Spec& spec) {
  return absl::StrContains(spec.strategy, "bucket") || spec.strategy == "gcra" ||
         spec.strategy == "sliding_window_counter";
}

// The largest amount that is counted in millionths, or multiplied by them.
inline Int LargestInMillionths(const Spec& spec) {
  if (spec.strategy == "cost_based_token_bucket") return BurstOf(spec);
  // Only what is left of the limit itself rolls over.
  if (spec.strategy == "quota_with_rollover") return spec.limit;
  const bool scales = spec.strategy == "tiered_rate" || spec.strategy == "adaptive_throttle" ||
                      spec.strategy == "time_of_day";
  return scales ? LargestAmountOf(spec) : Int(0);
}

// Of a limit above 0.
inline bool CountsExactly(const Spec& spec, int64_t tick_us) {
  if (spec.period_us % tick_us != 0 || spec.tolerance_us.value_or(0) % tick_us != 0) return false;
  const Int period = spec.period_us / tick_us;
  const Int largest = LargestAmountOf(spec);
  if (MultipliesByThePeriod(spec) && largest * period >= kMaxAmount) return false;
  // Debt doubles what a queue holds, and so does the entry that has begun to leak.
  if (spec.strategy == "leaky_bucket_with_queue" && 4 * largest >= kMaxAmount) return false;
  if (LargestInMillionths(spec) * kMillion >= kMaxAmount) return false;
  if (spec.tolerance_us.has_value()) {
    return Int(*spec.tolerance_us / tick_us) * spec.limit + period < kMaxAmount;
  }
  if (spec.strategy != "adaptive_throttle") return largest < kMaxAmount;
  const Int step = Share(spec.limit, spec.recovery_rate > 0 ? spec.recovery_rate : 100'000);
  return (spec.limit / std::max<Int>(step, 1) + 1) * period < kMaxAmount;
}

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_EXACTNESS_H_
