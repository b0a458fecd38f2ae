// What happened when, in bins of equal width.
#ifndef SLUICE_CLI_SIMULATE_TIMELINE_H_
#define SLUICE_CLI_SIMULATE_TIMELINE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/optional.h"

namespace sluice::cli {

// Costs are sums, which the picture may round.
struct Bin {
  static constexpr int64_t kUntold = std::numeric_limits<int64_t>::max();

  double admitted = 0;
  double denied = 0;
  int64_t remaining = kUntold;  // the lowest that was told

  void Merge(const Bin& other);
};

// Bins from `first` on: bin i covers [i, i + 1) x `width_us` since the timeline's origin, and i is
// negative for what a clock that ran back put before it.
struct Bins {
  int64_t width_us = 1;
  int64_t first = 0;
  std::vector<Bin> bins;
};

// Gathers at the finest width that keeps the number of bins bounded: when they become too many,
// neighbours are merged. A value; not thread-safe.
class Timeline {
 public:
  static constexpr size_t kMostBins = 4096;

  // `origin_us` is in microseconds since the Unix epoch.
  explicit Timeline(int64_t origin_us) : origin_us_(origin_us) {}

  // `at_us` is in microseconds since the Unix epoch, at least 0 and below 2^52.
  void Add(int64_t at_us, const Bin& bin);

  int64_t origin_us() const { return origin_us_; }
  // In at most `most` bins (16 to kMostBins) whose width is a round number.
  Bins Rounded(size_t most) const;

 private:
  void Coarsen();
  // So many neighbours in one, each time from where a bin of that width begins.
  std::vector<Bin> Merged(int64_t ratio) const;

  int64_t origin_us_;
  size_t rung_ = 0;  // of the ladder of widths
  int64_t first_ = 0;
  std::vector<Bin> bins_;
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_TIMELINE_H_
