// A clock that stands still until a test moves it.
#ifndef SLUICE_TESTS_FAKES_FAKE_CLOCK_H_
#define SLUICE_TESTS_FAKES_FAKE_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "core/clock.h"

namespace sluice {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(int64_t now_us = 1'700'000'000'000'000) : now_us_(now_us) {}

  int64_t Now() const override { return now_us_; }
  void Advance(int64_t us) { now_us_ += us; }
  void Set(int64_t now_us) { now_us_ = now_us; }

 private:
  std::atomic<int64_t> now_us_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_FAKE_CLOCK_H_
