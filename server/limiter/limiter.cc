#include "limiter/limiter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "limiter/fold.h"

namespace sluice {
namespace {

constexpr absl::string_view kUnlimitedShape = "unlimited";

absl::Status NotFound(absl::string_view what, absl::string_view reason, absl::string_view name,
                      absl::string_view hint) {
  absl::Status status =
      absl::NotFoundError(absl::StrCat("no ", what, " '", name, "' (", hint, ")"));
  status.SetPayload(kReasonPayload, absl::Cord(reason));
  status.SetPayload(absl::StrCat(kPayloadPrefix, what), absl::Cord(name));
  return status;
}

// The value of the pair with this key; nullptr when there is none.
template <class Pairs>
const typename Pairs::value_type::second_type* FindIn(const Pairs& pairs, absl::string_view key) {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == key; });
  return found == pairs.end() ? nullptr : &found->second;
}

absl::string_view FindContext(const Context& context, absl::string_view key) {
  const auto found = context.find(key);
  return found == context.end() ? absl::string_view() : absl::string_view(found->second);
}

// The request's values win over the throttle's, the throttle's over the tenant's.
absl::string_view LookUp(const ThrottleCall& call, const Throttle& throttle,
                         absl::string_view key) {
  if (key == "identifier") return call.identifier;
  if (const auto* value = FindIn(call.context, key); value != nullptr && !value->empty()) {
    return *value;
  }
  const absl::string_view of_throttle = FindContext(throttle.context, key);
  return of_throttle.empty() ? FindContext(call.tenant_row().context, key) : of_throttle;
}

uint64_t CostOf(const ThrottleCall& call, const Throttle& throttle) {
  const uint64_t* named = FindIn(call.costs, throttle.uid);
  return named != nullptr ? *named : call.cost.value_or(throttle.cost);
}

CounterKey KeyOf(const ThrottleCall& call, const Throttle& throttle, int tag,
                 const HashSecret& secret) {
  const auto lookup = [&](absl::string_view key) { return LookUp(call, throttle, key); };
  const std::string identifier = throttle.identifier.Render(lookup);
  absl::InlinedVector<std::pair<absl::string_view, absl::string_view>, 2> splits;
  for (const std::string& key : throttle.key_by) {
    const absl::string_view value = lookup(key);
    if (!value.empty()) splits.emplace_back(key, value);
  }
  if (throttle.limit.has_value()) {
    const absl::string_view split = throttle.limit->SplitOf(tag);
    if (!split.empty()) splits.emplace_back(throttle.limit->context_key(), split);
  }
  return CounterKey({.name_space = call.tenant_row().name_space,
                     .tenant = call.tenant,
                     .tag = identifier,
                     .throttle = throttle.uid,
                     .splits = splits,
                     .shape = throttle.limit ? throttle.limit->shape() : kUnlimitedShape},
                    secret);
}

// What gathers a domain's counters on a slot: its first entry that stands for many callers.
std::string TagOf(const DescriptorCall& call, const DescriptorCall::Ask& ask, size_t exact_prefix) {
  std::string tag(call.domain);
  const size_t from = exact_prefix < ask.entries.size() ? exact_prefix : 0;
  const size_t to = exact_prefix < ask.entries.size() ? exact_prefix + 1 : ask.entries.size();
  for (size_t i = from; i < to; ++i) {
    absl::StrAppend(&tag, "|", ask.entries[i].key, "=", ask.entries[i].value);
  }
  return tag;
}

}  // namespace

const PolicySet& Call::policy() const { return *snapshot_->policy; }

void Call::Done(absl::Status status) { limiter_->Finished(*this, status); }

void ThrottleCall::Observe(Limiter& limiter) const { limiter.observer_.OnThrottles(*this); }
void DescriptorCall::Observe(Limiter& limiter) const { limiter.observer_.OnDescriptors(*this); }

void Limiter::Publish(std::shared_ptr<const PolicySet> policy, std::vector<Backend*> backends) {
  auto next = std::make_shared<const Snapshot>(Snapshot{std::move(policy), std::move(backends)});
  MutexLock lock(mutex_);
  snapshot_.swap(next);
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
    call.Finish(absl::UnavailableError("no policy is loaded yet"));
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
  if (absl::Status status = Match(call); !status.ok()) {
    call.Finish(std::move(status));
    return;
  }
  Charges(call, call.tenant_row_->backend);
}

void Limiter::Decide(DescriptorCall& call) {
  if (!Admit(call)) return;
  Match(call);
  Charges(call, call.policy().domains_backend);
}

absl::Status Limiter::Match(ThrottleCall& call) const {
  const PolicySet& policy = call.policy();
  call.tenant_row_ = policy.FindTenant(call.tenant);
  if (call.tenant_row_ == nullptr) {
    return NotFound("tenant", "TENANT_NOT_FOUND", call.tenant,
                    "name a tenant of the configuration, or none for the default tenant");
  }
  call.lines_.reserve(call.throttles.size());
  for (const absl::string_view uid : call.throttles) {
    const Throttle* throttle = policy.FindThrottle(uid);
    if (throttle == nullptr) {
      return NotFound("throttle", "THROTTLE_NOT_FOUND", uid,
                      "name the uid of a throttle of the configuration");
    }
    call.lines_.push_back(MatchThrottle(call, *throttle));
  }
  return absl::OkStatus();
}

