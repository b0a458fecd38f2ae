// Windows aligned to the Unix epoch.
//
// Registers: the start of the window in ticks, and the hits used in it. The start is the clamp of
// law 5 too: within a window a clock that ran back changes nothing, and before it the window of the
// last admitted hit goes on.
#ifndef SLUICE_STRATEGY_FAMILY_WINDOW_H_
#define SLUICE_STRATEGY_FAMILY_WINDOW_H_

#include "strategy/step.h"

namespace sluice {

template <class N>
struct Window {
  N start;  // ticks
  N used;   // hits; above the limit only after a settlement
};

// The window of the key's time, with nothing used when it is a new one.
template <class N>
Window<N> RollWindow(const Cell<N, 2>& cell, const Inputs<N>& in) {
  const N start = Max(in.now - Mod(in.now, in.terms.period), cell.reg[0]);
  return {start, Select(start == cell.reg[0], cell.reg[1], N(0))};
}

// Shared by Step and Settle: what a window tells once its use is known. `over_wait` is the wait of
// what does not pass.
template <class N>
StepResult<N, 2> TellWindow(const Window<N>& window, const N& used, const Truth<N>& allowed,
                            const N& over_wait, const Inputs<N>& in) {
  const N to_end = window.start + in.terms.period - in.now;
  return {{{window.start, used}},
          allowed,
          Max(in.terms.limit - used, N(0)),
          Select(allowed, N(0), over_wait),
          Select(used == N(0), N(0), to_end)};
}

template <class N>
StepResult<N, 2> StepWindow(const Cell<N, 2>& cell, const Inputs<N>& in) {
  const Window<N> window = RollWindow(cell, in);
  // The cost is compared with the room and not summed first: the sum may pass 2^53.
  const Truth<N> possible = in.cost <= in.terms.most;
  const Truth<N> allowed = And(possible, in.cost <= in.terms.limit - window.used);
  const N used = window.used + Select(And(allowed, in.take == N(1)), in.cost, N(0));
  // A new window is empty, so whatever can pass at all passes at its start.
  const N to_end = window.start + in.terms.period - in.now;
  return TellWindow(window, used, allowed, Select(possible, to_end, N(kWaitNever)), in);
}

// The cost is signed and always applied: a debit counts in this window and may stand above the
// limit by at most one more limit, a refund stops at 0.
template <class N>
StepResult<N, 2> SettleWindow(const Cell<N, 2>& cell, const Inputs<N>& in) {
  const Window<N> window = RollWindow(cell, in);
  const N ceiling = in.terms.limit + in.terms.limit;
  const N before = Min(window.used, ceiling);
  const N used = before + Max(Min(in.cost, ceiling - before), N(0) - before);
  // A limit of 0 keeps no debt, yet no debit ever fits it.
  const Truth<N> allowed = And(used <= in.terms.limit, in.cost <= in.terms.most);
  const N to_end = window.start + in.terms.period - in.now;
  return TellWindow(window, used, allowed, Select(in.terms.most == N(0), N(kWaitNever), to_end),
                    in);
}

}  // namespace sluice

#endif  // SLUICE_STRATEGY_FAMILY_WINDOW_H_
