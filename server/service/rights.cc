#include "service/rights.h"

#include <memory>

#include "absl/strings/cord.h"
#include "policy/auth.h"
#include "service/errors.h"

namespace sluice {
namespace {

absl::Status NotAllowed(absl::string_view why) {
  absl::Status status = absl::PermissionDeniedError(why);
  status.SetPayload(kReasonPayload, absl::Cord("NOT_ALLOWED"));
  return WithErrorInfo(status);
}

absl::Status NotLoaded() { return absl::UnavailableError("no policy is loaded yet"); }

}  // namespace

absl::Status MayReset(const Limiter& limiter, const CallContext& context) {
  const std::shared_ptr<const PolicySet> policy = limiter.policy();
  if (policy == nullptr) return NotLoaded();
  const Auth& auth = policy->server.auth;
  if (auth.open()) {
    if (policy->server.allow_reset) return absl::OkStatus();
    return NotAllowed("Reset is switched off (server.allow_reset: true switches it on)");
  }
  if (auth.MayAdminister(context.identities)) return absl::OkStatus();
  return NotAllowed(
      "the caller may not reset (a row of server.auth with admin: true has to name its "
      "certificate)");
}

absl::Status MayAdminister(const Limiter& limiter, const CallContext& context, bool local) {
  const std::shared_ptr<const PolicySet> policy = limiter.policy();
  if (policy == nullptr) return NotLoaded();
  const Auth& auth = policy->server.auth;
  const bool allowed = auth.open() ? local : auth.MayAdminister(context.identities);
  if (allowed) return absl::OkStatus();
  return NotAllowed(
      context.identities.empty()
          ? "the caller is not known (Admin is for certificates that server.auth names: give "
            "server.admin.tls a client_ca_file)"
          : "the caller may not administer (a row of server.auth with admin: true has to name its "
            "certificate)");
}

}  // namespace sluice
