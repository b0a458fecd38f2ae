// The one visible list of strategies.
#ifndef SLUICE_STRATEGY_REGISTRY_H_
#define SLUICE_STRATEGY_REGISTRY_H_

#include <array>
#include <tuple>

#include "absl/strings/string_view.h"
#include "strategy/fixed_window.h"
#include "strategy/gcra.h"
#include "strategy/token_bucket.h"

namespace sluice {

using Strategies = std::tuple<FixedWindow, TokenBucket, Gcra>;

// Named in the contract and not here yet: refused by name.
inline constexpr std::array<absl::string_view, 12> kPlannedStrategies = {
    "sliding_window_log", "sliding_window_counter",  "token_bucket_with_debt",
    "leaky_bucket",       "leaky_bucket_with_queue", "tiered_rate",
    "adaptive_throttle",  "priority_queue",          "quota_with_rollover",
    "time_of_day",        "cost_based_token_bucket", "concurrency"};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_REGISTRY_H_
