// time_of_day: a fixed window whose limit depends on the local hour.
//
// The limit at an instant is floor(L x the multiplier of the local hour then); what is used stays
// when the hour changes within a window. Over any closed span W it admits at most what fixed_window
// with the largest multiplier does.
//
// A step cannot know calendars. It takes the limits around the driver's clock as own terms and
// picks by the key's time: `before` in [from, edge), `after` in [edge, to). Outside of that it
// answers kStale, and is asked again with the terms around the time that it tells. The wait of what
// does not pass is the driver's too, from the registers alone.
//
// Registers: the instant of the last admitted hit, and the hits used in its window.
#ifndef SLUICE_STRATEGY_TIME_OF_DAY_H_
#define SLUICE_STRATEGY_TIME_OF_DAY_H_

#include <algorithm>
#include <array>

#include "absl/strings/string_view.h"
#include "strategy/calendar.h"
#include "strategy/family/window.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct TimeOfDay {
  static constexpr absl::string_view kName = "time_of_day";
  static constexpr int kVersion = 1;
  static constexpr int kRegisters = 2;
  static constexpr bool kAligned = true;
  static constexpr bool kCountsDenied = true;
  static constexpr bool kCalendar = true;
  // A step's wait when its terms are not those of the key's time.
  static constexpr int64_t kStale = -2;

  enum Term : size_t { kBefore, kEdge, kAfter, kFrom, kTo };
  static constexpr std::array<absl::string_view, 5> kOwnTermNames = {"before", "edge", "after",
                                                                     "from", "to"};

  struct Settings {
    HourTable multipliers;  // millionths
    LocalHours hours;
  };

  static Settings Read(int64_t, ParamReader& params) {
    return {ReadHourTable("windows", params), ReadZone("timezone", params)};
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 largest =
        *std::max_element(settings.multipliers.begin(), settings.multipliers.end());
    const absl::int128 product = grid.limit * largest;
    return RatioSize(product / kMillion, std::max<absl::int128>(product, grid.limit * kMillion));
  }
  static std::array<int64_t, kOwnTerms> OwnTermsAt(const Settings& settings,
                                                   const Terms<int64_t>& terms, int64_t tick_us,
                                                   int64_t around) {
    const Hour hour = settings.hours.At(around * tick_us);
    const Hour next = settings.hours.At(hour.until_us);
    return {LimitIn(hour, settings, terms), hour.until_us / tick_us, LimitIn(next, settings, terms),
            hour.from_us / tick_us, next.until_us / tick_us};
  }

  template <class N>
  static StepResult<N, 2> Step(const Cell<N, 2>& cell, const Inputs<N>& in) {
    const State<N> state = Roll(cell, in);
    const Truth<N> allowed = And(state.fresh, in.cost <= state.limit - state.used);
    const Charged<N> charged = ChargeWindow(state.used, state.limit, allowed, in);
    return Tell(state, charged.used, allowed, And(state.fresh, charged.changes), in);
  }

  template <class N>
  static StepResult<N, 2> Settle(const Cell<N, 2>& cell, const Inputs<N>& in) {
    const State<N> state = Roll(cell, in);
    const N used = SettleUsed(state.used, in);
    const Truth<N> fits = And(used <= state.limit, in.cost <= in.terms.most);
    return Tell(state, used, And(state.fresh, fits), state.fresh, in);
  }

  // From the registers of a step that did not pass: until `cost` fits. `denied`: the cost of a hit
  // whose denial counts, and may not have been recorded yet; 0 for none.
  static int64_t WaitOf(const Settings& settings, const Terms<int64_t>& terms, int64_t tick_us,
                        const Registers& registers, int64_t now, int64_t cost, int64_t denied) {
    if (cost > terms.most || terms.most == 0) return kWaitNever;
    int64_t used = registers[1];
    const int64_t at_us = registers[0] * tick_us;
    const int64_t limit_then = LimitIn(settings.hours.At(at_us), settings, terms);
    if (denied > 0 && denied <= limit_then) used = std::max(used, limit_then);
    const int64_t end = registers[0] - registers[0] % terms.period + terms.period;
    const auto instant_us = [&](int64_t from_us, int64_t until_us, int64_t needed) {
      return settings.hours.First(from_us, until_us, [&](const Hour& hour) {
        return needed <= LimitIn(hour, settings, terms);
      });
    };
    // What is used stays until the window ends.
    absl::optional<int64_t> passes_us;
    if (used + cost <= terms.most) passes_us = instant_us(at_us, end * tick_us, used + cost);
    if (!passes_us.has_value()) passes_us = instant_us(end * tick_us, kNever, cost);
    return passes_us.has_value() ? *passes_us / tick_us - now : kWaitNever;
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    const Hour hour = d.settings.hours.At(d.reg(0) * d.tick_us);
    const int64_t start = d.StartOf(d.reg(0));
    const auto index = static_cast<size_t>(hour.hour);
    sink.Count("hour_of_day", static_cast<uint64_t>(hour.hour));
    sink.Number("time_multiplier", Ratio(d.settings.multipliers[index]));
    sink.Count("effective_limit", static_cast<uint64_t>(LimitIn(hour, d.settings, d.terms)));
    sink.Count("current_count", d.count(1));
    sink.Number("window_start_ms", d.Ms(start));
    sink.Number("window_end_ms", d.Ms(start + d.terms.period));
  }

 private:
  template <class N>
  struct State {
    N at;
    N start;
    N used;
    N limit;
    Truth<N> fresh;  // whether the terms are those of the key's time
  };

  static int64_t LimitIn(const Hour& hour, const Settings& settings, const Terms<int64_t>& terms) {
    // Below 2^52, as SizeAt has seen to.
    return terms.limit * settings.multipliers[static_cast<size_t>(hour.hour)] / kMillion;
  }

  template <class N>
  static State<N> Roll(const Cell<N, 2>& cell, const Inputs<N>& in) {
    const auto& own = in.terms.own;
    const N at = Max(in.now, cell.reg[0]);
    const N start = StartOf(at, in);
    const Window<N> window = RollWindow(StartOf(cell.reg[0], in), cell.reg[1], N(0), start, in);
    return {at, start, window.used, Select(at < own[kEdge], own[kBefore], own[kAfter]),
            And(at >= own[kFrom], at < own[kTo])};
  }

  template <class N>
  static StepResult<N, 2> Tell(const State<N>& state, const N& used, const Truth<N>& allowed,
                               const Truth<N>& changes, const Inputs<N>& in) {
    const N over = Select(state.fresh, N(kWaitNever), N(kStale));
    return {{{state.at, used}},
            allowed,
            changes,
            Max(state.limit - used, N(0)),
            Select(allowed, N(0), over),
            Select(used == N(0), N(0), ToEnd(state.start, in))};
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_TIME_OF_DAY_H_
