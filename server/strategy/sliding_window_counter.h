// sliding_window_counter: this window, and as much of the one before as a period back still sees.
//
// With t the time in the current window, a cost passes iff
// previous x (P - t) + (current + cost) x P <= L x P. (Known from Cloudflare's limiter, there with
// fractions.) Over any closed span W it admits at most L x (1 + W/P).
//
// Registers: the instant of the last admitted hit, the hits of its window, and those of the window
// before.
#ifndef SLUICE_STRATEGY_SLIDING_WINDOW_COUNTER_H_
#define SLUICE_STRATEGY_SLIDING_WINDOW_COUNTER_H_

#include "absl/strings/string_view.h"
#include "strategy/family/window.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct SlidingWindowCounter {
  static constexpr absl::string_view kName = "sliding_window_counter";
  static constexpr int kVersion = 1;
  static constexpr int kRegisters = 3;
  static constexpr bool kAligned = true;
  static constexpr bool kCountsDenied = true;

  struct Settings {};

  static Settings Read(int64_t, ParamReader&) { return {}; }
  static Size SizeAt(const Grid& grid, const Settings&) {
    const absl::int128 limit = grid.limit;
    return {0, limit, limit * grid.period, "the limit times the period",
            "use a smaller limit or a shorter period"};
  }

  template <class N>
  static StepResult<N, 3> Step(const Cell<N, 3>& cell, const Inputs<N>& in) {
    const State<N> state = Roll(cell, in);
    const Window<N>& window = state.window;
    const N& limit = in.terms.limit;
    // Both sides stay below 2^53, because the limit times the period does.
    const N room = Max(limit - window.used - Min(in.cost, limit), N(0));
    const Truth<N> fits = window.previous * state.left <= room * in.terms.period;
    const Truth<N> allowed = And(in.cost <= limit - window.used, fits);
    const Charged<N> charged = ChargeWindow(window.used, limit, allowed, in);
    const N wait = Wait(state, charged.counted, in.cost, in);
    return Tell(state, {window.start, charged.used, window.previous}, allowed, charged.changes,
                Select(in.cost <= in.terms.most, wait, N(kWaitNever)), in);
  }

  template <class N>
  static StepResult<N, 3> Settle(const Cell<N, 3>& cell, const Inputs<N>& in) {
    const State<N> state = Roll(cell, in);
    const Window<N> window = SettleTwo(state.window, in);
    const N room = Max(in.terms.limit - window.used, N(0));
    const Truth<N> within =
        And(window.used <= in.terms.limit, window.previous * state.left <= room * in.terms.period);
    const Truth<N> allowed = And(within, in.cost <= in.terms.most);
    const N wait = Wait(State<N>{state.at, state.left, window}, window.used, N(0), in);
    return Tell(state, window, allowed, allowed, Select(in.terms.most == N(0), N(kWaitNever), wait),
                in);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    const int64_t start = d.StartOf(d.reg(0));
    const double overlap = static_cast<double>(start + d.terms.period - d.reg(0)) /
                           static_cast<double>(d.terms.period);
    sink.Count("current_window_id", static_cast<uint64_t>(start / d.terms.period));
    sink.Count("current_count", d.count(1));
    sink.Count("previous_count", d.count(2));
    sink.Number("overlap_percentage", 100 * overlap);
    sink.Number("weighted_count",
                static_cast<double>(d.reg(1)) + static_cast<double>(d.reg(2)) * overlap);
  }

 private:
  template <class N>
  struct State {
    N at;    // the key's time
    N left;  // ticks of the current window from there on
    Window<N> window;
  };

  template <class N>
  static State<N> Roll(const Cell<N, 3>& cell, const Inputs<N>& in) {
    const N at = Max(in.now, cell.reg[0]);
    const N start = StartOf(at, in);
    const N ceiling = in.terms.most + in.terms.most;
    // A limit that became smaller since finds at most what it could have admitted and lent itself.
    const N used = Min(cell.reg[1], ceiling);
    const N previous = Min(cell.reg[2], ceiling);
    return {at, start + in.terms.period - at,
            RollWindow(StartOf(cell.reg[0], in), used, previous, start, in)};
  }

  // Until `cost` more than `used` fits: in this window once enough of the one before is out of
  // sight, else in the next, where this one is the one before.
  template <class N>
  static N Wait(const State<N>& state, const N& used, const N& cost, const Inputs<N>& in) {
    const N& period = in.terms.period;
    const N room = Max(in.terms.limit - used - Min(cost, in.terms.limit), N(0));
    const N here = period - FloorDiv(room * period, Max(state.window.previous, N(1)));
    const N space = in.terms.limit - Min(cost, in.terms.limit);
    const N later = period + period - FloorDiv(space * period, Max(used, N(1)));
    const Truth<N> in_this = cost <= in.terms.limit - used;
    return state.window.start - in.now + Select(in_this, here, later);
  }

  template <class N>
  static StepResult<N, 3> Tell(const State<N>& state, const Window<N>& window,
                               const Truth<N>& allowed, const Truth<N>& changes, const N& over_wait,
                               const Inputs<N>& in) {
    const N seen = CeilDiv(window.previous * state.left, in.terms.period);
    return {{{state.at, window.used, window.previous}},
            allowed,
            changes,
            Max(in.terms.limit - window.used - seen, N(0)),
            Select(allowed, N(0), over_wait),
            ResetOfTwo(window, in)};
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_SLIDING_WINDOW_COUNTER_H_
