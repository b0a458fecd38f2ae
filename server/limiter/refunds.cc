#include "limiter/refunds.h"

#include <utility>

#include "core/charge.h"

namespace sluice {
namespace {

constexpr int64_t kTurnUs = 100'000;
constexpr int kTurns = 20;  // two seconds
// More at a time are given up at once.
constexpr size_t kMostAttempts = 100'000;

}  // namespace

class Refunds::Attempt final : public Decision {
 public:
  Attempt(Refunds& owner, std::shared_ptr<Backend> backend, std::string name,
          std::vector<Refund> refunds)
      : owner_(owner),
        backend_(std::move(backend)),
        name_(std::move(name)),
        refunds_(std::move(refunds)) {
    list_.reserve(refunds_.size());
    for (const Refund& refund : refunds_) {
      list_.push_back({refund.key, refund.limit, -refund.amount, Mode::kSettle, refund.tag});
    }
    judged_.resize(list_.size());
  }

  void Ask() {
    charges = list_;
    verdicts = absl::MakeSpan(judged_);
    now_us = owner_.clock_.Now();
    --turns_left_;
    backend_->Decide(*this);
  }
  void Done(absl::Status status) override { owner_.Done(*this, status); }

  bool spent() const { return turns_left_ == 0; }
  const std::string& name() const { return name_; }
  size_t size() const { return refunds_.size(); }

 private:
  Refunds& owner_;
  const std::shared_ptr<Backend> backend_;
  const std::string name_;
  const std::vector<Refund> refunds_;
  std::vector<Charge> list_;
  std::vector<Verdict> judged_;
  int turns_left_ = kTurns;
};

Refunds::~Refunds() {
  std::thread thread;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
    stopped_.NotifyAll();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
  MutexLock lock(mutex_);
  while (asked_ > 0) changed_.Wait(mutex_);
  for (const Attempt* attempt : waiting_) {
    GiveUp(*attempt);
    delete attempt;
  }
}

void Refunds::Add(std::shared_ptr<Backend> backend, std::string name, std::vector<Refund> refunds) {
  // Owns itself until it is settled or given up.
  auto* attempt = new Attempt(*this, std::move(backend), std::move(name), std::move(refunds));
  MutexLock lock(mutex_);
  if (waiting_.size() + asked_ >= kMostAttempts) {
    GiveUp(*attempt);
    delete attempt;
    return;
  }
  waiting_.push_back(attempt);
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  changed_.NotifyAll();
}

void Refunds::Run() {
  for (;;) {
    const std::vector<Attempt*> turn = NextTurn();
    if (turn.empty()) return;
    for (Attempt* attempt : turn) attempt->Ask();
  }
}

std::vector<Refunds::Attempt*> Refunds::NextTurn() {
  MutexLock lock(mutex_);
  while (waiting_.empty() && !stopping_) changed_.Wait(mutex_);
  // What comes meanwhile wakes nobody, so that turns come however much there is to take back.
  for (bool slept = false; !slept && !stopping_;) slept = !stopped_.WaitFor(mutex_, kTurnUs);
  if (stopping_) return {};
  asked_ += waiting_.size();
  return std::exchange(waiting_, {});
}

void Refunds::Done(Attempt& attempt, const absl::Status& status) {
  const bool again = ProvesNotRun(status) && !attempt.spent();
  if (!again) {
    if (!status.ok()) GiveUp(attempt);
    delete &attempt;
  }
  MutexLock lock(mutex_);
  if (again) waiting_.push_back(&attempt);
  --asked_;
  changed_.NotifyAll();
}

void Refunds::GiveUp(const Attempt& attempt) {
  observer_.OnOrphans(attempt.name(), attempt.size());
}

}  // namespace sluice
