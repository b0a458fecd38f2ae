#include "backend/resilient/breaker.h"

#include <utility>

#include "core/charge.h"

namespace sluice {

Breaker::Breaker(const BreakerOptions& options, std::function<void(BreakerState)> on_change,
                 const Clock& clock)
    : on_change_(std::move(on_change)),
      clock_(clock),
      options_(options),
      jitter_(std::random_device()()) {}

absl::optional<Breaker::Pass> Breaker::Admit(bool alone) {
  const uint64_t seen = phase_.load(std::memory_order_acquire);
  if (StateOf(seen) == BreakerState::kClosed) return Pass{seen, false};
  if (StateOf(seen) == BreakerState::kOpen && clock_.Now() < half_open_at_us_) return absl::nullopt;
  MutexLock lock(mutex_);
  if (StateOf(phase_) == BreakerState::kOpen && clock_.Now() >= half_open_at_us_) {
    Enter(BreakerState::kHalfOpen);
  }
  switch (StateOf(phase_)) {
    case BreakerState::kOpen:
      return absl::nullopt;
    case BreakerState::kClosed:
      return Pass{phase_, false};
    case BreakerState::kHalfOpen:
      break;
  }
  if (!alone) return Pass{phase_, false};
  if (std::exchange(one_asks_, true)) return absl::nullopt;
  return Pass{phase_, true};
}

bool Breaker::Holds(const Pass& pass) const {
  const uint64_t now = phase_;
  return now == pass.phase || StateOf(now) == BreakerState::kClosed;
}

void Breaker::Record(const Pass& pass, Sign sign) {
  const bool closed = StateOf(pass.phase) == BreakerState::kClosed;
  if (closed && sign != Sign::kBad && failures_.load(std::memory_order_relaxed) == 0) return;
  {
    MutexLock lock(mutex_);
    if (pass.phase != phase_) return;
    if (pass.alone) one_asks_ = false;
    Count(sign);
  }
  Tell();
}

void Breaker::Count(Sign sign) {
  if (sign == Sign::kNone) return;
  const bool good = sign == Sign::kGood;
  if (StateOf(phase_) == BreakerState::kHalfOpen) {
    if (!good) {
      Enter(BreakerState::kOpen);
    } else if (++successes_ >= options_.success_threshold) {
      Enter(BreakerState::kClosed);
    }
    return;
  }
  if (good || mode_ == BreakerMode::kForcedClosed) {
    failures_ = 0;
  } else if (++failures_ >= options_.failure_threshold) {
    Enter(BreakerState::kOpen);
  }
}

void Breaker::Enter(BreakerState state) {
  failures_ = 0;
  successes_ = 0;
  one_asks_ = false;
  if (state == BreakerState::kOpen) {
    const bool forced = mode_ == BreakerMode::kForcedOpen;
    half_open_at_us_ = forced ? kNever : clock_.Now() + RecoveryUs();
  }
  const uint64_t number = (phase_ >> kStateBits) + 1;
  phase_.store(number << kStateBits | static_cast<uint64_t>(state), std::memory_order_release);
  if (state == BreakerState::kHalfOpen || state == last_told_) return;
  last_told_ = state;
  untold_.push_back(state);
}

int64_t Breaker::RecoveryUs() {
  // So that the nodes of a fleet do not all come back at one instant.
  std::uniform_real_distribution<double> fifth(0.8, 1.2);
  return static_cast<int64_t>(static_cast<double>(options_.recovery_timeout_us) * fifth(jitter_));
}

void Breaker::Tell() {
  {
    MutexLock lock(mutex_);
    // Whoever is at it tells this as well.
    if (untold_.empty() || std::exchange(telling_, true)) return;
  }
  for (;;) {
    BreakerState next = BreakerState::kClosed;
    {
      MutexLock lock(mutex_);
      if (untold_.empty()) {
        telling_ = false;
        return;
      }
      next = untold_.front();
      untold_.pop_front();
    }
    on_change_(next);
  }
}

void Breaker::SetMode(BreakerMode mode) {
  {
    MutexLock lock(mutex_);
    const BreakerMode before = std::exchange(mode_, mode);
    if (mode == BreakerMode::kForcedOpen) {
      Enter(BreakerState::kOpen);
    } else if (mode == BreakerMode::kForcedClosed) {
      Enter(BreakerState::kClosed);
    } else if (before == BreakerMode::kForcedOpen) {
      Enter(BreakerState::kHalfOpen);
    }
  }
  Tell();
}

void Breaker::SetOptions(const BreakerOptions& options) {
  MutexLock lock(mutex_);
  options_ = options;
}

void Breaker::ProvedAlive() {
  MutexLock lock(mutex_);
  if (StateOf(phase_) != BreakerState::kOpen || mode_ == BreakerMode::kForcedOpen) return;
  Enter(BreakerState::kHalfOpen);
}

BreakerState Breaker::state() const {
  const BreakerState state = StateOf(phase_.load(std::memory_order_acquire));
  const bool over = state == BreakerState::kOpen && clock_.Now() >= half_open_at_us_;
  return over ? BreakerState::kHalfOpen : state;
}

}  // namespace sluice
