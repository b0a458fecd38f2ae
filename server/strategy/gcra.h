// gcra: the generic cell rate algorithm (ATM Forum, ITU-T I.371), as virtual scheduling.
//
// A hit of cost c moves the theoretical arrival time: TAT' = max(TAT, now) + c x P/L, and passes
// iff TAT' - now <= burst x P/L, or burst_tolerance + P/L. TAT - now is the time in which the
// backlog of family/bucket.h drains, so the same step serves: with both sides times L, all of it is
// in whole numbers. Over any closed span W it admits at most
// burst_tolerance x L/P + 1 + W x L/P; with pay_later max(L, burst) + W x L/P.
#ifndef SLUICE_STRATEGY_GCRA_H_
#define SLUICE_STRATEGY_GCRA_H_

#include <algorithm>
#include <array>
#include <limits>

#include "absl/strings/string_view.h"
#include "strategy/family/bucket.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct Gcra : SteadyBucket {
  static constexpr absl::string_view kName = "gcra";
  static constexpr int kVersion = 1;

  struct Settings {
    int64_t burst;         // hits; 0: the tolerance decides
    int64_t tolerance_us;  // microseconds
    bool pay_later;        // a cost above the burst passes when nothing is owed, and is owed then
  };

  static Settings Read(int64_t, ParamReader& params) {
    const bool by_tolerance = params.Has("burst_tolerance");
    if (by_tolerance && params.Has("burst")) {
      params.Refuse("burst_tolerance", "burst says the same in hits (give one of the two)");
    }
    Settings settings{};
    settings.burst = params.Amount("burst", by_tolerance ? 0 : 1);
    settings.tolerance_us = params.Duration("burst_tolerance", 0);
    settings.pay_later = params.Choice("oversize", {"deny", "pay_later"}) == "pay_later";
    return settings;
  }
  static std::array<int64_t, 1> Durations(const Settings& settings) {
    return {settings.tolerance_us};
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 tolerance = settings.tolerance_us / grid.tick_us;
    const absl::int128 capacity = settings.burst > 0 ? absl::int128(settings.burst) * grid.period
                                                     : tolerance * grid.limit + grid.period;
    const absl::int128 burst = capacity / grid.period;
    const absl::int128 most =
        settings.pay_later ? std::max(burst, absl::int128(grid.limit)) : burst;
    return BucketSize(capacity, most, grid.period);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    const bool admits = d.terms.limit > 0;
    const double limit = static_cast<double>(d.terms.limit);
    const double backlog_ms = admits ? d.Ms(d.reg(1)) / limit : 0.0;
    sink.Number("tat_ms", d.Ms(d.reg(0)) + backlog_ms);
    sink.Number("emission_interval_ms",
                admits ? d.Ms(d.terms.period) / limit : std::numeric_limits<double>::infinity());
    sink.Number("burst_tolerance_ms",
                admits ? d.Ms(d.terms.capacity - d.terms.period) / limit : 0.0);
    sink.Flag("conformant", d.verdict.allowed);
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_GCRA_H_
