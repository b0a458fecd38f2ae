// The laws of strategies.md, each as a function that looks for a breach in one history.
//
// They are apart from the tests that run them so that strategies with planted bugs can be held
// against the same functions.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_LAWS_H_
#define SLUICE_TESTS_UNIT_STRATEGY_LAWS_H_

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/charge.h"
#include "tests/unit/strategy/spec.h"

namespace sluice {

// What is on trial: Limit::Step and Limit::Settle, or the same with a bug.
struct Judge {
  std::function<Verdict(const Registers& cell, int64_t now_us, int64_t cost, bool take)> step;
  std::function<Verdict(const Registers& cell, int64_t now_us, int64_t amount)> settle;
};

Judge JudgeOf(const Limit& limit);

struct Law {
  absl::string_view name;
  // Tells the first breach, or nothing.
  std::string (*breach)(const Judge& judge, const Case& one);
  // Whether it says something of a counter that another limit of the same shape has left.
  bool of_any_cell;
};

inline std::ostream& operator<<(std::ostream& out, const Law& law) { return out << law.name; }

absl::Span<const Law> Laws();

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_LAWS_H_
