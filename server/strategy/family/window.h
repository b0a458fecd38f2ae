// Windows aligned to the Unix epoch.
//
// Registers begin with the start of the window in ticks, and the hits used in it. The start is the
// clamp of law 5 too: within a window a clock that ran back changes nothing, and before it the
// window of the last admitted hit goes on. A window in which the time matters keeps the instant of
// the last hit instead of the start.
#ifndef SLUICE_STRATEGY_FAMILY_WINDOW_H_
#define SLUICE_STRATEGY_FAMILY_WINDOW_H_

#include "strategy/step.h"

namespace sluice {

template <class N>
struct Window {
  N start;     // ticks
  N used;      // hits; above the limit only after a settlement, or when the limit became smaller
  N previous;  // hits of the window just before, for those that keep them
};

// The start of the window that `at` lies in.
template <class N>
N StartOf(const N& at, const Inputs<N>& in) {
  return at - Mod(at, in.terms.period);
}

// What is left in the window at `start` of those that began at `kept`.
template <class N>
Window<N> RollWindow(const N& kept, const N& used, const N& previous, const N& start,
                     const Inputs<N>& in) {
  const Truth<N> same = start == kept;
  const Truth<N> next = start == kept + in.terms.period;
  return {start, Select(same, used, N(0)), Select(same, previous, Select(next, used, N(0)))};
}

// What became of a cost.
template <class N>
struct Charged {
  Truth<N> allowed;
  Truth<N> changes;
  N used;     // after the step
  N counted;  // as it would be after a hit, whether it is one or a look
};

// Judges by `limit`. A denied hit of at most the limit counts too under count_denied, as far as the
// limit goes.
template <class N>
Charged<N> ChargeWindow(const N& used, const N& limit, const Truth<N>& allowed,
                        const Inputs<N>& in) {
  const Truth<N> counts = And(in.terms.count_denied == N(1), in.cost <= limit);
  // The cost is compared with the room and not summed first: the sum may pass 2^53.
  const N sum = Select(in.cost <= limit - used, used + in.cost, Max(used, limit));
  const N counted = Select(Or(allowed, counts), sum, used);
  const Truth<N> changes = And(Or(allowed, counts), in.take == N(1));
  return {allowed, changes, Select(changes, counted, used), counted};
}

// Ticks from `now` to the end of the window.
template <class N>
N ToEnd(const N& start, const Inputs<N>& in) {
  return start + in.terms.period - in.now;
}

// The cost is signed and always applied: a debit counts in this window and may stand above the
// limit by at most one more of the largest amount, a refund stops at 0.
template <class N>
N SettleUsed(const N& used, const Inputs<N>& in) {
  const N ceiling = in.terms.most + in.terms.most;
  const N before = Min(used, ceiling);
  return before + Max(Min(in.cost, ceiling - before), N(0) - before);
}

// A window and the one before it: a refund of more than this one holds goes on to that.
template <class N>
Window<N> SettleTwo(const Window<N>& window, const Inputs<N>& in) {
  const N rest = Max(N(0) - in.cost - window.used, N(0));
  return {window.start, SettleUsed(window.used, in), Max(window.previous - rest, N(0))};
}

// What remains once the window is closed: the windows of the period after it, when there are any.
template <class N>
N ResetOfTwo(const Window<N>& window, const Inputs<N>& in) {
  const N to_end = ToEnd(window.start, in);
  return Select(window.used > N(0), to_end + in.terms.period,
                Select(window.previous > N(0), to_end, N(0)));
}

// Registers of a plain window: its start and its use.
template <class N>
Window<N> RollPlainWindow(const Cell<N, 2>& cell, const Inputs<N>& in) {
  const N start = Max(StartOf(in.now, in), cell.reg[0]);
  return RollWindow(cell.reg[0], cell.reg[1], N(0), start, in);
}

// What a strategy over such windows inherits.
struct PlainWindow {
  static constexpr int kRegisters = 2;
  static constexpr bool kAligned = true;
  static constexpr bool kCountsDenied = true;

  template <class N>
  static StepResult<N, 2> Step(const Cell<N, 2>& cell, const Inputs<N>& in) {
    const N& limit = in.terms.limit;
    const Window<N> window = RollPlainWindow(cell, in);
    const Charged<N> charged = ChargeWindow(window.used, limit, in.cost <= limit - window.used, in);
    // A new window is empty, so whatever can pass at all passes at its start.
    const N to_end = ToEnd(window.start, in);
    const N wait = Select(in.cost <= in.terms.most, to_end, N(kWaitNever));
    return {{{window.start, charged.used}},
            charged.allowed,
            charged.changes,
            Max(limit - charged.used, N(0)),
            Select(charged.allowed, N(0), wait),
            Select(charged.used == N(0), N(0), to_end)};
  }

  template <class N>
  static StepResult<N, 2> Settle(const Cell<N, 2>& cell, const Inputs<N>& in) {
    const Window<N> window = RollPlainWindow(cell, in);
    const N used = SettleUsed(window.used, in);
    // A limit of 0 keeps no debt, yet no debit ever fits it.
    const Truth<N> allowed = And(used <= in.terms.limit, in.cost <= in.terms.most);
    const N to_end = ToEnd(window.start, in);
    return {{{window.start, used}},
            allowed,
            allowed,
            Max(in.terms.limit - used, N(0)),
            Select(allowed, N(0), Select(in.terms.most == N(0), N(kWaitNever), to_end)),
            Select(used == N(0), N(0), to_end)};
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_FAMILY_WINDOW_H_
