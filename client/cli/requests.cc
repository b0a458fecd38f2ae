#include "cli/requests.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cli/arguments.h"
#include "core/rate.h"
#include "core/utf8.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;

constexpr int64_t kLongestOverrideUs = 366 * kDayUs;

absl::Status Usage(absl::string_view what) { return absl::InvalidArgumentError(what); }

v1::Detail DetailOf(const Raw& raw) {
  if (raw.detail == "decision") return v1::DETAIL_DECISION;
  if (raw.detail == "stat") return v1::DETAIL_STAT;
  if (raw.detail == "full") return v1::DETAIL_FULL;
  return raw.output == "json" ? v1::DETAIL_FULL : v1::DETAIL_STAT;
}

template <class Request>
absl::Status FillContext(const Raw& raw, Request& request) {
  auto context = ParseContext(raw.context);
  if (!context.ok()) return About("--context", context.status());
  *request.mutable_context() = *std::move(context);
  return absl::OkStatus();
}

// What every question about a decision says: who asks, and what it costs.
template <class Request>
absl::Status FillQuestion(const Raw& raw, Request& request) {
  request.set_identifier(raw.id.value_or(""));
  request.set_tenant(raw.tenant);
  if (raw.cost.has_value()) {
    const absl::StatusOr<uint64_t> cost = ParseCount(*raw.cost);
    if (!cost.ok()) return About("--cost", cost.status());
    request.set_cost(*cost);
  }
  auto costs = ParseCosts(raw.costs);
  if (!costs.ok()) return About("--costs", costs.status());
  *request.mutable_costs() = *std::move(costs);
  return FillContext(raw, request);
}

// HitRequest, CheckRequest and StatRequest have the same fields.
template <class Request>
absl::StatusOr<Request> MakeThrottleRequest(const Raw& raw) {
  Request request;
  request.mutable_throttles()->Assign(raw.throttles.begin(), raw.throttles.end());
  request.set_detail(DetailOf(raw));
  if (absl::Status status = FillQuestion(raw, request); !status.ok()) return status;
  return request;
}

// "true" or "false", as the option's own check has it.
absl::optional<bool> Flag(const absl::optional<std::string>& word) {
  if (!word.has_value()) return absl::nullopt;
  return *word == "true";
}

