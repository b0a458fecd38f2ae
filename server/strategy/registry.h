// The one visible list of strategies.
#ifndef SLUICE_STRATEGY_REGISTRY_H_
#define SLUICE_STRATEGY_REGISTRY_H_

#include <array>
#include <tuple>

#include "absl/strings/string_view.h"
#include "strategy/adaptive_throttle.h"
#include "strategy/cost_based_token_bucket.h"
#include "strategy/fixed_window.h"
#include "strategy/gcra.h"
#include "strategy/leaky_bucket.h"
#include "strategy/leaky_bucket_with_queue.h"
#include "strategy/priority_queue.h"
#include "strategy/quota_with_rollover.h"
#include "strategy/sliding_window_counter.h"
#include "strategy/sliding_window_log.h"
#include "strategy/tiered_rate.h"
#include "strategy/time_of_day.h"
#include "strategy/token_bucket.h"
#include "strategy/token_bucket_with_debt.h"

namespace sluice {

using Strategies =
    std::tuple<FixedWindow, SlidingWindowCounter, SlidingWindowLog, TokenBucket,
               TokenBucketWithDebt, LeakyBucket, LeakyBucketWithQueue, Gcra, TieredRate,
               AdaptiveThrottle, PriorityQueue, QuotaWithRollover, TimeOfDay, CostBasedTokenBucket>;

// Named in the contract and not here yet: refused by name.
inline constexpr std::array<absl::string_view, 1> kPlannedStrategies = {"concurrency"};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_REGISTRY_H_
