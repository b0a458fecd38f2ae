// What the properties draw at random.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_ANY_CASE_H_
#define SLUICE_TESTS_UNIT_STRATEGY_ANY_CASE_H_

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "tests/unit/strategy/spec.h"

namespace sluice {

// Limits, small and large, up to the edge of what can be counted exactly and beyond. Their tick is
// 0 where they do not load.
rc::Gen<Spec> AnyWrittenSpec(const std::string& strategy);
// Those that load.
rc::Gen<Spec> AnySpec(const std::string& strategy);
// Of the same strategy, period and tick: both can meet one counter.
rc::Gen<Spec> SpecOfSameShape(const Spec& spec);
rc::Gen<std::vector<Event>> AnyEvents(const Spec& spec);
// Anywhere, at the edge of a window, or near a change of the local clock.
rc::Gen<int64_t> AnyStart(const Spec& spec);
rc::Gen<Case> AnyCase(const std::string& strategy);

// The tick that the limit chooses; 0 when it does not load.
int64_t TickOf(const Spec& spec);

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_ANY_CASE_H_