// The order is the contract: whether it applies, the cost, the identifier, the rate.
Line Limiter::MatchThrottle(const ThrottleCall& call, const Throttle& throttle) const {
  Line line;
  line.throttle = &throttle;
  line.shadow = throttle.shadow;
  if (!throttle.enabled) {
    line.outcome = Outcome::kBypassed;
    return line;
  }
  line.amount = static_cast<int64_t>(CostOf(call, throttle));
  if (line.amount == 0) {
    line.outcome = Outcome::kNoCost;
    return line;
  }
  if (throttle.limit.has_value() && !throttle.limit->context_key().empty()) {
    line.tag = throttle.limit->TagOf(LookUp(call, throttle, throttle.limit->context_key()));
  }
  line.key.emplace(KeyOf(call, throttle, line.tag, secret_));
  if (!throttle.limit.has_value()) {
    line.outcome = Outcome::kUnlimited;
    return line;
  }
  line.limit = &*throttle.limit;
  // Check and Stat take nothing, so a shadow's look there has nothing to be in the way of.
  line.mode = call.verb != ThrottleCall::Verb::kHit ? Mode::kLook
              : line.shadow                         ? Mode::kFollow
                                                    : Mode::kTake;
  return line;
}

void Limiter::Match(DescriptorCall& call) const {
  call.domain_row_ = call.policy().FindDomain(call.domain);
  call.lines_.reserve(call.asks.size());
  for (const DescriptorCall::Ask& ask : call.asks) {
    call.lines_.push_back(MatchDescriptor(call, ask));
    Line& line = call.lines_.back();
    if (line.override.has_value()) line.limit = &*line.override;
  }
}

Line Limiter::MatchDescriptor(const DescriptorCall& call, const DescriptorCall::Ask& ask) const {
  Line line;
  line.amount = ask.amount;
  if (call.domain_row_ == nullptr) return line;
  const DescriptorMatch match = call.domain_row_->Match(ask.entries);
  absl::string_view kind = "domain:";
  const Limit* limit = nullptr;
  if (ask.override_rate.has_value()) {
    // A whole-period fixed window of any size loads.
    line.override = *Limit::Create("fixed_window", *ask.override_rate);
    limit = &*line.override;
    kind = "override:";
  } else if (match.limit == nullptr) {
    return line;
  } else {
    line.descriptor = match.limit;
    line.shadow = match.limit->shadow;
    if (match.limit->unlimited) {
      line.outcome = Outcome::kUnlimited;
      return line;
    }
    limit = line.limit = &*match.limit->limit;
  }
  absl::InlinedVector<std::pair<absl::string_view, absl::string_view>, 4> entries;
  for (const DescriptorEntry& entry : ask.entries) entries.emplace_back(entry.key, entry.value);
  const std::string tag = TagOf(call, ask, match.exact_prefix);
  const std::string throttle = absl::StrCat(kind, call.domain);
  line.key.emplace(KeyParts{.name_space = call.policy().name_space,
                            .tenant = {},
                            .tag = tag,
                            .throttle = throttle,
                            .splits = entries,
                            .shape = limit->shape()},
                   secret_);
  // A shadow is never in the way, and one that only looks takes its 0 hits.
  const bool follows = line.shadow && ask.mode != Mode::kSettle;
  line.mode = follows ? Mode::kFollow : ask.mode;
  return line;
}

void Limiter::Charges(Call& call, size_t backend) {
  for (const Line& line : call.lines_) {
    if (line.limit == nullptr) continue;
    call.charge_list_.push_back({*line.key, *line.limit, line.amount, line.mode, line.tag});
  }
  if (call.charge_list_.empty()) {
    Finished(call, absl::OkStatus());
    return;
  }
  call.verdict_list_.resize(call.charge_list_.size());
  call.charges = call.charge_list_;
  call.verdicts = absl::MakeSpan(call.verdict_list_);
  call.snapshot_->backends[backend]->Decide(call);
}

void Limiter::Finished(Call& call, const absl::Status& status) {
  size_t next = 0;
  for (Line& line : call.lines_) {
    if (line.limit == nullptr) continue;
    line.judged = status.ok();
    if (line.judged) line.verdict = call.verdict_list_[next++];
    line.outcome = FoldLine(line);
  }
  const Folded folded = Fold(call.lines_);
  call.allowed_ = folded.limited_by == nullptr;
  call.limited_by_ = folded.limited_by;
  call.wait_us_ = folded.wait_us;
  call.Observe(*this);
  call.Finish(absl::OkStatus());
}

}  // namespace sluice
