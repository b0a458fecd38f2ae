#include "limiter/match.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "limiter/limiter.h"
#include "policy/rule.h"

namespace sluice {
namespace {

using Client = RequestValues::Client;
using Splits = absl::InlinedVector<std::pair<absl::string_view, absl::string_view>, 4>;

constexpr absl::string_view kUnlimitedShape = "unlimited";
constexpr absl::string_view kMethod = "method";
constexpr size_t kMaxTenant = 256;
constexpr absl::string_view kAnOverride = "an override";

// Whether the cost, which no file says, has taken the place of the configuration's.
bool IsOverridden(const CostPolicy& cost, const CostPolicy& configured) {
  const Placed<uint64_t>& before = configured.hits.otherwise;
  return configured.expression.has_value() || cost.hits.by != configured.hits.by ||
         before.position.line != 0 || before.value != cost.hits.otherwise.value;
}

absl::Status UnknownTenant(absl::string_view name) {
  return ReasonedError(
      absl::StatusCode::kNotFound,
      absl::StrCat("no tenant '", name,
                   "' (name a tenant of the configuration, or none for the default tenant)"),
      "TENANT_NOT_FOUND", "tenant", name);
}

}  // namespace

absl::Status ReasonedError(absl::StatusCode code, absl::string_view message,
                           absl::string_view reason, absl::string_view what,
                           absl::string_view name) {
  absl::Status status(code, message);
  status.SetPayload(kReasonPayload, absl::Cord(reason));
  status.SetPayload(absl::StrCat(kPayloadPrefix, what), absl::Cord(name));
  return status;
}

absl::Status ForbiddenTenant(absl::string_view name) {
  return ReasonedError(
      absl::StatusCode::kPermissionDenied,
      absl::StrCat("this caller may not act for ",
                   name.empty() ? "the default tenant" : absl::StrCat("tenant '", name, "'"),
                   " (server.auth of the configuration says who may)"),
      "TENANT_NOT_ALLOWED", "tenant", name);
}

absl::Status UnknownThrottle(absl::string_view uid) {
  return ReasonedError(
      absl::StatusCode::kNotFound,
      absl::StrCat("no throttle '", uid, "' (name the uid of a throttle of the configuration)"),
      "THROTTLE_NOT_FOUND", "throttle", uid);
}

struct ThrottleMatcher::Why {
  absl::string_view why_not;  // empty: it applies
  const Rule* rule = nullptr;
  const Exemption* exemption = nullptr;
  Reason cost;
  std::string identifier;
  const RatedLimit* rated = nullptr;
};

ThrottleMatcher::ThrottleMatcher(const PolicySet& policy, const Overrides& overrides,
                                 const HashSecret& secret, Observer& observer,
                                 const ThrottleRequest& request, int64_t now_us)
    : policy_(policy),
      overrides_(overrides),
      secret_(secret),
      observer_(observer),
      request_(request),
      now_us_(now_us),
      values_(policy, request) {}

absl::Status ThrottleMatcher::FindTenant() {
  tenant_ = std::string(request_.tenant);
  tenant_source_ = {"the request", {}};
  if (tenant_.empty() && policy_.tenant.has_value()) {
    tenant_ = policy_.tenant->Render([this](absl::string_view key) { return values_.Of(key); });
    if (tenant_ == kAnonymous) tenant_.clear();
    if (!tenant_.empty()) tenant_source_ = {policy_.tenant->text(), policy_.tenant_position};
  }
  const Auth& auth = policy_.server.auth;
  if (tenant_.empty()) {
    tenant_ = auth.OnlyTenant(request_.identities).value_or("");
    tenant_source_.text = tenant_.empty() ? "the default tenant" : "the caller's credentials";
  }
  if (!request_.any_tenant && !auth.MayActFor(request_.identities, tenant_)) {
    return ForbiddenTenant(tenant_);
  }
  tenant_row_ = tenant_.size() > kMaxTenant ? nullptr : policy_.FindTenant(tenant_);
  return tenant_row_ == nullptr ? UnknownTenant(tenant_.substr(0, kMaxTenant)) : absl::OkStatus();
}

absl::Status ThrottleMatcher::Named(std::vector<const Throttle*>& throttles) const {
  throttles.reserve(request_.throttles.size());
  for (const absl::string_view uid : request_.throttles) {
    const Throttle* throttle = policy_.FindThrottle(uid);
    if (throttle == nullptr) return UnknownThrottle(uid);
    throttles.push_back(&overrides_.Effective(*throttle, now_us_));
  }
  return absl::OkStatus();
}

absl::Status ThrottleMatcher::Match(Lines& lines) {
  if (request_.gateway) {
    MatchGateway(lines);
    return absl::OkStatus();
  }
  lines.reserve(request_.throttles.size());
  for (const absl::string_view uid : request_.throttles) {
    const Throttle* throttle = policy_.FindThrottle(uid);
    if (throttle == nullptr) return UnknownThrottle(uid);
    lines.push_back(MatchThrottle(overrides_.Effective(*throttle, now_us_), nullptr));
  }
  return absl::OkStatus();
}

void ThrottleMatcher::MatchGateway(Lines& lines) {
  const auto lookup = [this](absl::string_view key) {
    return values_.Of(key, nullptr, *tenant_row_);
  };
  std::vector<uint32_t> candidates;
  // Without the tenant's method, which a throttle's own context may replace.
  policy_.gateway.Candidates({values_.Of(kMethod), values_.path(), lookup}, candidates);
  for (const uint32_t index : candidates) {
    const Throttle& throttle = overrides_.Effective(policy_.throttles[index], now_us_);
    Line line = MatchThrottle(throttle, nullptr);
    if (line.outcome != Outcome::kBypassed) lines.push_back(std::move(line));
  }
}

bool ThrottleMatcher::Applies(const Throttle& throttle, Why* why) {
  if (!throttle.enabled) {
    if (why != nullptr) {
      const bool configured = policy_.FindThrottle(throttle.uid)->enabled;
      why->why_not = configured ? "an override switched it off" : "it is switched off";
    }
    return false;
  }
  if (throttle.rules.bypass.empty() && throttle.rules.apply.empty()) return true;
  const auto lookup = [&](absl::string_view key) {
    return values_.Of(key, &throttle, *tenant_row_);
  };
  const RuleVerdict verdict = Judge(throttle.rules, {lookup(kMethod), values_.path(), lookup});
  if (why != nullptr) {
    why->rule = verdict.rule;
    if (!verdict.applies) {
      why->why_not = verdict.rule != nullptr ? "a rule bypasses it" : "no 'apply' rule matches";
    }
  }
  return verdict.applies;
}

// The order is the contract: whether it applies, the cost, the exemptions, the rate, the backend.
Line ThrottleMatcher::MatchThrottle(const Throttle& throttle, Why* why) {
  Line line;
  line.throttle = &throttle;
  line.shadow = throttle.shadow;
  if (!Applies(throttle, why)) {
    line.outcome = Outcome::kBypassed;
    return line;
  }
  line.amount = static_cast<int64_t>(CostOf(throttle, why));
  if (line.amount == 0) {
    line.outcome = Outcome::kNoCost;
    if (why != nullptr) why->why_not = "the cost is 0";
    return line;
  }
  if (const Exemption* exemption = ExemptionOf(throttle); exemption != nullptr) {
    line.outcome = Outcome::kExempt;
    if (why != nullptr) {
      why->exemption = exemption;
      why->why_not = "the caller is exempt";
    }
    return line;
  }
  const RatedLimit& rated = RateOf(throttle);
  line.rate = rated.rate;
  line.backend = BackendOf(throttle);
  FillKey(throttle, rated, line);
  if (why != nullptr) why->rated = &rated;
  if (!rated.limit.has_value()) {
    line.outcome = Outcome::kUnlimited;
    return line;
  }
  line.limit = &*rated.limit;
  line.on_error = &throttle.on_error;
  // Check and Stat take nothing, so a shadow's look there has nothing to be in the way of.
  line.mode = request_.verb != ThrottleRequest::Verb::kHit ? Mode::kLook
              : line.shadow                                ? Mode::kFollow
                                                           : Mode::kTake;
  return line;
}

uint64_t ThrottleMatcher::CostOf(const Throttle& throttle, Why* why) {
  const auto named = std::find_if(request_.costs.begin(), request_.costs.end(),
                                  [&](const auto& cost) { return cost.first == throttle.uid; });
  if (named == request_.costs.end() && !request_.cost.has_value()) return OwnCostOf(throttle, why);
  if (why != nullptr) why->cost = {"the request", {}};
  return named != request_.costs.end() ? named->second : *request_.cost;
}

uint64_t ThrottleMatcher::OwnCostOf(const Throttle& throttle, Why* why) {
  const CostPolicy& cost = throttle.cost;
  const auto lookup = [&](absl::string_view key) {
    return values_.Of(key, &throttle, *tenant_row_);
  };
  std::string failed;
  if (cost.expression.has_value()) {
    const absl::StatusOr<int64_t> hits = cost.expression->Evaluate(lookup);
    if (hits.ok()) {
      if (why != nullptr) why->cost = {cost.expression->source(), cost.position};
      return static_cast<uint64_t>(*hits);
    }
    if (why == nullptr) observer_.OnExpressionFailed(throttle, hits.status(), now_us_);
    failed =
        absl::StrCat(", because ", cost.expression->source(), " failed: ", hits.status().message());
  }
  const absl::string_view value = cost.hits.by.empty() ? absl::string_view() : lookup(cost.hits.by);
  const Placed<uint64_t>& hits = cost.hits.For(value);
  if (why != nullptr) {
    const bool chosen = &hits != &cost.hits.otherwise;
    why->cost.text = chosen ? absl::StrCat(cost.hits.by, " is ", value) : "default";
    if (hits.position.line == 0 && IsOverridden(cost, policy_.FindThrottle(throttle.uid)->cost)) {
      why->cost.text = std::string(kAnOverride);
    }
    why->cost.text += failed;
    why->cost.position = hits.position;
  }
  return hits.value;
}

const Exemption* ThrottleMatcher::ExemptionOf(const Throttle& throttle) {
  for (const Exemption& exemption : throttle.exempt) {
    const bool exempt =
        std::all_of(exemption.match.begin(), exemption.match.end(), [&](const KeyMatcher& matcher) {
          // Who hides its path is not exempt for it.
          if (matcher.key == kPathKey && values_.path().odd()) return false;
          const absl::string_view value = values_.Of(matcher.key, &throttle, *tenant_row_);
          return std::all_of(matcher.all.begin(), matcher.all.end(),
                             [&](const auto& each) { return each.Matches(value); });
        });
    if (exempt) return &exemption;
  }
  return nullptr;
}

const RatedLimit& ThrottleMatcher::RateOf(const Throttle& throttle) {
  const Conditional<RatedLimit>& rate = throttle.rate;
  return rate.by.empty() ? rate.otherwise : rate.For(values_.Of(rate.by, &throttle, *tenant_row_));
}

size_t ThrottleMatcher::BackendOf(const Throttle& throttle) const {
  return throttle.backend.value_or(tenant_row_->backend);
}

void ThrottleMatcher::FillKey(const Throttle& throttle, const RatedLimit& rated, Line& line) {
  const auto lookup = [&](absl::string_view key) {
    return values_.Of(key, &throttle, *tenant_row_, Client::kFolded);
  };
  const std::string identifier = throttle.identifier.Render(lookup);
  Splits splits;
  for (const std::string& key : throttle.key_by) {
    const absl::string_view value = lookup(key);
    if (!value.empty()) splits.emplace_back(key, value);
  }
  if (rated.limit.has_value() && !rated.limit->context_key().empty()) {
    const absl::string_view key = rated.limit->context_key();
    line.tag = rated.limit->TagOf(values_.Of(key, &throttle, *tenant_row_));
    const absl::string_view split = rated.limit->SplitOf(line.tag);
    if (!split.empty()) splits.emplace_back(key, split);
  }
  line.key.emplace(KeyParts{.name_space = tenant_row_->name_space,
                            .tenant = tenant_,
                            .tag = identifier,
                            .throttle = throttle.uid,
                            .splits = splits,
                            .shape = rated.limit ? rated.limit->shape() : kUnlimitedShape},
                   secret_);
}

absl::Status ThrottleMatcher::Counters(std::vector<std::pair<size_t, CounterKey>>& counters) {
  std::vector<const Throttle*> throttles;
  if (absl::Status status = Named(throttles); !status.ok()) return status;
  for (const Throttle* throttle : throttles) {
    const RatedLimit& rated = RateOf(*throttle);
    if (!rated.limit.has_value()) continue;
    Line line;
    FillKey(*throttle, rated, line);
    counters.emplace_back(BackendOf(*throttle), *line.key);
    if (throttle->on_error.fallback.has_value()) {
      const std::string& failed = policy_.backends[BackendOf(*throttle)].name;
      counters.emplace_back(*throttle->on_error.fallback, line.key->ForFallback(failed, secret_));
    }
  }
  std::stable_sort(counters.begin(), counters.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return absl::OkStatus();
}

absl::Status ThrottleMatcher::Explain(std::vector<Explanation>& rows) {
  std::vector<const Throttle*> throttles;
  if (request_.gateway) {
    for (const Throttle& throttle : policy_.throttles) {
      throttles.push_back(&overrides_.Effective(throttle, now_us_));
    }
  } else if (absl::Status status = Named(throttles); !status.ok()) {
    return status;
  }
  rows.reserve(throttles.size());
  for (const Throttle* throttle : throttles) rows.push_back(ExplainThrottle(*throttle));
  return absl::OkStatus();
}

Explanation ThrottleMatcher::ExplainThrottle(const Throttle& throttle) {
  Explanation row;
  row.throttle = throttle.uid;
  row.position = throttle.position;
  row.shadow = throttle.shadow;
  row.tenant = tenant_;
  row.tenant_source = tenant_source_;
  if (request_.gateway && !throttle.gateway) {
    row.why_not = "it is not for gateways";
    return row;
  }
  Why why;
  const Line line = MatchThrottle(throttle, &why);
  row.why_not = std::string(why.why_not);
  row.applies = row.why_not.empty();
  if (why.rule != nullptr) row.rule = {why.rule->text, why.rule->position};
  if (line.outcome == Outcome::kBypassed) return row;
  row.cost = static_cast<uint64_t>(line.amount);
  row.cost_source = std::move(why.cost);
  if (why.exemption != nullptr) row.exemption = {why.exemption->text, why.exemption->position};
  if (!line.key.has_value()) return row;
  const auto lookup = [&](absl::string_view key) {
    return values_.Of(key, &throttle, *tenant_row_, Client::kFolded);
  };
  row.identifier = throttle.identifier.Render(lookup);
  row.identifier_source = {throttle.identifier.text(), throttle.identifier_position};
  row.rate = line.rate.ToString();
  const Conditional<RatedLimit>& rate = throttle.rate;
  row.rate_source.position = why.rated->position;
  if (why.rated != &rate.otherwise) {
    row.rate_source.text =
        absl::StrCat(rate.by, " is ", values_.Of(rate.by, &throttle, *tenant_row_));
  } else if (!rate.by.empty()) {
    row.rate_source.text = "default";
  } else if (row.rate_source.position.line == 0) {
    row.rate_source.text = std::string(kAnOverride);
  }
  row.key = line.key->ToString();
  row.backend = policy_.backends[line.backend].name;
  if (throttle.backend.has_value()) {
    row.backend_source = {"the throttle's", throttle.backend_position};
  } else {
    row.backend_source = {"the tenant's", tenant_row_->backend_position};
  }
  return row;
}

}  // namespace sluice
