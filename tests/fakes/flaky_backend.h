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
  // Only so many settlements do, from now on.
  std::atomic<int> failing_settlements = 0;

  void Decide(Decision& decision) override {
    ++asked_;
    const bool settles =
        std::any_of(decision.charges.begin(), decision.charges.end(),
                    [](const Charge& charge) { return charge.mode == Mode::kSettle; });
    if (down || (settles && failing_settlements.fetch_sub(1) > 0)) {
      decision.Done(absl::UnavailableError("down"));
    } else {
      inner_->Decide(decision);
    }
  }
  void Forget(Forgetting& forgetting) override {
    if (down) return forgetting.Done(absl::UnavailableError("down"));
    inner_->Forget(forgetting);
  }
  BackendStats Stats() const override { return inner_->Stats(); }

  int asked() const { return asked_; }

 private:
  const std::unique_ptr<Backend> inner_;
  std::atomic<int> asked_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_FLAKY_BACKEND_H_
