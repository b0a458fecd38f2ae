// The picture of a replay: a panel a strategy, one above the other on one axis of time.
#ifndef SLUICE_CLI_SIMULATE_PLOT_H_
#define SLUICE_CLI_SIMULATE_PLOT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/simulate/timeline.h"
#include "core/rate.h"

namespace sluice::cli {

struct PlotPanel {
  std::string strategy;  // letters, digits and '_'; no two panels have the same
  std::string params;    // behind the rate in the panel's title; empty for none
  int64_t counters = 1;
  // The key and split, such as a tier, of the counter whose remaining hits it shows.
  std::string shown_key;
  std::string shown_split;
  bool has_windows = false;  // whether it counts in windows aligned to the epoch: shows their edges
  Timeline timeline;
};

struct Plot {
  std::string title;
  Rate rate = Rate::Unlimited();
  int64_t rows = 0;
  // Their timelines have the same origin and the same rows.
  std::vector<PlotPanel> panels;
};

// A standalone SVG document, 900 pixels wide.
//
// Each panel is a <g id="STRATEGY" class="panel"> that tells how it is drawn, so that a picture can
// be read back: data-left, -top, -width and -height are its plot area in pixels; it shows
// [data-from-us, data-to-us] since data-origin-us in bins of data-bin-us, costs from 0 to
// data-cost-top and remaining hits from 0 to data-remaining-top. Its series are the elements
// STRATEGY-admitted, -denied, -limit and -remaining; bars of denied cost stand on admitted ones,
// and remaining hits are the lowest that a bin's rows told, at the middle of the bin. A wide gap
// between those is bridged by STRATEGY-remaining-guessed.
std::string DrawPlot(const Plot& plot);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_PLOT_H_
