// quota_with_rollover: a quota for each period, and a share of what the period before left unused.
//
// usage + cost <= L + rollover, where rollover = min(max_rollover, floor(max(0, L - usage of the
// period just before) x rollover_percentage)): rolled-over quota does not roll again, and a period
// without hits is wholly unused, also before the first hit. It admits at most L + min(max_rollover,
// floor(L x percentage)) for each period that a span touches.
//
// Registers: start of the period, its usage, and the usage of the period before.
#ifndef SLUICE_STRATEGY_QUOTA_WITH_ROLLOVER_H_
#define SLUICE_STRATEGY_QUOTA_WITH_ROLLOVER_H_

#include <algorithm>
#include <array>

#include "absl/strings/string_view.h"
#include "strategy/family/window.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct QuotaWithRollover {
  static constexpr absl::string_view kName = "quota_with_rollover";
  static constexpr int kVersion = 1;
  static constexpr int kRegisters = 3;
  static constexpr bool kAligned = true;
  static constexpr bool kCountsDenied = false;

  // Own terms: millionths, and hits.
  enum Term : size_t { kPercentage, kMaxRollover };
  static constexpr std::array<absl::string_view, 2> kOwnTermNames = {"percentage", "max_rollover"};

  struct Settings {
    int64_t percentage;    // millionths
    int64_t max_rollover;  // hits
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    return {params.Millionths("rollover_percentage", 500'000, 0, kMillion),
            params.Amount("max_rollover", limit, 0)};
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 limit = grid.limit;
    const absl::int128 most = limit + Largest(grid.limit, settings);
    return RatioSize(most, std::max(limit * kMillion, most));
  }
  static std::array<int64_t, kOwnTerms> OwnTerms(const Grid&, const Settings& settings) {
    return {settings.percentage, settings.max_rollover};
  }

  template <class N>
  static StepResult<N, 3> Step(const Cell<N, 3>& cell, const Inputs<N>& in) {
    const Window<N> window = Roll(cell, in);
    const N quota = in.terms.limit + RolloverAfter(window.previous, in);
    const Charged<N> charged = ChargeWindow(window.used, quota, in.cost <= quota - window.used, in);
    const N to_end = ToEnd(window.start, in);
    // In the next period this one's rest has rolled over; in the one behind it a whole quota.
    const N next = in.terms.limit + RolloverAfter(window.used, in);
    const N wait = Select(in.cost <= next, to_end, to_end + in.terms.period);
    return Tell({window.start, charged.used, window.previous}, charged.allowed, charged.changes,
                Select(in.cost <= in.terms.most, wait, N(kWaitNever)), in);
  }

  template <class N>
  static StepResult<N, 3> Settle(const Cell<N, 3>& cell, const Inputs<N>& in) {
    const Window<N> window = SettleTwo(Roll(cell, in), in);
    const N quota = in.terms.limit + RolloverAfter(window.previous, in);
    const Truth<N> allowed = And(window.used <= quota, in.cost <= in.terms.most);
    return Tell(window, allowed, allowed,
                Select(in.terms.most == N(0), N(kWaitNever), ToEnd(window.start, in)), in);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    const int64_t unused = std::max<int64_t>(d.terms.limit - d.reg(2), 0);
    const int64_t rollover =
        std::min(d.settings.max_rollover, Scaled(unused, d.settings.percentage));
    sink.Count("base_limit", static_cast<uint64_t>(d.terms.limit));
    sink.Count("rollover_amount", static_cast<uint64_t>(rollover));
    sink.Count("effective_limit", static_cast<uint64_t>(d.terms.limit + rollover));
    sink.Count("usage", d.count(1));
    sink.Number("period_start_ms", d.Ms(d.reg(0)));
    sink.Number("period_end_ms", d.Ms(d.reg(0) + d.terms.period));
  }

 private:
  static int64_t Largest(int64_t limit, const Settings& settings) {
    return std::min(settings.max_rollover, Scaled(limit, settings.percentage));
  }

  template <class N>
  static Window<N> Roll(const Cell<N, 3>& cell, const Inputs<N>& in) {
    const N start = Max(StartOf(in.now, in), cell.reg[0]);
    return RollWindow(cell.reg[0], cell.reg[1], cell.reg[2], start, in);
  }

  // What is rolled over from a period in which so much was used.
  template <class N>
  static N RolloverAfter(const N& used, const Inputs<N>& in) {
    const N unused = Max(in.terms.limit - used, N(0));
    return Min(in.terms.own[kMaxRollover],
               FloorDiv(unused * in.terms.own[kPercentage], N(kMillion)));
  }

  template <class N>
  static StepResult<N, 3> Tell(const Window<N>& window, const Truth<N>& allowed,
                               const Truth<N>& changes, const N& over_wait, const Inputs<N>& in) {
    const N quota = in.terms.limit + RolloverAfter(window.previous, in);
    return {{{window.start, window.used, window.previous}},
            allowed,
            changes,
            Max(quota - window.used, N(0)),
            Select(allowed, N(0), over_wait),
            ResetOfTwo(window, in)};
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_QUOTA_WITH_ROLLOVER_H_
