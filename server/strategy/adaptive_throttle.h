// adaptive_throttle: a fixed window whose limit shrinks under load and recovers.
//
// The effective limit is a whole number that starts at L. A hit is decided by it as it stands. When
// an admitted hit leaves more used than effective x load_threshold, and this window has no
// reduction yet, effective = max(1, floor(L x min_limit_ratio), floor(effective x
// reduction_factor)). Each window that begins, idle ones too, gives back max(1, floor(L x
// recovery_rate)), up to L. Over any closed span W it admits at most what fixed_window does.
//
// Registers: start of the window, hits used, the effective limit (0: never used, which is L), and
// whether the window has had its reduction.
#ifndef SLUICE_STRATEGY_ADAPTIVE_THROTTLE_H_
#define SLUICE_STRATEGY_ADAPTIVE_THROTTLE_H_

#include <algorithm>
#include <array>

#include "absl/strings/string_view.h"
#include "strategy/family/window.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct AdaptiveThrottle {
  static constexpr absl::string_view kName = "adaptive_throttle";
  static constexpr int kVersion = 1;
  static constexpr int kRegisters = 4;
  static constexpr bool kAligned = true;
  static constexpr bool kCountsDenied = false;

  // Own terms: hits that a window gives back, the least effective limit, and ratios in millionths.
  enum Term : size_t { kRecovery, kLeast, kThreshold, kReduction };
  static constexpr std::array<absl::string_view, 4> kOwnTermNames = {"recovery", "least",
                                                                     "threshold", "reduction"};

  struct Settings {  // millionths
    int64_t load_threshold;
    int64_t reduction_factor;
    int64_t recovery_rate;
    int64_t min_limit_ratio;
  };

  static Settings Read(int64_t, ParamReader& params) {
    const auto ratio = [&params](absl::string_view name, int64_t absent) {
      return params.Millionths(name, absent, 1, kMillion);
    };
    return {ratio("load_threshold", 800'000), ratio("reduction_factor", 600'000),
            ratio("recovery_rate", 100'000), ratio("min_limit_ratio", 300'000)};
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 limit = grid.limit;
    // A wait is at most the windows of a whole recovery.
    const absl::int128 windows = limit / Recovery(grid, settings) + 1;
    Size size = RatioSize(limit, limit * kMillion);
    if (windows * grid.period > size.largest) {
      size.largest = windows * grid.period;
      size.what = "the time in which the limit recovers";
      size.fix = "use a larger recovery_rate or a shorter period";
    }
    return size;
  }
  static std::array<int64_t, kOwnTerms> OwnTerms(const Grid& grid, const Settings& settings) {
    return {Recovery(grid, settings),
            std::max<int64_t>(1, Scaled(grid.limit, settings.min_limit_ratio)),
            settings.load_threshold, settings.reduction_factor};
  }

  template <class N>
  static StepResult<N, 4> Step(const Cell<N, 4>& cell, const Inputs<N>& in) {
    const State<N> state = Roll(cell, in);
    const Truth<N> allowed = in.cost <= state.effective - state.used;
    const Truth<N> taken = Taken(allowed, in);
    const N used = state.used + Select(taken, in.cost, N(0));
    const auto& own = in.terms.own;
    const Truth<N> loaded = used * N(kMillion) > state.effective * own[kThreshold];
    const Truth<N> reduces = And(taken, And(loaded, state.reduced == N(0)));
    const N reduced = Max(own[kLeast], FloorDiv(state.effective * own[kReduction], N(kMillion)));
    const State<N> after = {state.start, used, Select(reduces, reduced, state.effective),
                            Select(reduces, N(1), state.reduced)};
    const N wait = ToEffective(state, in.cost, in);
    return Tell(after, allowed, taken, Select(in.cost <= in.terms.most, wait, N(kWaitNever)), in);
  }

  template <class N>
  static StepResult<N, 4> Settle(const Cell<N, 4>& cell, const Inputs<N>& in) {
    const State<N> state = Roll(cell, in);
    const State<N> after = {state.start, SettleUsed(state.used, in), state.effective,
                            state.reduced};
    const Truth<N> allowed = And(after.used <= after.effective, in.cost <= in.terms.most);
    return Tell(after, allowed, allowed,
                Select(in.terms.most == N(0), N(kWaitNever), ToEnd(after.start, in)), in);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    const auto used = static_cast<double>(d.reg(1));
    const auto effective = static_cast<double>(d.reg(2));
    sink.Count("effective_limit", d.count(2));
    sink.Count("current_count", d.count(1));
    sink.Number("current_load", d.reg(2) > 0 ? used / effective : 0.0);
    sink.Number("load_threshold", Ratio(d.settings.load_threshold));
    sink.Number("window_start_ms", d.Ms(d.reg(0)));
    sink.Number("window_end_ms", d.Ms(d.reg(0) + d.terms.period));
  }

 private:
  template <class N>
  struct State {
    N start;
    N used;
    N effective;
    N reduced;  // 1: this window has had its reduction
  };

  static int64_t Recovery(const Grid& grid, const Settings& settings) {
    return std::max<int64_t>(1, Scaled(grid.limit, settings.recovery_rate));
  }

  template <class N>
  static State<N> Roll(const Cell<N, 4>& cell, const Inputs<N>& in) {
    const N& limit = in.terms.limit;
    const N& recovery = in.terms.own[kRecovery];
    const N start = Max(StartOf(in.now, in), cell.reg[0]);
    const N begun = FloorDiv(start - cell.reg[0], in.terms.period);
    const N kept = Select(cell.reg[2] == N(0), limit, Min(cell.reg[2], limit));
    // More windows than a whole recovery takes change nothing, and would overflow the product.
    const N steps = Min(begun, CeilDiv(limit, recovery));
    const Truth<N> same = begun == N(0);
    return {start, Select(same, cell.reg[1], N(0)), Min(limit, kept + steps * recovery),
            Select(same, cell.reg[3], N(0))};
  }

  // The first window whose effective limit holds the cost.
  template <class N>
  static N ToEffective(const State<N>& state, const N& cost, const Inputs<N>& in) {
    const N missing = Max(Min(cost, in.terms.limit) - state.effective, N(0));
    const N windows = Max(N(1), CeilDiv(missing, in.terms.own[kRecovery]));
    return state.start + windows * in.terms.period - in.now;
  }

  template <class N>
  static StepResult<N, 4> Tell(const State<N>& state, const Truth<N>& allowed,
                               const Truth<N>& changes, const N& over_wait, const Inputs<N>& in) {
    // A reduction counts as the window's only one also when a reload has lowered the limit to it.
    const Truth<N> fresh =
        And(And(state.used == N(0), state.reduced == N(0)), state.effective == in.terms.limit);
    return {{{state.start, state.used, state.effective, state.reduced}},
            allowed,
            changes,
            Max(state.effective - state.used, N(0)),
            Select(allowed, N(0), over_wait),
            Select(fresh, N(0), ToEffective(state, in.terms.limit, in))};
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_ADAPTIVE_THROTTLE_H_
