// What is asked of a backend, with an answer that a test can wait for.
#ifndef SLUICE_TESTS_FAKES_AWAITED_H_
#define SLUICE_TESTS_FAKES_AWAITED_H_

#include <utility>

#include "absl/status/status.h"
#include "core/mutex.h"

namespace sluice {

// `Asked` is a Decision or a Forgetting.
template <class Asked>
class Awaited : public Asked {
 public:
  void Done(absl::Status status) final {
    MutexLock lock(mutex_);
    status_ = std::move(status);
    ++times_done_;
    answered_.NotifyAll();
  }

  // The answer; an error of its own when none comes within 30 s.
  absl::Status Wait() {
    MutexLock lock(mutex_);
    while (times_done_ == 0) {
      if (!answered_.WaitFor(mutex_, 30'000'000)) return absl::InternalError("no answer came");
    }
    return status_;
  }

  int times_done() const {
    MutexLock lock(mutex_);
    return times_done_;
  }

 private:
  mutable Mutex mutex_;
  CondVar answered_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  int times_done_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_AWAITED_H_
