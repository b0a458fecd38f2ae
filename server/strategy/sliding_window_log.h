// sliding_window_log: the costs of (now - P, now] together stay within the limit.
//
// Exact, at the price of 16 bytes for each hit that it remembers. When `max_entries` are alive
// every hit is denied. Over any closed span W it admits at most L x (floor(W/P) + 1).
#ifndef SLUICE_STRATEGY_SLIDING_WINDOW_LOG_H_
#define SLUICE_STRATEGY_SLIDING_WINDOW_LOG_H_

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "strategy/family/log.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct SlidingWindowLog : LogStrategy<1> {
  static constexpr absl::string_view kName = "sliding_window_log";
  static constexpr int kVersion = 1;
  static constexpr bool kCountsDenied = true;

  struct Settings {
    int64_t max_entries;
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    const int64_t absent = std::clamp<int64_t>(limit, 1, kMostLogEntries);
    return {params.Amount("max_entries", absent, 1, kMostLogEntries)};
  }
  static Size SizeAt(const Grid& grid, const Settings&) { return CountingSize(grid.limit); }
  static std::array<int64_t, kOwnTerms> OwnTerms(const Grid& grid, const Settings& settings) {
    return {settings.max_entries, grid.limit, 2 * grid.limit};
  }
  static std::string Warning(int64_t limit, const Settings& settings) {
    return LogWarning(kName, settings.max_entries, limit);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    sink.Number("window_start_ms", d.Ms(d.reg(0) - d.terms.period));
    sink.Count("entry_count", d.count(1));
    sink.Count("current_cost_sum", d.count(2));
    if (d.reg(kRegisters) != kNoEntry) sink.Number("oldest_entry_ms", d.Ms(d.reg(kRegisters)));
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_SLIDING_WINDOW_LOG_H_
