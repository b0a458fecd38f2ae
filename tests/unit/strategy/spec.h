// Limits and histories of one counter, as the properties draw them at random.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_SPEC_H_
#define SLUICE_TESTS_UNIT_STRATEGY_SPEC_H_

#include <rapidcheck.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "core/charge.h"
#include "strategy/limit.h"

namespace sluice {

// A limit as the configuration would write it.
struct Spec {
  std::string strategy;
  int64_t limit = 1;
  int64_t period_us = 1'000'000;
  int64_t burst = 0;                     // hits; 0: absent
  absl::optional<int64_t> tolerance_us;  // gcra
  bool pay_later = false;                // gcra
  int64_t tick_us = 1;                   // as Limit::Create chose it

  Params ToParams() const;
  absl::StatusOr<Limit> Create() const;
};
std::ostream& operator<<(std::ostream& out, const Spec& spec);

enum class Kind { kHit, kLook, kSettle };

struct Event {
  // How far the clock moves first.
  enum class Advance { kBy, kByLastWait, kJustShortOfLastWait };

  Kind kind = Kind::kHit;
  int64_t amount = 1;
  Advance advance = Advance::kBy;
  int64_t by_us = 0;  // negative: the clock jumps back
};
std::ostream& operator<<(std::ostream& out, const Event& event);

// The history of one counter.
struct Case {
  Spec spec;
  int64_t start_us = 0;
  Registers cell{};  // found at the start
  std::vector<Event> events;
};
std::ostream& operator<<(std::ostream& out, const Case& one);

// Limits that load, small and large, up to the edge of what can be counted exactly.
rc::Gen<Spec> AnySpec(const std::string& strategy);
rc::Gen<std::vector<Event>> AnyEvents(const Spec& spec);
rc::Gen<Case> AnyCase(const std::string& strategy);
// Of the same strategy, period and tick: both can meet one counter.
rc::Gen<Spec> SpecOfSameShape(const Spec& spec);

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_SPEC_H_
