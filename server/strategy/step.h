// What goes into a strategy's step and what comes out, for any number type.
#ifndef SLUICE_STRATEGY_STEP_H_
#define SLUICE_STRATEGY_STEP_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "strategy/number.h"

namespace sluice {

// A counter's registers. All zero: never used.
template <class N, int K>
struct Cell {
  std::array<N, K> reg;
};

inline constexpr size_t kOwnTerms = 5;

// What a limit says, in ticks and hits; the same for every step under it.
template <class N>
struct Terms {
  N limit;         // hits per period
  N period;        // ticks
  N capacity;      // buckets: what fits, in their units
  N most;          // the largest cost that can ever pass
  N count_denied;  // 1: denied hits count too
  // What only one strategy has; its header names them.
  std::array<N, kOwnTerms> own;
};

template <class N>
struct Inputs {
  N now;   // ticks since the Unix epoch
  N cost;  // hits; Settle: signed
  N take;  // 1: consume if allowed; 0: only look
  Terms<N> terms;
};

template <class N, int K>
struct StepResult {
  Cell<N, K> cell;   // as it stands after the step; to be stored iff `changes`
  Truth<N> allowed;  // whether the cost passes
  Truth<N> changes;  // whether the cell is changed; a settlement's is always to be stored
  N remaining;       // the largest cost that passes after the step
  N wait;            // ticks from `now` until the cost can pass; 0 when allowed; kWaitNever
  N reset;           // ticks from `now` until the cell is as if never used
};

inline constexpr int64_t kWaitNever = -1;

// A step that takes: whether anything was consumed.
template <class N>
Truth<N> Taken(const Truth<N>& allowed, const Inputs<N>& in) {
  return And(allowed, in.take == N(1));
}

}  // namespace sluice

#endif  // SLUICE_STRATEGY_STEP_H_
