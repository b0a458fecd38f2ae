#include "limiter/limiter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "limiter/fold.h"
#include "limiter/match.h"

namespace sluice {
namespace {

using Stage = Line::Stage;

absl::Status NotLoaded() { return absl::UnavailableError("no policy is loaded yet"); }

bool Takes(const Line& line) { return line.mode == Mode::kTake || line.mode == Mode::kFollow; }

// Whether the line holds a charge that a denied request must not leave behind.
bool IsOwed(const Line& line) { return line.judged && line.verdict.taken && Takes(line); }

}  // namespace

const PolicySet& Call::policy() const { return *snapshot_->policy; }

void Call::Done(absl::Status status) {
  if (settling_) {
    limiter_->Settled(*this, status);
  } else {
    limiter_->Answered(*this, status);
  }
}

void ThrottleCall::Observe(Limiter& limiter) const { limiter.observer_.OnThrottles(*this); }
void DescriptorCall::Observe(Limiter& limiter) const { limiter.observer_.OnDescriptors(*this); }

void Limiter::Publish(std::shared_ptr<const PolicySet> policy,
                      std::vector<std::shared_ptr<Backend>> backends) {
  MutexLock lock(publish_mutex_);
  const std::shared_ptr<const Snapshot> before = snapshot();
  Swap(std::move(policy), std::move(backends),
       before == nullptr ? std::vector<Override>() : before->overrides.list());
}

void Limiter::Swap(std::shared_ptr<const PolicySet> policy,
                   std::vector<std::shared_ptr<Backend>> backends,
                   std::vector<Override> overrides) {
  auto next = std::make_shared<Snapshot>();
  next->overrides = Overrides(*policy, std::move(overrides));
  next->policy = std::move(policy);
  next->backends = std::move(backends);
  std::shared_ptr<const Snapshot> fresh = std::move(next);
  MutexLock lock(mutex_);
  snapshot_.swap(fresh);
}

std::shared_ptr<const Snapshot> Limiter::snapshot() const {
  MutexLock lock(mutex_);
  return snapshot_;
}

std::shared_ptr<const PolicySet> Limiter::policy() const {
  const std::shared_ptr<const Snapshot> now = snapshot();
  return now == nullptr ? nullptr : now->policy;
}

bool Limiter::Admit(Call& call) {
  call.limiter_ = this;
  call.snapshot_ = snapshot();
  if (call.snapshot_ == nullptr) {
    call.Finish(NotLoaded());
    return false;
  }
  if (call.deadline_us <= call.now_us) {
    call.Finish(absl::DeadlineExceededError("the deadline was over on arrival"));
    return false;
  }
  return true;
}

void Limiter::Decide(ThrottleCall& call) {
  if (!Admit(call)) return;
  ThrottleMatcher matcher(call.policy(), call.snapshot_->overrides, secret_, observer_, call,
                          call.now_us);
  absl::Status status = matcher.FindTenant();
  if (status.ok()) status = matcher.Match(call.lines_);
  if (!status.ok()) {
    call.Finish(std::move(status));
    return;
  }
  call.tenant_row_ = &matcher.tenant_row();
  Advance(call);
}

void Limiter::Decide(DescriptorCall& call) {
  if (!Admit(call)) return;
  // Domains are the default tenant's.
  if (!call.policy().server.auth.MayActFor(call.identities, "")) {
    call.Finish(ForbiddenTenant(""));
    return;
  }
  call.domain_row_ = call.policy().FindDomain(call.domain);
  MatchDescriptors(call.policy(), secret_, call, call.domain_row_, call.lines_);
  Advance(call);
}

// One backend after the other, in the order of the lines; most calls have one, and come here twice.
void Limiter::Advance(Call& call) {
  for (const Line& line : call.lines_) {
    if (line.limit == nullptr || line.stage != Stage::kWaiting) continue;
    Ask(call, line.backend);
    return;
  }
  switch (CourseOf(call.lines_)) {
    case Course::kPass:
      Finish(call);
      return;
    case Course::kFallBack:
      FallBack(call);
      return;
    case Course::kDeny:
    case Course::kRaise:
      SettleBack(call);
      return;
  }
}

void Limiter::Ask(Call& call, size_t backend) {
  // Once it is clear that the request does not pass, what is left only looks.
  const Course course = CourseOf(call.lines_);
  const bool denied = course == Course::kDeny || course == Course::kRaise;
  call.charge_list_.clear();
  for (Line& line : call.lines_) {
    if (line.limit == nullptr || line.stage != Stage::kWaiting || line.backend != backend) continue;
    line.stage = Stage::kAsked;
    const Mode mode = denied && Takes(line) ? Mode::kLook : line.mode;
    call.charge_list_.push_back({*line.key, *line.limit, line.amount, mode, line.tag});
  }
  Send(call, backend);
}

void Limiter::Send(Call& call, size_t backend) {
  call.verdict_list_.resize(call.charge_list_.size());
  call.charges = call.charge_list_;
  call.verdicts = absl::MakeSpan(call.verdict_list_);
  call.snapshot_->backends[backend]->Decide(call);
}

void Limiter::Answered(Call& call, const absl::Status& status) {
  size_t next = 0;
  for (Line& line : call.lines_) {
    if (line.stage != Stage::kAsked) continue;
    line.judged = status.ok();
    line.stage = line.judged ? Stage::kAnswered : Stage::kFailed;
    if (line.judged) line.verdict = call.verdict_list_[next++];
  }
  Advance(call);
}

void Limiter::FallBack(Call& call) {
  for (Line& line : call.lines_) {
    if (line.stage != Stage::kFailed || line.fell_back || !line.on_error->fallback) continue;
    line.fell_back = true;
    line.backend = *line.on_error->fallback;
    line.stage = Stage::kWaiting;
  }
  Advance(call);
}

void Limiter::SettleBack(Call& call) {
  const auto owed = std::find_if(call.lines_.begin(), call.lines_.end(), IsOwed);
  if (owed == call.lines_.end()) {
    Finish(call);
    return;
  }
  call.settling_ = true;
  call.deadline_us = kNever;  // what was taken goes back, however late it is
  const size_t backend = owed->backend;
  call.charge_list_.clear();
  for (Line& line : call.lines_) {
    if (!IsOwed(line) || line.backend != backend) continue;
    line.stage = Stage::kAsked;
    call.charge_list_.push_back({*line.key, *line.limit, -line.amount, Mode::kSettle, line.tag});
  }
  Send(call, backend);
}

void Limiter::Settled(Call& call, const absl::Status& status) {
  if (!status.ok()) KeepRefunds(call);
  size_t next = 0;
  for (Line& line : call.lines_) {
    if (line.stage != Stage::kAsked) continue;
    line.stage = Stage::kAnswered;
    // It would have passed: so it is shown, with its state as it is now, and nothing taken.
    if (status.ok()) line.verdict = call.verdict_list_[next++];
    line.verdict.allowed = true;
    line.verdict.taken = false;
    line.verdict.wait_us = 0;
  }
  SettleBack(call);
}

void Limiter::KeepRefunds(Call& call) {
  std::vector<Refund> refunds;
  size_t backend = 0;
  for (const Line& line : call.lines_) {
    if (line.stage != Stage::kAsked) continue;
    backend = line.backend;
    refunds.push_back({*line.key, *line.limit, line.amount, line.tag});
  }
  refunds_.Add(call.snapshot_->backends[backend], call.policy().backends[backend].name,
               std::move(refunds), call.now_us);
}

void Limiter::Finish(Call& call) {
  const Course course = CourseOf(call.lines_);
  if (course == Course::kRaise) {
    const auto failed = std::find_if(call.lines_.begin(), call.lines_.end(), Raises);
    const std::string& backend = call.policy().backends[failed->backend].name;
    call.Finish(ReasonedError(absl::StatusCode::kUnavailable,
                              absl::StrCat("backend '", backend, "' failed"), "BACKEND_FAILED",
                              "backend", backend));
    return;
  }
  for (Line& line : call.lines_) {
    if (line.limit == nullptr) continue;
    const bool unasked = course == Course::kDeny && line.stage == Stage::kFailed &&
                         line.on_error->fallback && !line.fell_back;
    if (unasked) line.stage = Stage::kUnasked;
    FoldLine(line);
  }
  const Folded folded = Fold(call.lines_);
  call.allowed_ = folded.limited_by == nullptr;
  call.limited_by_ = folded.limited_by;
  call.wait_us_ = folded.wait_us;
  call.Observe(*this);
  call.Finish(absl::OkStatus());
}

absl::StatusOr<uint64_t> Limiter::Explain(const ThrottleRequest& request, int64_t now_us,
                                          std::vector<Explanation>& rows) const {
  const std::shared_ptr<const Snapshot> now = snapshot();
  if (now == nullptr) return NotLoaded();
  ThrottleMatcher matcher(*now->policy, now->overrides, secret_, observer_, request, now_us);
  absl::Status status = matcher.FindTenant();
  if (status.ok()) status = matcher.Explain(rows);
  if (!status.ok()) return status;
  return now->policy->generation;
}

void Limiter::Reset(ResetCall& call) {
  call.limiter_ = this;
  call.snapshot_ = snapshot();
  if (call.snapshot_ == nullptr) {
    call.Finish(NotLoaded());
    return;
  }
  ThrottleMatcher matcher(*call.snapshot_->policy, call.snapshot_->overrides, secret_, observer_,
                          call, call.now_us);
  absl::Status status = matcher.FindTenant();
  if (status.ok()) status = matcher.Counters(call.left_);
  if (!status.ok()) {
    call.Finish(std::move(status));
    return;
  }
  AdvanceReset(call);
}

void ResetCall::Done(absl::Status status) {
  if (!status.ok()) {
    const std::string name(snapshot_->policy->backends[backend_].name);
    Finish(ReasonedError(absl::StatusCode::kUnavailable,
                         absl::StrCat("backend '", name, "' failed: ", status.message()),
                         "BACKEND_FAILED", "backend", name));
    return;
  }
  keys_reset_ += forgotten;
  limiter_->AdvanceReset(*this);
}

void Limiter::AdvanceReset(ResetCall& call) {
  if (call.left_.empty()) {
    call.Finish(absl::OkStatus());
    return;
  }
  call.backend_ = call.left_.back().first;
  call.asked_.clear();
  while (!call.left_.empty() && call.left_.back().first == call.backend_) {
    call.asked_.push_back(std::move(call.left_.back().second));
    call.left_.pop_back();
  }
  call.keys = call.asked_;
  call.snapshot_->backends[call.backend_]->Forget(call);
}

namespace {

// One backend after the other; owns itself.
class ResetAllCall final : public Forgetting {
 public:
  ResetAllCall(std::shared_ptr<const Snapshot> snapshot, Limiter::ResetDone done)
      : snapshot_(std::move(snapshot)), done_(std::move(done)) {}

