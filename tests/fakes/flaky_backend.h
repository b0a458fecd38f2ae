// A backend that fails when it is told to.
#ifndef SLUICE_TESTS_FAKES_FLAKY_BACKEND_H_
#define SLUICE_TESTS_FAKES_FLAKY_BACKEND_H_

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "backend/backend.h"

namespace sluice {

// Hands on to another backend what it does not fail.
class FlakyBackend final : public Backend {
 public:
  explicit FlakyBackend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

  // Everything fails.
  std::atomic<bool> down = false;
  // Whether its errors leave open what became of what was asked.
  std::atomic<bool> may_have_run = false;
  // Only so many settlements do, from now on.
  std::atomic<int> failing_settlements = 0;

  void Decide(Decision& decision) override {
    ++asked_;
    const bool settles =
        std::any_of(decision.charges.begin(), decision.charges.end(),
                    [](const Charge& charge) { return charge.mode == Mode::kSettle; });
    if (down || (settles && failing_settlements.fetch_sub(1) > 0)) {
      decision.Done(Error());
    } else {
      inner_->Decide(decision);
    }
  }
  void Forget(Forgetting& forgetting) override {
    if (down) return forgetting.Done(Error());
    inner_->Forget(forgetting);
  }
  BackendStats Stats() const override { return inner_->Stats(); }

  int asked() const { return asked_; }

 private:
  absl::Status Error() const {
    absl::Status error = absl::UnavailableError("down");
    return may_have_run ? error : NotRun(std::move(error));
  }

  const std::unique_ptr<Backend> inner_;
  std::atomic<int> asked_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_FLAKY_BACKEND_H_
