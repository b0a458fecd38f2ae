#include "tests/unit/strategy/reference/reference.h"

#include <algorithm>

#include "tests/unit/strategy/reference/bucket.h"
#include "tests/unit/strategy/reference/log.h"
#include "tests/unit/strategy/reference/time_of_day.h"
#include "tests/unit/strategy/reference/window.h"

namespace sluice {
namespace {

bool Is(const Spec& spec, absl::string_view strategy) { return spec.strategy == strategy; }

Int LimitOfTier(const Spec& spec, const std::string& label) {
  const std::string name = CounterOf(spec, label);
  for (const Tier& tier : spec.tiers) {
    if (tier.name == name) return Share(spec.limit, tier.multiplier);
  }
  return 0;
}

Fraction BurstOfGcra(const Spec& spec) {
  const Fraction burst =
      spec.tolerance_us.has_value()
          ? Fraction(1) + Fraction(Int(*spec.tolerance_us) * spec.limit, spec.period_us)
          : Fraction(BurstOf(spec));
  return spec.pay_later ? std::max(burst, Fraction(spec.limit)) : burst;
}

}  // namespace

std::string CounterOf(const Spec& spec, const std::string& label) {
  for (const Tier& tier : spec.tiers) {
    if (tier.name == label) return label;
  }
  return spec.default_tier;
}

std::unique_ptr<Model> NewModel(const Spec& spec, const std::string& label) {
  if (Is(spec, "fixed_window")) return std::make_unique<FixedWindowModel>(spec, spec.limit);
  if (Is(spec, "tiered_rate")) {
    return std::make_unique<FixedWindowModel>(spec, LimitOfTier(spec, label));
  }
  if (Is(spec, "sliding_window_counter")) return std::make_unique<SlidingWindowCounterModel>(spec);
  if (Is(spec, "adaptive_throttle")) return std::make_unique<AdaptiveThrottleModel>(spec);
  if (Is(spec, "quota_with_rollover")) return std::make_unique<QuotaWithRolloverModel>(spec);
  if (Is(spec, "time_of_day")) return std::make_unique<TimeOfDayModel>(spec);
  if (Is(spec, "sliding_window_log") || Is(spec, "priority_queue")) {
    return std::make_unique<LogModel>(spec);
  }
  if (Is(spec, "token_bucket") || Is(spec, "token_bucket_with_debt")) {
    return std::make_unique<TokenBucketModel>(spec);
  }
  if (Is(spec, "leaky_bucket") || Is(spec, "leaky_bucket_with_queue")) {
    return std::make_unique<LeakyBucketModel>(spec);
  }
  if (Is(spec, "gcra")) return std::make_unique<GcraModel>(spec);
  if (Is(spec, "cost_based_token_bucket")) return std::make_unique<CostBasedTokenBucketModel>(spec);
  return nullptr;
}

Fraction BoundOf(const Spec& spec, const std::string& label, Int from_us, Int to_us) {
  if (spec.limit == 0) return Fraction(0);
  const Int span_us = to_us - from_us;
  const Int largest = NewModel(spec, label)->Largest();
  if (Is(spec, "fixed_window") || Is(spec, "tiered_rate") || Is(spec, "adaptive_throttle") ||
      Is(spec, "time_of_day")) {
    return Fraction(largest * (span_us / spec.period_us + 2));
  }
  if (Is(spec, "sliding_window_counter")) {
    return Fraction(spec.limit) + Fraction(spec.limit * span_us, spec.period_us);
  }
  if (Is(spec, "sliding_window_log")) {
    return Fraction(spec.limit * (span_us / spec.period_us + 1));
  }
  if (Is(spec, "priority_queue")) {
    const Int all = spec.hard_limit > 0 ? Int(spec.hard_limit) : 4 * Int(spec.limit);
    return Fraction(all * (span_us / spec.period_us + 1));
  }
  if (Is(spec, "quota_with_rollover")) {
    return Fraction(largest * (to_us / spec.period_us - from_us / spec.period_us + 1));
  }
  const Fraction refill(span_us * spec.limit, spec.period_us);
  return (Is(spec, "gcra") ? BurstOfGcra(spec) : Fraction(largest)) + refill;
}

}  // namespace sluice
