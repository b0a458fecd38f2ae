#include "main/trouble_filter.h"

#include <iterator>
#include <utility>

namespace sluice {
namespace {

constexpr int64_t kBetweenSameUs = 10'000'000;
constexpr int64_t kBetweenAnyUs = 1'000'000;

}  // namespace

bool TroubleFilter::Passes(absl::string_view why) {
  const int64_t now_us = clock_.Now();
  MutexLock lock(mutex_);
  if (closed_ || now_us < last_told_us_ + kBetweenAnyUs) return false;
  for (auto told = told_us_.begin(); told != told_us_.end();) {
    told = now_us < told->second + kBetweenSameUs ? std::next(told) : told_us_.erase(told);
  }
  if (told_us_.find(why) != told_us_.end()) return false;
  told_us_.emplace(why, now_us);
  last_told_us_ = now_us;
  well_is_news_ = true;
  return true;
}

bool TroubleFilter::PassesWell() {
  MutexLock lock(mutex_);
  return std::exchange(well_is_news_, false) && !closed_;
}

void TroubleFilter::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
}

}  // namespace sluice
