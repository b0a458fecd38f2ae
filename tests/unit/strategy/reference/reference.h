// The reference model of every strategy, and what law 6 lets it admit.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_REFERENCE_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_REFERENCE_H_

#include <memory>
#include <string>

#include "tests/unit/strategy/reference/model.h"
#include "tests/unit/strategy/spec.h"

namespace sluice {

// Which of the counters of one key a request with this label is judged by: that of its tier, by
// name; the only one under any other strategy.
std::string CounterOf(const Spec& spec, const std::string& label);

// Of the counter that a request with this label is judged by; null for a strategy unknown.
std::unique_ptr<Model> NewModel(const Spec& spec, const std::string& label);

// Law 6: the most that this counter may admit from the one instant to the other, both included.
Fraction BoundOf(const Spec& spec, const std::string& label, Int from_us, Int to_us);

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_REFERENCE_H_
