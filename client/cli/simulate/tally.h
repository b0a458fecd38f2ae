// The sums of a replay, for --summary.
#ifndef SLUICE_CLI_SIMULATE_TALLY_H_
#define SLUICE_CLI_SIMULATE_TALLY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/simulate/player.h"
#include "cli/simulate/trace.h"
#include "core/rate.h"

namespace sluice::cli {

// The most that was admitted of one counter in any span [s, s + period), to the microsecond.
// Remembers the admissions of one period a counter. Not thread-safe.
class PeakFinder {
 public:
  explicit PeakFinder(int64_t period_us) : period_us_(period_us) {}

  // An admission of a counter, which this key and split tell from others. A clock that ran back
  // stands still, as it does for the strategies.
  void Admit(size_t counter, int64_t at_us, int64_t cost, absl::string_view key,
             absl::string_view split = {});

  int64_t most() const { return most_; }
  // Of the counter that first reached it; empty when nothing was admitted.
  const std::string& key() const { return key_; }
  const std::string& split() const { return split_; }

 private:
  struct Admission {
    int64_t at_us;
    int64_t cost;
  };
  struct Recent {
    std::vector<Admission> admissions;  // those from `first` on count
    size_t first = 0;
    int64_t sum = 0;
  };

  const int64_t period_us_;
  std::vector<Recent> counters_;
  int64_t most_ = 0;
  std::string key_;
  std::string split_;
};

// Not thread-safe.
class Tally {
 public:
  explicit Tally(const Rate& rate) : peak_(rate.period_us()), limited_(!rate.unlimited()) {}

  void Count(const TraceRow& row, const Answer& answer);

  int64_t rows = 0;
  int64_t admitted_hits = 0;
  int64_t denied_hits = 0;
  absl::uint128 admitted_cost = 0;
  absl::uint128 denied_cost = 0;
  int64_t checks = 0;
  int64_t stats = 0;
  int64_t longest_wait_us = 0;
  int64_t infinite_waits = 0;
  const PeakFinder& peak() const { return peak_; }

 private:
  PeakFinder peak_;
  const bool limited_;
};

struct NamedTally {
  std::string strategy;
  const Tally* tally;
};

// A table with a column a strategy.
std::string SummaryText(const Rate& rate, absl::Span<const NamedTally> tallies);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_TALLY_H_
