// A decision whose answer a test can wait for.
#ifndef SLUICE_TESTS_FAKES_AWAITED_DECISION_H_
#define SLUICE_TESTS_FAKES_AWAITED_DECISION_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/charge.h"
#include "core/mutex.h"

namespace sluice {

// Owns its charges (not their keys and limits) and its verdicts.
class AwaitedDecision final : public Decision {
 public:
  AwaitedDecision(std::vector<Charge> wanted, int64_t at_us)
      : charges_(std::move(wanted)), verdicts_(charges_.size()) {
    charges = charges_;
    verdicts = absl::MakeSpan(verdicts_);
    now_us = at_us;
  }

  void Done(absl::Status status) override {
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

  // To be read once answered.
  const std::vector<Verdict>& verdicts_told() const { return verdicts_; }

 private:
  std::vector<Charge> charges_;
  std::vector<Verdict> verdicts_;
  mutable Mutex mutex_;
  CondVar answered_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  int times_done_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_AWAITED_DECISION_H_