  void Advance() {
    if (next_ < snapshot_->backends.size()) {
      snapshot_->backends[next_++]->Forget(*this);
      return;
    }
    done_(absl::OkStatus(), keys_reset_);
    delete this;
  }
  void Done(absl::Status status) override {
    if (status.ok()) {
      keys_reset_ += forgotten;
      Advance();
      return;
    }
    done_(absl::UnavailableError(absl::StrCat("backend '",
                                              snapshot_->policy->backends[next_ - 1].name,
                                              "' failed: ", status.message())),
          keys_reset_);
    delete this;
  }

 private:
  const std::shared_ptr<const Snapshot> snapshot_;
  const Limiter::ResetDone done_;
  size_t next_ = 0;
  int64_t keys_reset_ = 0;
};

}  // namespace

void Limiter::ResetAll(absl::optional<std::string> throttle, absl::optional<std::string> tenant,
                       int64_t now_us, ResetDone done) {
  std::shared_ptr<const Snapshot> now = snapshot();
  if (now == nullptr) {
    done(NotLoaded(), 0);
    return;
  }
  auto* call = new ResetAllCall(std::move(now), std::move(done));
  call->scope.emplace(std::move(throttle), std::move(tenant), secret_);
  call->now_us = now_us;
  call->Advance();
}

absl::Status Limiter::SetOverride(const Override& override, int64_t now_us) {
  MutexLock lock(publish_mutex_);
  const std::shared_ptr<const Snapshot> now = snapshot();
  if (now == nullptr) return NotLoaded();
  if (override.throttle != "*" && now->policy->FindThrottle(override.throttle) == nullptr) {
    return UnknownThrottle(override.throttle);
  }
  if (absl::Status status = Overrides::Check(*now->policy, override); !status.ok()) return status;
  std::vector<Override> list;
  for (const Override& other : now->overrides.list()) {
    if (other.throttle != override.throttle && other.ends_at_us > now_us) list.push_back(other);
  }
  if (override.ends_at_us > now_us) list.push_back(override);
  Swap(now->policy, now->backends, std::move(list));
  return absl::OkStatus();
}

std::vector<Override> Limiter::overrides(int64_t now_us) const {
  std::vector<Override> list;
  const std::shared_ptr<const Snapshot> now = snapshot();
  if (now == nullptr) return list;
  for (const Override& override : now->overrides.list()) {
    if (override.ends_at_us > now_us) list.push_back(override);
  }
  return list;
}

}  // namespace sluice
