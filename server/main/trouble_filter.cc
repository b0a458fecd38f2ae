#include "main/trouble_filter.h"

#include <iterator>
#include <utility>

namespace sluice {
namespace {

constexpr int64_t kBetweenSameUs = 10'000'000;
constexpr int64_t kBetweenAnyUs = 1'000'000;

// A clock that was set back holds nothing up.
bool IsWithin(int64_t told_us, int64_t now_us, int64_t span_us) {
  return told_us <= now_us && now_us < told_us + span_us;
}

}  // namespace

bool TroubleFilter::Passes(absl::string_view why) {
  const int64_t now_us = clock_.Now();
  MutexLock lock(mutex_);
  if (IsWithin(last_told_us_, now_us, kBetweenAnyUs)) return false;
  for (auto told = told_us_.begin(); told != told_us_.end();) {
    told = IsWithin(told->second, now_us, kBetweenSameUs) ? std::next(told) : told_us_.erase(told);
  }
  if (!told_us_.emplace(why, now_us).second) return false;
  last_told_us_ = now_us;
  well_is_news_ = true;
  return true;
}

bool TroubleFilter::PassesWell() {
  MutexLock lock(mutex_);
  return std::exchange(well_is_news_, false);
}

}  // namespace sluice
