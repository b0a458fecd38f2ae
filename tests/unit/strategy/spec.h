// Limits and histories of counters, as the properties draw them at random.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_SPEC_H_
#define SLUICE_TESTS_UNIT_STRATEGY_SPEC_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "core/charge.h"
#include "core/log.h"
#include "strategy/limit.h"

namespace sluice {

struct Tier {
  std::string name;
  int64_t multiplier;  // millionths
};

// Of the local day: `from` included, `to` excluded, over midnight when it is not before `to`.
struct Hours {
  int from;
  int to;
  int64_t multiplier;  // millionths
};

// A limit as the configuration would write it. 0, empty or nullopt: the parameter is absent.
struct Spec {
  std::string strategy;
  int64_t limit = 1;
  int64_t period_us = 1'000'000;

  int64_t burst = 0;                     // hits: burst_size, capacity or burst
  absl::optional<int64_t> tolerance_us;  // gcra
  bool pay_later = false;                // gcra
  int64_t max_debt = 0;                  // token_bucket_with_debt
  int64_t cost_window = 0;               // cost_based_token_bucket
  int64_t min_refill_rate = 0;           // cost_based_token_bucket; millionths

  bool count_denied = false;
  std::vector<Tier> tiers;  // tiered_rate
  std::string default_tier;
  int64_t load_threshold = 0;  // adaptive_throttle; all four in millionths
  int64_t reduction_factor = 0;
  int64_t recovery_rate = 0;
  int64_t min_limit_ratio = 0;
  absl::optional<int64_t> rollover_percentage;  // quota_with_rollover; millionths
  int64_t max_rollover = 0;
  std::vector<Hours> hours;  // time_of_day
  std::string timezone;

  int64_t max_entries = 0;
  int64_t default_priority = 0;  // priority_queue
  int64_t hard_limit = 0;        // priority_queue

  int64_t tick_us = 1;  // as Limit::Create chose it

  Params ToParams() const;
  absl::StatusOr<Limit> Create() const;
};
std::ostream& operator<<(std::ostream& out, const Spec& spec);

// What the requests under a limit may say of themselves in its context key; "" is an absent key.
std::vector<std::string> LabelsOf(const Spec& spec);

enum class Kind { kHit, kLook, kSettle };

struct Event {
  // How far the clock moves first.
  enum class Advance { kBy, kByLastWait, kJustShortOfLastWait };

  Kind kind = Kind::kHit;
  int64_t amount = 1;
  Advance advance = Advance::kBy;
  int64_t by_us = 0;  // negative: the clock jumps back
  std::string label;  // the request's tier or priority
};
std::ostream& operator<<(std::ostream& out, const Event& event);

// All that is stored of one counter.
struct Counter {
  Registers registers{};
  DequeLog log;

  CounterState State() const { return {registers, &log}; }
  void Apply(const Verdict& verdict) {
    if (!verdict.changes) return;
    registers = verdict.registers;
    log.Apply(verdict.edit);
  }
};

// The history of one key.
struct Case {
  Spec spec;
  int64_t start_us = 0;
  Counter found;  // at the start
  std::vector<Event> events;
};
// For a person to replay; trace.h.
std::ostream& operator<<(std::ostream& out, const Case& one);

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_SPEC_H_
