#include "cli/simulate/timeline.h"

#include <algorithm>
#include <array>

#include "core/rate.h"
#include "strategy/number.h"

namespace sluice::cli {
namespace {

// The widths at which a timeline gathers, each a multiple of the one before, so that neighbours
// merge without a rest.
constexpr std::array kLadderUs = {
    int64_t{1},
    int64_t{5},
    int64_t{10},
    int64_t{50},
    int64_t{100},
    int64_t{500},
    kMillisecondUs,
    5 * kMillisecondUs,
    10 * kMillisecondUs,
    50 * kMillisecondUs,
    100 * kMillisecondUs,
    500 * kMillisecondUs,
    kSecondUs,
    5 * kSecondUs,
    10 * kSecondUs,
    30 * kSecondUs,
    kMinuteUs,
    5 * kMinuteUs,
    10 * kMinuteUs,
    30 * kMinuteUs,
    kHourUs,
    2 * kHourUs,
    6 * kHourUs,
    12 * kHourUs,
    kDayUs,
    5 * kDayUs,
    10 * kDayUs,
    50 * kDayUs,
};

// Those that one would choose for a picture.
constexpr std::array kRoundUs = {
    int64_t{1},
    int64_t{2},
    int64_t{5},
    int64_t{10},
    int64_t{20},
    int64_t{50},
    int64_t{100},
    int64_t{200},
    int64_t{500},
    kMillisecondUs,
    2 * kMillisecondUs,
    5 * kMillisecondUs,
    10 * kMillisecondUs,
    20 * kMillisecondUs,
    50 * kMillisecondUs,
    100 * kMillisecondUs,
    200 * kMillisecondUs,
    500 * kMillisecondUs,
    kSecondUs,
    2 * kSecondUs,
    5 * kSecondUs,
    10 * kSecondUs,
    15 * kSecondUs,
    30 * kSecondUs,
    kMinuteUs,
    2 * kMinuteUs,
    5 * kMinuteUs,
    10 * kMinuteUs,
    15 * kMinuteUs,
    30 * kMinuteUs,
    kHourUs,
    2 * kHourUs,
    3 * kHourUs,
    6 * kHourUs,
    12 * kHourUs,
    kDayUs,
    2 * kDayUs,
    5 * kDayUs,
    10 * kDayUs,
    20 * kDayUs,
    50 * kDayUs,
    100 * kDayUs,
    200 * kDayUs,
    500 * kDayUs,
    1'000 * kDayUs,
    2'000 * kDayUs,
    5'000 * kDayUs,
    10'000 * kDayUs,
};

}  // namespace

void Bin::Merge(const Bin& other) {
  admitted += other.admitted;
  denied += other.denied;
  remaining = std::min(remaining, other.remaining);
}

void Timeline::Add(int64_t at_us, const Bin& bin) {
  const int64_t since = at_us - origin_us_;
  int64_t index = FloorDiv(since, kLadderUs[rung_]);
  if (bins_.empty()) first_ = index;
  const auto outgrown = [&] {
    const int64_t last = first_ + static_cast<int64_t>(bins_.size()) - 1;
    const int64_t span = std::max(index, last) - std::min(index, first_) + 1;
    return span > static_cast<int64_t>(kMostBins) && rung_ + 1 < kLadderUs.size();
  };
  while (outgrown()) {
    Coarsen();
    index = FloorDiv(since, kLadderUs[rung_]);
  }
  if (index < first_) {
    bins_.insert(bins_.begin(), static_cast<size_t>(first_ - index), Bin());
    first_ = index;
  }
  const size_t place = static_cast<size_t>(index - first_);
  if (place >= bins_.size()) bins_.resize(place + 1);
  bins_[place].Merge(bin);
}

void Timeline::Coarsen() {
  const int64_t ratio = kLadderUs[rung_ + 1] / kLadderUs[rung_];
  bins_ = Merged(ratio);
  first_ = FloorDiv(first_, ratio);
  ++rung_;
}

std::vector<Bin> Timeline::Merged(int64_t ratio) const {
  const int64_t first = FloorDiv(first_, ratio);
  std::vector<Bin> merged;
  for (size_t i = 0; i < bins_.size(); ++i) {
    const int64_t index = FloorDiv(first_ + static_cast<int64_t>(i), ratio);
    const size_t place = static_cast<size_t>(index - first);
    if (place >= merged.size()) merged.resize(place + 1);
    merged[place].Merge(bins_[i]);
  }
  return merged;
}

Bins Timeline::Rounded(size_t most) const {
  const int64_t fine = kLadderUs[rung_];
  const int64_t last = first_ + static_cast<int64_t>(bins_.size()) - 1;
  const auto fits = [&](int64_t width) {
    if (width % fine != 0) return false;
    const int64_t ratio = width / fine;
    const int64_t bins = FloorDiv(last, ratio) - FloorDiv(first_, ratio) + 1;
    return bins <= static_cast<int64_t>(most);
  };
  const auto width = std::find_if(kRoundUs.begin(), kRoundUs.end(), fits);
  Bins rounded;
  rounded.width_us = width == kRoundUs.end() ? kRoundUs.back() : *width;
  const int64_t ratio = rounded.width_us / fine;
  rounded.first = FloorDiv(first_, ratio);
  rounded.bins = Merged(ratio);
  return rounded;
}

}  // namespace sluice::cli
