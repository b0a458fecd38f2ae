// The arithmetic that a step may use, for native numbers.
//
// A step is a template over its number type N. With int64_t it is native code; with a recording
// type it writes the Lua that Redis runs. Another N brings these functions with it (found by
// argument-dependent lookup) and comparisons whose result has no conversion to bool, so that an
// `if` inside a step does not compile. Lua's numbers are doubles: every product and sum of a step
// stays at or below 2^53, which the choice of the tick guarantees (bound_strategy.h).
#ifndef SLUICE_STRATEGY_NUMBER_H_
#define SLUICE_STRATEGY_NUMBER_H_

#include <cstdint>
#include <utility>

namespace sluice {

// What comparing two N gives: bool, or a recorded boolean.
template <class N>
using Truth = decltype(std::declval<const N&>() == std::declval<const N&>());

inline bool And(bool a, bool b) { return a && b; }
inline bool Or(bool a, bool b) { return a || b; }
inline int64_t Select(bool condition, int64_t then, int64_t otherwise) {
  return condition ? then : otherwise;
}
inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }
// Of any a by b > 0.
inline int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
// Of a >= 0 by b > 0.
inline int64_t CeilDiv(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }
inline int64_t Mod(int64_t a, int64_t b) { return a % b; }

}  // namespace sluice

#endif  // SLUICE_STRATEGY_NUMBER_H_
