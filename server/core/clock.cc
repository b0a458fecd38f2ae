#include "core/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "core/mutex.h"

namespace sluice {
namespace {

constexpr int64_t kStepAheadUs = 1'000'000;
constexpr int64_t kSlewPerMillion = 500;

class RealSource final : public ClockSource {
 public:
  int64_t SteadyUs() const override { return Us(std::chrono::steady_clock::now()); }
  int64_t UtcUs() const override { return Us(std::chrono::system_clock::now()); }

 private:
  template <class TimePoint>
  static int64_t Us(TimePoint at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  }
};

class DisciplinedClock final : public Clock {
 public:
  explicit DisciplinedClock(std::unique_ptr<ClockSource> source)
      : source_(std::move(source)),
        last_steady_(source_->SteadyUs()),
        last_utc_(source_->UtcUs()) {}

  int64_t Now() const override {
    MutexLock lock(mutex_);
    const int64_t steady = std::max(source_->SteadyUs(), last_steady_);
    const int64_t utc = source_->UtcUs();
    const int64_t elapsed = steady - last_steady_;
    const int64_t free_running = last_utc_ + elapsed;
    const int64_t error = utc - free_running;
    int64_t correction = error;
    if (error <= kStepAheadUs) {
      // Readings come every few microseconds: what is too small to slew is carried to the next one.
      slew_credit_ += elapsed * kSlewPerMillion;
      const int64_t allowed = slew_credit_ / 1'000'000;
      correction = std::clamp(error, -allowed, allowed);
      slew_credit_ =
          std::min<int64_t>(slew_credit_ - std::llabs(correction) * 1'000'000, 1'000'000);
    }
    last_steady_ = steady;
    last_utc_ = std::max(last_utc_, free_running + correction);
    return last_utc_;
  }

 private:
  const std::unique_ptr<ClockSource> source_;
  mutable Mutex mutex_;
  mutable int64_t last_steady_ ABSL_GUARDED_BY(mutex_);
  mutable int64_t last_utc_ ABSL_GUARDED_BY(mutex_);
  mutable int64_t slew_credit_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

std::unique_ptr<Clock> NewDisciplinedClock(std::unique_ptr<ClockSource> source) {
  return std::make_unique<DisciplinedClock>(std::move(source));
}

std::unique_ptr<Clock> NewSystemClock() {
  return NewDisciplinedClock(std::make_unique<RealSource>());
}

}  // namespace sluice
