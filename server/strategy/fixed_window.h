// fixed_window: at most `limit` hits in each window of a period, aligned to the Unix epoch.
//
// As envoyproxy/ratelimit counts. Over any closed span W it admits at most L x (floor(W/P) + 2).
#ifndef SLUICE_STRATEGY_FIXED_WINDOW_H_
#define SLUICE_STRATEGY_FIXED_WINDOW_H_

#include "absl/strings/string_view.h"
#include "strategy/family/window.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct FixedWindow : PlainWindow {
  static constexpr absl::string_view kName = "fixed_window";
  static constexpr int kVersion = 1;

  struct Settings {};

  static Settings Read(int64_t, ParamReader&) { return {}; }
  static Size SizeAt(const Grid& grid, const Settings&) { return CountingSize(grid.limit); }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    sink.Number("window_start_ms", d.Ms(d.reg(0)));
    sink.Number("window_end_ms", d.Ms(d.reg(0) + d.terms.period));
    sink.Count("current_count", d.count(1));
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_FIXED_WINDOW_H_
