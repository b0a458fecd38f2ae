// When a backend that fails is left alone.
#ifndef SLUICE_BACKEND_RESILIENT_BREAKER_H_
#define SLUICE_BACKEND_RESILIENT_BREAKER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>

#include "absl/types/optional.h"
#include "backend/backend.h"
#include "backend/resilient/breakers.h"
#include "backend/resilient/resilient_backend.h"
#include "core/clock.h"
#include "core/mutex.h"

namespace sluice {

// Thread-safe. Takes no lock while it is closed and nothing fails, nor to turn away while it is
// open.
class Breaker {
 public:
  // What an answer says of the backend.
  enum class Sign { kGood, kBad, kNone };

  // That something was let through; goes back with its answer.
  struct Pass {
    uint64_t phase;  // in which it was
    bool alone;      // whether others wait for it
  };

  // The clock outlives it. `on_change` is ResilientHooks::on_breaker.
  Breaker(const BreakerOptions& options, std::function<void(BreakerState)> on_change,
          const Clock& clock);

  // nullopt: it must not ask. Half-open, only one at a time of those that go alone is let through.
  absl::optional<Pass> Admit(bool alone);
  // Whether what was let through may ask again.
  bool Holds(const Pass& pass) const;
  // Once for each pass. What comes from a phase that is over does not count.
  void Record(const Pass& pass, Sign sign);

  void SetMode(BreakerMode mode);
  void SetOptions(const BreakerOptions& options);
  void ProvedAlive();
  BreakerState state() const;

 private:
  // A number that grows with each change, and behind it the state.
  static constexpr int kStateBits = 2;
  static BreakerState StateOf(uint64_t phase) {
    return static_cast<BreakerState>(phase & ((1 << kStateBits) - 1));
  }

  void Count(Sign sign) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enter(BreakerState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t RecoveryUs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Without the lock, and by one thread at a time.
  void Tell();

  const std::function<void(BreakerState)> on_change_;
  const Clock& clock_;

  // Written under the lock, read without.
  std::atomic<uint64_t> phase_{static_cast<uint64_t>(BreakerState::kClosed)};
  std::atomic<int> failures_{0};  // in a row, closed
  // When an open one becomes half-open; kNever: not by itself.
  std::atomic<int64_t> half_open_at_us_{0};

  Mutex mutex_;
  BreakerOptions options_ ABSL_GUARDED_BY(mutex_);
  BreakerMode mode_ ABSL_GUARDED_BY(mutex_) = BreakerMode::kAutomatic;
  int successes_ ABSL_GUARDED_BY(mutex_) = 0;      // in a row, half-open
  bool one_asks_ ABSL_GUARDED_BY(mutex_) = false;  // half-open
  std::minstd_rand jitter_ ABSL_GUARDED_BY(mutex_);
  std::deque<BreakerState> untold_ ABSL_GUARDED_BY(mutex_);
  BreakerState last_told_ ABSL_GUARDED_BY(mutex_) = BreakerState::kClosed;  // `untold_` included
  bool telling_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_RESILIENT_BREAKER_H_
