#include "service/admin_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "core/nearest.h"
#include "core/rate.h"
#include "limiter/match.h"
#include "policy/loader.h"
#include "service/bounds.h"
#include "service/errors.h"
#include "service/native_call.h"
#include "service/rights.h"
#include "service/stat.h"

namespace sluice {
namespace {

constexpr size_t kMaxPolicyBytes = size_t{1} << 20;
constexpr int64_t kLongestOverrideUs = 366 * kDayUs;
constexpr size_t kMaxShownName = 256;

void FillError(const PolicyError& error, v1::PolicyError& out) {
  out.set_file(error.position.file);
  out.set_line(static_cast<uint32_t>(error.position.line));
  out.set_column(static_cast<uint32_t>(error.position.column));
  out.set_message(error.what);
  out.set_hint(error.hint);
}

void FillTimestamp(int64_t us, google::protobuf::Timestamp& out) {
  out.set_seconds(us / kSecondUs);
  out.set_nanos(static_cast<int32_t>(us % kSecondUs * 1000));
}

void FillOverride(const Override& override, v1::Override& out) {
  out.set_throttle(override.throttle);
  if (override.enabled.has_value()) out.set_enabled(*override.enabled);
  if (override.shadow.has_value()) out.set_shadow(*override.shadow);
  if (override.rate.has_value()) out.set_rate(override.rate->ToString());
  if (override.cost.has_value()) out.set_cost(*override.cost);
  FillTimestamp(override.ends_at_us, *out.mutable_ends_at());
}

absl::Status ReadOverride(const v1::SetOverrideRequest& request, int64_t now_us, Override& out) {
  const v1::Override& asked = request.override();
  if (asked.throttle().empty()) {
    return InvalidField("override.throttle", "it is empty (name a uid, or * for all)");
  }
  out.throttle = asked.throttle();
  if (asked.has_enabled()) out.enabled = asked.enabled();
  if (asked.has_shadow()) out.shadow = asked.shadow();
  if (asked.has_rate()) {
    const absl::StatusOr<Rate> rate = Rate::Parse(asked.rate());
    if (!rate.ok()) return InvalidField("override.rate", rate.status().message());
    out.rate = *rate;
  }
  if (asked.has_cost()) {
    if (absl::Status status = CheckCost(asked.cost()); !status.ok()) {
      return InvalidField("override.cost", "a cost is at most 2^52");
    }
    out.cost = asked.cost();
  }
  const int64_t seconds = request.duration().seconds();
  if (seconds < 0 || request.duration().nanos() < 0 || seconds > kLongestOverrideUs / kSecondUs) {
    return InvalidField("duration", "it is not from 0 to 366 days");
  }
  const int64_t us = seconds * kSecondUs + request.duration().nanos() / 1000;
  const bool changes = out.enabled || out.shadow || out.rate || out.cost;
  if (us > 0 && !changes) {
    return InvalidField("override", "it changes nothing (give enabled, shadow, rate or cost)");
  }
  out.ends_at_us = now_us + us;
  return absl::OkStatus();
}

std::string PlaceOf(const Position& position) {
  return position.line == 0 ? "" : absl::StrCat(position.file, ":", position.line);
}

// Left out where nothing decided.
template <class Mutable>
void FillSource(const Reason& reason, Mutable source) {
  if (reason.text.empty() && reason.position.line == 0) return;
  v1::Source& out = *source();
  out.set_text(reason.text);
  out.set_position(PlaceOf(reason.position));
}

void FillRow(const Explanation& row, v1::ExplainRow& out) {
  out.set_throttle(row.throttle);
  out.set_position(PlaceOf(row.position));
  out.set_applies(row.applies);
  out.set_reason(row.why_not);
  out.set_shadow(row.shadow);
  FillSource(row.rule, [&] { return out.mutable_rule(); });
  FillSource(row.exemption, [&] { return out.mutable_exemption(); });
  out.set_cost(row.cost);
  FillSource(row.cost_source, [&] { return out.mutable_cost_source(); });
  out.set_identifier(row.identifier);
  FillSource(row.identifier_source, [&] { return out.mutable_identifier_source(); });
  out.set_rate(row.rate);
  FillSource(row.rate_source, [&] { return out.mutable_rate_source(); });
  out.set_tenant(row.tenant);
  FillSource(row.tenant_source, [&] { return out.mutable_tenant_source(); });
  out.set_key(row.key);
  out.set_backend(row.backend);
  FillSource(row.backend_source, [&] { return out.mutable_backend_source(); });
}

void FillThrottle(const PolicySet& policy, const Throttle& throttle, v1::ThrottleInfo& out) {
  out.set_uid(throttle.uid);
  FillRate(throttle.rate.otherwise.rate, *out.mutable_rate());
  out.set_strategy(throttle.strategy);
  for (const Tenant& tenant : policy.tenants) {
    const size_t backend = throttle.backend.value_or(tenant.backend);
    (*out.mutable_tenant_backends())[tenant.name] = policy.backends[backend].name;
  }
  out.set_enabled(throttle.enabled);
  out.set_shadow(throttle.shadow);
}

absl::optional<BreakerMode> ModeOf(v1::SetBreakerRequest::State state) {
  switch (state) {
    case v1::SetBreakerRequest::STATE_AUTOMATIC:
      return BreakerMode::kAutomatic;
    case v1::SetBreakerRequest::STATE_OPEN:
      return BreakerMode::kForcedOpen;
    case v1::SetBreakerRequest::STATE_CLOSED:
      return BreakerMode::kForcedClosed;
    default:
      return absl::nullopt;
  }
}

absl::Status FindBackend(const PolicySet& policy, absl::string_view name) {
  if (name.empty()) return InvalidField("backend", "it is empty (name one of the configuration)");
  std::vector<absl::string_view> names;
  names.reserve(policy.backends.size());
  for (const BackendSpec& backend : policy.backends) {
    if (backend.name == name) return absl::OkStatus();
    names.push_back(backend.name);
  }
  const absl::string_view nearest = Nearest(name, names);
  const std::string hint = nearest.empty() ? absl::StrCat("there are ", absl::StrJoin(names, ", "))
                                           : absl::StrCat("did you mean '", nearest, "'?");
  const absl::string_view shown = name.substr(0, kMaxShownName);
  return ReasonedError(absl::StatusCode::kNotFound,
                       absl::StrCat("no backend '", shown, "' (", hint, ")"), "BACKEND_NOT_FOUND",
                       "backend", shown);
}

}  // namespace

absl::Status AdminService::Allowed(const CallContext& context) const {
  return MayAdminister(limiter_, context, local_);
}

void AdminService::Refuse(const CallContext& context, absl::string_view method, Reply reply) const {
  const absl::Status allowed = Allowed(context);
  reply(allowed.ok() ? NotServedYet(method) : allowed);
}

void AdminService::GetPolicy(const v1::GetPolicyRequest&, const CallContext& context,
                             v1::GetPolicyResponse* response, Reply reply) {
  if (absl::Status allowed = Allowed(context); !allowed.ok()) return reply(std::move(allowed));
  const PolicyStatus status = source_.status();
  response->set_yaml(status.policy->yaml);
  response->set_generation(status.policy->generation);
  response->set_content_hash(status.policy->content_hash);
  FillTimestamp(status.loaded_at_us, *response->mutable_loaded_at());
  response->set_stale(status.stale);
  for (const PolicyError& error : status.errors) FillError(error, *response->add_errors());
  for (const Override& override : limiter_.overrides(context.now_us)) {
    FillOverride(override, *response->add_overrides());
  }
  reply(absl::OkStatus());
}

void AdminService::ReloadPolicy(const v1::ReloadPolicyRequest&, const CallContext& context,
                                v1::ReloadPolicyResponse* response, Reply reply) {
  if (absl::Status allowed = Allowed(context); !allowed.ok()) return reply(std::move(allowed));
  const PolicyLoad load = source_.Reload();
  response->set_generation(limiter_.policy()->generation);
  for (const PolicyError& error : load.errors) FillError(error, *response->add_errors());
  reply(absl::OkStatus());
}

void AdminService::ValidatePolicy(const v1::ValidatePolicyRequest& request,
                                  const CallContext& context, v1::ValidatePolicyResponse* response,
                                  Reply reply) {
  if (absl::Status allowed = Allowed(context); !allowed.ok()) return reply(std::move(allowed));
  if (request.yaml().size() > kMaxPolicyBytes) {
    return reply(InvalidField(
        "yaml", absl::StrCat("has ", request.yaml().size(), " bytes, at most ", kMaxPolicyBytes)));
  }
  LoadOptions options;
  // What this process knows is not for whoever sends a text: a variable needs a default here.
  options.environment = [](absl::string_view) { return absl::nullopt; };
  options.files = false;
  const PolicyResult result =
      LoadPolicyText("policy.yaml", request.yaml(), /*generation=*/1, options);
  for (const PolicyError& error : result.errors) FillError(error, *response->add_errors());
  for (const PolicyError& warning : result.warnings) FillError(warning, *response->add_warnings());
  reply(absl::OkStatus());
}

void AdminService::ListThrottles(const v1::ListThrottlesRequest&, const CallContext& context,
                                 v1::ListThrottlesResponse* response, Reply reply) {
  if (absl::Status allowed = Allowed(context); !allowed.ok()) return reply(std::move(allowed));
  const std::shared_ptr<const PolicySet> policy = limiter_.policy();
  for (const Throttle& throttle : policy->throttles) {
    FillThrottle(*policy, throttle, *response->add_throttles());
  }
  reply(absl::OkStatus());
}

void AdminService::Explain(const v1::ExplainRequest& request, const CallContext& context,
                           v1::ExplainResponse* response, Reply reply) {
  if (absl::Status allowed = Allowed(context); !allowed.ok()) return reply(std::move(allowed));
  ThrottleRequest asked;
  if (request.has_hit()) {
    ReadHit(request.hit(), asked);
  } else if (request.has_should_limit()) {
    ReadShouldLimit(request.should_limit(), asked);
  } else {
    return reply(InvalidField("request", "it is missing (give should_limit or hit)"));
  }
  // The operator asks on behalf of any caller.
  asked.any_tenant = true;
  std::vector<Explanation> rows;
  const absl::StatusOr<uint64_t> generation = limiter_.Explain(asked, context.now_us, rows);
  if (!generation.ok()) return reply(WithErrorInfo(generation.status()));
  for (const Explanation& row : rows) FillRow(row, *response->add_rows());
  response->set_config_generation(*generation);
  reply(absl::OkStatus());
}

void AdminService::TopKeys(const v1::TopKeysRequest&, const CallContext& context,
                           v1::TopKeysResponse*, Reply reply) {
  Refuse(context, "TopKeys", std::move(reply));
}

void AdminService::SetBreaker(const v1::SetBreakerRequest& request, const CallContext& context,
                              v1::SetBreakerResponse*, Reply reply) {
  if (absl::Status allowed = Allowed(context); !allowed.ok()) return reply(std::move(allowed));
  const absl::optional<BreakerMode> mode = ModeOf(request.state());
  if (!mode.has_value()) {
    return reply(InvalidField("state", absl::StrCat("has no meaning for ", request.state(),
                                                    " (0: automatic, 1: open, 2: closed)")));
  }
  const absl::Status known = FindBackend(*limiter_.policy(), request.backend());
  reply(WithErrorInfo(known.ok() ? breakers_.Set(request.backend(), *mode) : known));
}

void AdminService::SetOverride(const v1::SetOverrideRequest& request, const CallContext& context,
                               v1::SetOverrideResponse* response, Reply reply) {
  Override override;
  absl::Status status = Allowed(context);
  if (status.ok()) status = ReadOverride(request, context.now_us, override);
  if (status.ok()) status = limiter_.SetOverride(override, context.now_us);
  if (status.ok()) FillOverride(override, *response->mutable_override());
  reply(WithErrorInfo(status));
}

void AdminService::ResetAll(const v1::ResetAllRequest& request, const CallContext& context,
                            v1::ResetAllResponse* response, Reply reply) {
  if (absl::Status allowed = Allowed(context); !allowed.ok()) return reply(std::move(allowed));
  if (request.throttle().empty() && request.tenant().empty()) {
    return reply(InvalidField("throttle", "neither a throttle nor a tenant is named"));
  }
  const auto named = [](const std::string& name) {
    return name.empty() ? absl::nullopt : absl::make_optional(name);
  };
  auto shared = std::make_shared<Reply>(std::move(reply));
  limiter_.ResetAll(named(request.throttle()), named(request.tenant()), context.now_us,
                    [response, shared](const absl::Status& status, int64_t keys_reset) {
                      response->set_keys_reset(static_cast<uint64_t>(keys_reset));
                      (*shared)(WithErrorInfo(status));
                    });
}

}  // namespace sluice
