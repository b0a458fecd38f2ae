#include "service/admin_service.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "policy/loader.h"
#include "service/errors.h"
#include "service/stat.h"

namespace sluice {
namespace {

constexpr size_t kMaxPolicyBytes = size_t{1} << 20;

absl::Status NotAllowed(const CallContext& context) {
  absl::Status status = absl::PermissionDeniedError(
      context.identities.empty()
          ? "the caller is not known (Admin is for certificates that server.auth names: give "
            "server.admin.tls a client_ca_file)"
          : "the caller may not administer (a row of server.auth with admin: true has to name its "
            "certificate)");
  status.SetPayload(kReasonPayload, absl::Cord("NOT_ALLOWED"));
  return WithErrorInfo(status);
}

void FillError(const PolicyError& error, v1::PolicyError& out) {
  out.set_file(error.position.file);
  out.set_line(static_cast<uint32_t>(error.position.line));
  out.set_column(static_cast<uint32_t>(error.position.column));
  out.set_message(error.what);
  out.set_hint(error.hint);
}

void FillThrottle(const PolicySet& policy, const Throttle& throttle, v1::ThrottleInfo& out) {
  out.set_uid(throttle.uid);
  FillRate(throttle.rate, *out.mutable_rate());
  if (throttle.limit.has_value()) {
    const absl::string_view strategy = throttle.limit->strategy();
    out.set_strategy(strategy.data(), strategy.size());
  }
  for (const Tenant& tenant : policy.tenants) {
    (*out.mutable_tenant_backends())[tenant.name] = policy.backends[tenant.backend].name;
  }
  out.set_enabled(throttle.enabled);
  out.set_shadow(throttle.shadow);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const PolicySet>> AdminService::PolicyFor(
    const CallContext& context) const {
  std::shared_ptr<const PolicySet> policy = limiter_.policy();
  if (policy == nullptr) return absl::UnavailableError("no policy is loaded yet");
  const Auth& auth = policy->server.auth;
  const bool allowed = auth.open() ? local_ : auth.MayAdminister(context.identities);
  if (!allowed) return NotAllowed(context);
  return policy;
}

void AdminService::Refuse(const CallContext& context, absl::string_view method, Reply reply) const {
  const absl::Status allowed = PolicyFor(context).status();
  reply(allowed.ok() ? NotServedYet(method) : allowed);
}

void AdminService::GetPolicy(const v1::GetPolicyRequest&, const CallContext& context,
                             v1::GetPolicyResponse*, Reply reply) {
  Refuse(context, "GetPolicy", std::move(reply));
}

void AdminService::ReloadPolicy(const v1::ReloadPolicyRequest&, const CallContext& context,
                                v1::ReloadPolicyResponse*, Reply reply) {
  Refuse(context, "ReloadPolicy", std::move(reply));
}

void AdminService::ValidatePolicy(const v1::ValidatePolicyRequest& request,
                                  const CallContext& context, v1::ValidatePolicyResponse* response,
                                  Reply reply) {
  const auto policy = PolicyFor(context);
  if (!policy.ok()) return reply(policy.status());
  if (request.yaml().size() > kMaxPolicyBytes) {
    return reply(InvalidField(
        "yaml", absl::StrCat("has ", request.yaml().size(), " bytes, at most ", kMaxPolicyBytes)));
  }
  const PolicyResult result = LoadPolicyText("policy.yaml", request.yaml(), (*policy)->generation);
  for (const PolicyError& error : result.errors) FillError(error, *response->add_errors());
  for (const PolicyError& warning : result.warnings) FillError(warning, *response->add_warnings());
  reply(absl::OkStatus());
}

void AdminService::ListThrottles(const v1::ListThrottlesRequest&, const CallContext& context,
                                 v1::ListThrottlesResponse* response, Reply reply) {
  const auto policy = PolicyFor(context);
  if (!policy.ok()) return reply(policy.status());
  for (const Throttle& throttle : (*policy)->throttles) {
    FillThrottle(**policy, throttle, *response->add_throttles());
  }
  reply(absl::OkStatus());
}

void AdminService::Explain(const v1::ExplainRequest&, const CallContext& context,
                           v1::ExplainResponse*, Reply reply) {
  Refuse(context, "Explain", std::move(reply));
}

void AdminService::TopKeys(const v1::TopKeysRequest&, const CallContext& context,
                           v1::TopKeysResponse*, Reply reply) {
  Refuse(context, "TopKeys", std::move(reply));
}

void AdminService::SetOverride(const v1::SetOverrideRequest&, const CallContext& context,
                               v1::SetOverrideResponse*, Reply reply) {
  Refuse(context, "SetOverride", std::move(reply));
}

void AdminService::SetBreaker(const v1::SetBreakerRequest&, const CallContext& context,
                              v1::SetBreakerResponse*, Reply reply) {
  Refuse(context, "SetBreaker", std::move(reply));
}

void AdminService::ResetAll(const v1::ResetAllRequest&, const CallContext& context,
                            v1::ResetAllResponse*, Reply reply) {
  Refuse(context, "ResetAll", std::move(reply));
}

}  // namespace sluice
