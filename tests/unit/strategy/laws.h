// The laws of strategies.md, each as a function that looks for a breach in one history.
//
// They are apart from the tests that run them so that strategies with planted bugs can be held
// against the same functions.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_LAWS_H_
#define SLUICE_TESTS_UNIT_STRATEGY_LAWS_H_

#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tests/unit/strategy/replay.h"
#include "tests/unit/strategy/spec.h"

namespace sluice {

struct Law {
  absl::string_view name;
  // Tells the first breach, or nothing.
  std::string (*breach)(const Judge& judge, const Case& one);
  // Whether it says anything of counters under this limit.
  bool (*applies)(const Spec& spec);
  // Whether it says something of a counter that another limit of the same shape has left.
  bool of_any_counter;
};

inline std::ostream& operator<<(std::ostream& out, const Law& law) { return out << law.name; }

absl::Span<const Law> Laws();

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_LAWS_H_
