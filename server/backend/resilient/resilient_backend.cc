#include "backend/resilient/resilient_backend.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "backend/resilient/breaker.h"
#include "core/mutex.h"

namespace sluice {
namespace {

using Pass = Breaker::Pass;
using Sign = Breaker::Sign;

absl::Status BreakerIsOpen() { return NotRun(absl::UnavailableError("the breaker is open")); }

absl::Status TooLate() {
  return NotRun(absl::DeadlineExceededError("the deadline was over before the backend was asked"));
}

// `patient`: whether the backend had its time.
Sign SignOf(const absl::Status& status, bool patient) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return Sign::kGood;
    case absl::StatusCode::kDeadlineExceeded:
      return patient ? Sign::kBad : Sign::kNone;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return Sign::kBad;
    default:
      return Sign::kNone;
  }
}

class Resilient final : public ResilientBackend {
 public:
  Resilient(std::unique_ptr<Backend> inner, const ResilientOptions& options, ResilientHooks hooks,
            const Clock& clock)
      : clock_(clock),
        after_(std::move(hooks.after)),
        breaker_(options.breaker, std::move(hooks.on_breaker), clock),
        deadline_us_(options.deadline_us),
        retry_(options.retry),
        inner_(std::move(inner)) {}

  void Decide(Decision& decision) override;
  uint32_t Unit(const CounterKey& key) const override { return inner_->Unit(key); }
  void Forget(Forgetting& forgetting) override;
  BackendStats Stats() const override;

  void SetBreaker(BreakerMode mode) override { breaker_.SetMode(mode); }
  BreakerState breaker() const override { return breaker_.state(); }
  void ProvedAlive() override { breaker_.ProvedAlive(); }
  void SetOptions(const ResilientOptions& options) override;

 private:
  class Asking;
  class Oblivion;

  absl::Status Refusal();
  void Answered(Asking& asking, absl::Status status);
  // False: it is not to be asked again.
  bool Retry(Asking& asking);
  void AskAgain(Asking& asking);
  void Finish(Asking& asking, absl::Status status);
  void Forgotten(Oblivion& oblivion, absl::Status status);

  const Clock& clock_;
  const std::function<void(int64_t delay_us, std::function<void()> task)> after_;
  Breaker breaker_;
  std::atomic<int64_t> refused_{0};
  std::atomic<int64_t> deadline_us_;
  Mutex mutex_;
  RetryOptions retry_ ABSL_GUARDED_BY(mutex_);
  // Goes first: until it has, it may prove itself alive.
  const std::unique_ptr<Backend> inner_;
};

// A decision on its way, in place of the caller's. Owns itself until Finish.
class Resilient::Asking final : public Decision {
 public:
  Asking(Resilient& resilient, Decision& of_caller, const Pass& let_through, bool is_patient)
      : caller(of_caller), pass(let_through), patient(is_patient), owner_(resilient) {
    charges = of_caller.charges;
    verdicts = of_caller.verdicts;
    now_us = of_caller.now_us;
  }
  void Done(absl::Status status) override { owner_.Answered(*this, std::move(status)); }
  void AskAgain() { owner_.AskAgain(*this); }

  Decision& caller;
  const Pass pass;
  const bool patient;  // whether no answer in time is the backend's fault
  int retries = 0;
  double next_delay_us = 0;

 private:
  Resilient& owner_;
};

// The same of something to be forgotten.
class Resilient::Oblivion final : public Forgetting {
 public:
  Oblivion(Resilient& resilient, Forgetting& of_caller, const Pass& let_through)
      : caller(of_caller), pass(let_through), owner_(resilient) {
    keys = of_caller.keys;
    scope = of_caller.scope;
    name_spaces = of_caller.name_spaces;
    now_us = of_caller.now_us;
  }
  void Done(absl::Status status) override { owner_.Forgotten(*this, std::move(status)); }

  Forgetting& caller;
  const Pass pass;

 private:
  Resilient& owner_;
};

absl::Status Resilient::Refusal() {
  refused_.fetch_add(1, std::memory_order_relaxed);
  return BreakerIsOpen();
}

void Resilient::Decide(Decision& decision) {
  const int64_t own_us = deadline_us_.load(std::memory_order_relaxed);
  const int64_t own_deadline_us = decision.now_us + own_us;
  const int64_t deadline_us = std::min(decision.deadline_us, own_deadline_us);
  const int64_t left_us = deadline_us - clock_.Now();
  if (left_us <= 0) return decision.Done(TooLate());
  const absl::optional<Pass> pass = breaker_.Admit(/*alone=*/true);
  if (!pass.has_value()) return decision.Done(Refusal());
  const bool patient = deadline_us == own_deadline_us && left_us >= own_us / 2;
  auto* asking = new Asking(*this, decision, *pass, patient);
  asking->deadline_us = deadline_us;
  inner_->Decide(*asking);
}

void Resilient::Answered(Asking& asking, absl::Status status) {
  if (ProvesNotRun(status) && Retry(asking)) return;
  Finish(asking, std::move(status));
}

bool Resilient::Retry(Asking& asking) {
  RetryOptions retry;
  {
    MutexLock lock(mutex_);
    retry = retry_;
  }
  if (asking.retries >= retry.max_retries || !breaker_.Holds(asking.pass)) return false;
  if (asking.retries == 0) asking.next_delay_us = static_cast<double>(retry.delay_us);
  const double delay_us = asking.next_delay_us;
  if (delay_us >= static_cast<double>(asking.deadline_us - clock_.Now())) return false;
  ++asking.retries;
  asking.next_delay_us *= retry.multiplier;
  after_(static_cast<int64_t>(delay_us), [&asking] { asking.AskAgain(); });
  return true;
}

void Resilient::AskAgain(Asking& asking) {
  if (!breaker_.Holds(asking.pass)) return Finish(asking, Refusal());
  if (clock_.Now() >= asking.deadline_us) return Finish(asking, TooLate());
  inner_->Decide(asking);
}

void Resilient::Finish(Asking& asking, absl::Status status) {
  breaker_.Record(asking.pass, SignOf(status, asking.patient));
  Decision& caller = asking.caller;
  delete &asking;
  caller.Done(std::move(status));
}

void Resilient::Forget(Forgetting& forgetting) {
  const absl::optional<Pass> pass = breaker_.Admit(/*alone=*/false);
  if (!pass.has_value()) return forgetting.Done(Refusal());
  inner_->Forget(*new Oblivion(*this, forgetting, *pass));
}

void Resilient::Forgotten(Oblivion& oblivion, absl::Status status) {
  breaker_.Record(oblivion.pass, SignOf(status, /*patient=*/true));
  Forgetting& caller = oblivion.caller;
  caller.forgotten = oblivion.forgotten;
  delete &oblivion;
  caller.Done(std::move(status));
}

BackendStats Resilient::Stats() const {
  BackendStats stats = inner_->Stats();
  if (!stats.remote.has_value()) stats.remote.emplace();
  stats.remote->breaker = breaker_.state();
  stats.remote->errors[kBreakerError] = refused_;
  return stats;
}

void Resilient::SetOptions(const ResilientOptions& options) {
  breaker_.SetOptions(options.breaker);
  deadline_us_ = options.deadline_us;
  MutexLock lock(mutex_);
  retry_ = options.retry;
}

}  // namespace

std::unique_ptr<ResilientBackend> NewResilientBackend(std::unique_ptr<Backend> inner,
                                                      const ResilientOptions& options,
                                                      ResilientHooks hooks, const Clock& clock) {
  return std::make_unique<Resilient>(std::move(inner), options, std::move(hooks), clock);
}

}  // namespace sluice
