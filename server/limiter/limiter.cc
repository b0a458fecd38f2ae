#include "limiter/limiter.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
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

// Whether one Decide may hold both.
bool Together(const Line& a, const Line& b) { return a.backend == b.backend && a.unit == b.unit; }

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
  Begin(call);
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
  Begin(call);
}

void Limiter::Begin(Call& call) {
  // A line alone goes alone, whatever its unit.
  if (call.lines_.size() > 1) {
    for (Line& line : call.lines_) {
      if (line.limit != nullptr)
        line.unit = call.snapshot_->backends[line.backend]->Unit(*line.key);
    }
  }
  Advance(call);
}

// One backend, and one of its units, after the other, in the order of the lines; most calls have
// one, and come here twice.
void Limiter::Advance(Call& call) {
  for (const Line& line : call.lines_) {
    if (line.limit == nullptr || line.stage != Stage::kWaiting) continue;
    Ask(call, line);
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

void Limiter::Ask(Call& call, const Line& first) {
  // Once it is clear that the request does not pass, what is left only looks.
  const Course course = CourseOf(call.lines_);
  const bool denied = course == Course::kDeny || course == Course::kRaise;
  call.charge_list_.clear();
  for (Line& line : call.lines_) {
    if (line.limit == nullptr || line.stage != Stage::kWaiting || !Together(line, first)) continue;
    line.stage = Stage::kAsked;
    const Mode mode = denied && Takes(line) ? Mode::kLook : line.mode;
    call.charge_list_.push_back({*line.key, *line.limit, line.amount, mode, line.tag});
  }
  Send(call, first.backend);
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
    line.key = line.key->ForFallback(call.policy().backends[line.backend].name, secret_);
    line.backend = *line.on_error->fallback;
    line.unit = call.snapshot_->backends[line.backend]->Unit(*line.key);
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
  call.charge_list_.clear();
  for (Line& line : call.lines_) {
    if (!IsOwed(line) || !Together(line, *owed)) continue;
    line.stage = Stage::kAsked;
    call.charge_list_.push_back({*line.key, *line.limit, -line.amount, Mode::kSettle, line.tag});
  }
  // The caller does not wait for what is no part of the answer.
  if (clock_.Now() >= call.deadline_us) {
    Settled(call, NotRun(absl::DeadlineExceededError("the deadline is over")));
    return;
  }
  Send(call, owed->backend);
}

void Limiter::Settled(Call& call, const absl::Status& status) {
  if (!status.ok()) KeepRefunds(call, status);
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

void Limiter::KeepRefunds(Call& call, const absl::Status& why) {
  std::vector<Refund> refunds;
  size_t backend = 0;
  for (const Line& line : call.lines_) {
    if (line.stage != Stage::kAsked) continue;
    backend = line.backend;
    refunds.push_back({*line.key, *line.limit, line.amount, line.tag});
  }
  const std::string& name = call.policy().backends[backend].name;
  if (ProvesNotRun(why)) {
    refunds_.Add(call.snapshot_->backends[backend], name, std::move(refunds));
  } else {
    // Given back twice, it would let too much pass.
    observer_.OnOrphans(name, refunds.size());
  }
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

// A scope, and the backend on which it is to be forgotten.
using ScopeOnBackend = std::pair<size_t, KeyScope>;

// One after the other; owns itself.
class ForgetScopes final : public Forgetting {
 public:
  ForgetScopes(std::shared_ptr<const Snapshot> snapshot, std::vector<ScopeOnBackend> scopes,
               Limiter::ResetDone done)
      : snapshot_(std::move(snapshot)), scopes_(std::move(scopes)), done_(std::move(done)) {}

  // Backends may answer within Forget: each step returns before the next, so that many of them do
  // not stand on one stack.
  void Advance() {
    if (steps_.fetch_add(1) > 0) return;
    do {
      if (!Step()) return;
    } while (steps_.fetch_sub(1) > 1);
  }
  void Done(absl::Status status) override {
    if (status.ok()) {
      keys_reset_ += forgotten;
    } else {
      const std::string& name = snapshot_->policy->backends[scopes_[next_ - 1].first].name;
      failure_ =
          absl::UnavailableError(absl::StrCat("backend '", name, "' failed: ", status.message()));
    }
    Advance();
  }

 private:
  // False: it was the last, and this is gone.
  bool Step() {
    if (next_ == scopes_.size() || !failure_.ok()) {
      done_(failure_, keys_reset_);
      delete this;
      return false;
    }
    const ScopeOnBackend& asked = scopes_[next_++];
    scope = asked.second;
    snapshot_->backends[asked.first]->Forget(*this);
    return true;
  }

  const std::shared_ptr<const Snapshot> snapshot_;
  const std::vector<ScopeOnBackend> scopes_;
  const Limiter::ResetDone done_;
  std::atomic<int> steps_ = 0;  // that are to be made, this one included
  size_t next_ = 0;
  absl::Status failure_;
  int64_t keys_reset_ = 0;
};

void Forget(std::shared_ptr<const Snapshot> snapshot, std::vector<ScopeOnBackend> scopes,
            int64_t now_us, Limiter::ResetDone done) {
  std::vector<std::string> name_spaces;
  for (const Tenant& tenant : snapshot->policy->tenants) name_spaces.push_back(tenant.name_space);
  auto* forgetting = new ForgetScopes(std::move(snapshot), std::move(scopes), std::move(done));
  forgetting->now_us = now_us;
  forgetting->name_spaces = std::move(name_spaces);
  forgetting->Advance();
}

// A throttle or a domain that counts elsewhere while its backend fails.
struct FallsBack {
  std::string throttle;  // as KeyParts has it
  size_t from;
  size_t to;
};

std::vector<FallsBack> AllThatFallBack(const PolicySet& policy) {
  std::vector<FallsBack> all;
  for (const Throttle& throttle : policy.throttles) {
    if (!throttle.on_error.fallback.has_value()) continue;
    std::set<size_t> from;
    if (throttle.backend.has_value()) {
      from.insert(*throttle.backend);
    } else {
      for (const Tenant& tenant : policy.tenants) from.insert(tenant.backend);
    }
    for (const size_t backend : from) {
      all.push_back({throttle.uid, backend, *throttle.on_error.fallback});
    }
  }
  if (!policy.domains_on_error.fallback.has_value()) return all;
  for (const Domain& domain : policy.domains) {
    for (const char* kind : {"domain:", "override:"}) {
      all.push_back({absl::StrCat(kind, domain.name()), policy.domains_backend,
                     *policy.domains_on_error.fallback});
    }
  }
  return all;
}

}  // namespace

void Limiter::ResetAll(const absl::optional<std::string>& throttle,
                       const absl::optional<std::string>& tenant, int64_t now_us, ResetDone done) {
  std::shared_ptr<const Snapshot> now = snapshot();
  if (now == nullptr) {
    done(NotLoaded(), 0);
    return;
  }
  std::vector<ScopeOnBackend> scopes;
  const KeyScope everywhere(throttle, tenant, secret_);
  for (size_t i = 0; i < now->backends.size(); ++i) scopes.emplace_back(i, everywhere);
  if (throttle.has_value()) {
    for (const FallsBack& row : AllThatFallBack(*now->policy)) {
      if (row.throttle != *throttle) continue;
      const std::string& name = now->policy->backends[row.from].name;
      scopes.emplace_back(row.to, KeyScope(FallbackThrottle(name, *throttle), tenant, secret_));
    }
  }
  Forget(std::move(now), std::move(scopes), now_us, std::move(done));
}

void Limiter::ForgetFallbacks(absl::string_view backend, int64_t now_us) {
  const std::shared_ptr<const Snapshot> now = snapshot();
  if (now == nullptr) return;
  // By fallback, so that one that fails does not stand before the others.
  std::map<size_t, std::vector<ScopeOnBackend>> scopes;
  for (const FallsBack& row : AllThatFallBack(*now->policy)) {
    if (now->policy->backends[row.from].name != backend) continue;
    // What nodes share, others may still count on.
    if (now->policy->backends[row.to].type != "memory") continue;
    scopes[row.to].emplace_back(
        row.to, KeyScope(FallbackThrottle(backend, row.throttle), absl::nullopt, secret_));
  }
  for (auto& each : scopes) {
    Forget(now, std::move(each.second), now_us, [](const absl::Status&, int64_t) {});
  }
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
