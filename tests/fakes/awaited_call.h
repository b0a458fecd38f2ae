// A limiter's call whose answer a test can wait for.
#ifndef SLUICE_TESTS_FAKES_AWAITED_CALL_H_
#define SLUICE_TESTS_FAKES_AWAITED_CALL_H_

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "core/mutex.h"
#include "limiter/call.h"

namespace sluice {

// `Base` is ThrottleCall or DescriptorCall.
template <class Base>
class AwaitedCall final : public Base {
 public:
  explicit AwaitedCall(int64_t at_us) { this->now_us = at_us; }

  void Finish(absl::Status status) override {
    MutexLock lock(mutex_);
    status_ = std::move(status);
    ++times_finished_;
    answered_.NotifyAll();
  }

  // The answer; an error of its own when none comes within 30 s.
  absl::Status Wait() {
    MutexLock lock(mutex_);
    while (times_finished_ == 0) {
      if (!answered_.WaitFor(mutex_, 30'000'000)) return absl::InternalError("no answer came");
    }
    return status_;
  }

  int times_finished() const {
    MutexLock lock(mutex_);
    return times_finished_;
  }

 private:
  mutable Mutex mutex_;
  CondVar answered_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  int times_finished_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_AWAITED_CALL_H_