absl::Status FillChange(const Raw& raw, v1::Override& change) {
  if (const auto enabled = Flag(raw.enabled)) change.set_enabled(*enabled);
  if (const auto shadow = Flag(raw.shadow)) change.set_shadow(*shadow);
  if (raw.rate.has_value()) {
    const absl::StatusOr<Rate> rate = Rate::Parse(*raw.rate);
    if (!rate.ok()) return About("--rate", rate.status());
    change.set_rate(rate->ToString());
  }
  if (raw.cost.has_value()) {
    const absl::StatusOr<uint64_t> cost = ParseCount(*raw.cost, kMaxAmount);
    if (!cost.ok()) return About("--cost", cost.status());
    change.set_cost(*cost);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status About(absl::string_view option, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", status.message()));
}

absl::Status CheckEncoding(const Raw& raw) {
  const auto bad = [](const std::string& text) { return !IsUtf8(text); };
  const auto any_bad = [&bad](const std::vector<std::string>& texts) {
    return std::any_of(texts.begin(), texts.end(), bad);
  };
  const std::pair<absl::string_view, bool> arguments[] = {
      {"THROTTLE", any_bad(raw.throttles) || bad(raw.throttle)},
      {"--id", bad(raw.id.value_or(""))},
      {"--context", any_bad(raw.context)},
      {"--costs", any_bad(raw.costs)},
      {"--tenant", bad(raw.tenant)},
      {"--method", bad(raw.method)},
      {"--path", bad(raw.path)},
      {"--remote-address", bad(raw.remote_address)},
      {"--header", any_bad(raw.headers)},
      {"DOMAIN", bad(raw.domain)},
      {"BACKEND", bad(raw.backend)},
  };
  for (const auto& [name, is_bad] : arguments) {
    if (is_bad) return Usage(absl::StrCat(name, ": is not valid UTF-8"));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::HitRequest> MakeHit(const Raw& raw) {
  return MakeThrottleRequest<v1::HitRequest>(raw);
}

absl::StatusOr<v1::CheckRequest> MakeCheck(const Raw& raw) {
  return MakeThrottleRequest<v1::CheckRequest>(raw);
}

absl::StatusOr<v1::StatRequest> MakeStat(const Raw& raw) {
  return MakeThrottleRequest<v1::StatRequest>(raw);
}

absl::StatusOr<v1::ShouldLimitRequest> MakeShouldLimit(const Raw& raw) {
  v1::ShouldLimitRequest request;
  request.set_method(raw.method);
  request.set_path(raw.path);
  request.set_remote_address(raw.remote_address);
  request.set_dry_run(raw.dry_run);
  auto headers = ParseHeaders(raw.headers);
  if (!headers.ok()) return About("--header", headers.status());
  *request.mutable_headers() = *std::move(headers);
  if (absl::Status status = FillQuestion(raw, request); !status.ok()) return status;
  return request;
}

absl::StatusOr<RateLimitRequest> MakeRls(const Raw& raw) {
  RateLimitRequest request;
  request.set_domain(raw.domain);
  for (const std::string& argument : raw.descriptors) {
    auto descriptor = ParseDescriptor(argument);
    if (!descriptor.ok()) return About("DESCRIPTOR", descriptor.status());
    *request.add_descriptors() = *std::move(descriptor);
  }
  if (!raw.hits.empty()) {
    const absl::StatusOr<uint64_t> hits = ParseCount(raw.hits, UINT32_MAX);
    if (!hits.ok()) return About("--hits", hits.status());
    request.set_hits_addend(static_cast<uint32_t>(*hits));
  }
  return request;
}

absl::StatusOr<v1::ExplainRequest> MakeExplain(const Raw& raw) {
  v1::ExplainRequest request;
  absl::StatusOr<v1::ShouldLimitRequest> gateway = MakeShouldLimit(raw);
  if (!gateway.ok()) return gateway.status();
  if (raw.throttles.empty()) {
    *request.mutable_should_limit() = *std::move(gateway);
    return request;
  }
  absl::StatusOr<v1::HitRequest> hit = MakeHit(raw);
  if (!hit.ok()) return hit.status();
  auto& context = *hit->mutable_context();
  if (!raw.method.empty()) context["method"] = raw.method;
  if (!raw.path.empty()) context["path"] = raw.path;
  if (!raw.remote_address.empty()) context["remote_address"] = raw.remote_address;
  for (const auto& [name, value] : gateway->headers()) {
    context[absl::StrCat("header.", name)] = value;
  }
  *request.mutable_hit() = *std::move(hit);
  return request;
}

absl::StatusOr<v1::ResetRequest> MakeReset(const Raw& raw) {
  if (raw.throttles.empty()) return Usage("THROTTLE is required (or --all --tenant T)");
  if (!raw.id.has_value()) return Usage("--id is required (or --all, to forget everybody's)");
  v1::ResetRequest request;
  request.mutable_throttles()->Assign(raw.throttles.begin(), raw.throttles.end());
  request.set_identifier(*raw.id);
  request.set_tenant(raw.tenant);
  if (absl::Status status = FillContext(raw, request); !status.ok()) return status;
  return request;
}

absl::StatusOr<v1::ResetAllRequest> MakeResetAll(const Raw& raw) {
  if (raw.id.has_value()) return Usage("--all and --id exclude each other (give one of them)");
  if (!raw.context.empty()) return Usage("--context: says nothing with --all (leave it out)");
  if (raw.throttles.size() > 1) return Usage("--all takes one THROTTLE (run it once for each)");
  if (raw.throttles.empty() && raw.tenant.empty()) {
    return Usage("--all needs a THROTTLE, --tenant T or both");
  }
  v1::ResetAllRequest request;
  if (!raw.throttles.empty()) request.set_throttle(raw.throttles.front());
  request.set_tenant(raw.tenant);
  return request;
}

absl::StatusOr<v1::SetOverrideRequest> MakeOverride(const Raw& raw) {
  v1::SetOverrideRequest request;
  v1::Override& change = *request.mutable_override();
  change.set_throttle(raw.throttle);
  if (absl::Status status = FillChange(raw, change); !status.ok()) return status;
  const bool changes =
      change.has_enabled() || change.has_shadow() || change.has_rate() || change.has_cost();
  if (raw.end) {
    if (changes || raw.duration.has_value()) {
      return Usage("--end stands alone (it takes away the override that there is)");
    }
    request.mutable_duration();
    return request;
  }
  if (!raw.duration.has_value()) {
    return Usage("--for is required, such as --for 10m (or --end, to take an override away)");
  }
  const absl::StatusOr<int64_t> us = ParseDuration(*raw.duration);
  if (!us.ok()) return About("--for", us.status());
  if (*us == 0) return Usage("--for: must be above 0 (--end takes an override away)");
  if (*us > kLongestOverrideUs) return Usage("--for: must be at most 366d");
  if (!changes) return Usage("nothing is changed (give --enabled, --shadow, --rate or --cost)");
  request.mutable_duration()->set_seconds(*us / kSecondUs);
  request.mutable_duration()->set_nanos(static_cast<int32_t>(*us % kSecondUs * 1000));
  return request;
}

v1::SetBreakerRequest MakeBreaker(const Raw& raw) {
  v1::SetBreakerRequest request;
  request.set_backend(raw.backend);
  if (raw.breaker == "open") request.set_state(v1::SetBreakerRequest::STATE_OPEN);
  if (raw.breaker == "closed") request.set_state(v1::SetBreakerRequest::STATE_CLOSED);
  return request;
}

}  // namespace sluice::cli
