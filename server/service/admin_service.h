// sluice.v1.Admin: for operators, not callers.
#ifndef SLUICE_SERVICE_ADMIN_SERVICE_H_
#define SLUICE_SERVICE_ADMIN_SERVICE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backend/resilient/breakers.h"
#include "limiter/limiter.h"
#include "policy/policy_source.h"
#include "service/handler.h"
#include "sluice/v1/admin.pb.h"

namespace sluice {

// Thread-safe. The handlers of handler.h. Each is for those alone whom `server.auth` of the policy
// that decides lets administer. Others get PERMISSION_DENIED with an ErrorInfo whose reason is
// NOT_ALLOWED.
class AdminService {
 public:
  // All outlive the service. `local`: only this host reaches the door (rights.h).
  AdminService(Limiter& limiter, PolicySource& source, Breakers& breakers, bool local)
      : limiter_(limiter), source_(source), breakers_(breakers), local_(local) {}

  void GetPolicy(const v1::GetPolicyRequest& request, const CallContext& context,
                 v1::GetPolicyResponse* response, Reply reply);
  // Returns when the files have been read.
  void ReloadPolicy(const v1::ReloadPolicyRequest& request, const CallContext& context,
                    v1::ReloadPolicyResponse* response, Reply reply);

  // Loads the text, at most 1 MiB, and forgets it. It comes from afar: it may name no files, and
  // the variables of the environment are unknown to it.
  void ValidatePolicy(const v1::ValidatePolicyRequest& request, const CallContext& context,
                      v1::ValidatePolicyResponse* response, Reply reply);

  // The throttles of the policy that decides, in its order. The default tenant's name is empty.
  void ListThrottles(const v1::ListThrottlesRequest& request, const CallContext& context,
                     v1::ListThrottlesResponse* response, Reply reply);

  // Decides and charges nothing.
  void Explain(const v1::ExplainRequest& request, const CallContext& context,
               v1::ExplainResponse* response, Reply reply);
  // Not served yet: UNIMPLEMENTED.
  void TopKeys(const v1::TopKeysRequest& request, const CallContext& context,
               v1::TopKeysResponse* response, Reply reply);

  // It stays so until it is told otherwise, or the server ends. NOT_FOUND for a backend that is not
  // there, with the nearest name; FAILED_PRECONDITION for one without a breaker.
  void SetBreaker(const v1::SetBreakerRequest& request, const CallContext& context,
                  v1::SetBreakerResponse* response, Reply reply);

  // It ends by itself, and reloads leave it in force.
  void SetOverride(const v1::SetOverrideRequest& request, const CallContext& context,
                   v1::SetOverrideResponse* response, Reply reply);
  // On all backends. The throttle of a domain's counters is `domain:NAME`. An empty tenant is none
  // named, so that the default tenant alone cannot be reset.
  void ResetAll(const v1::ResetAllRequest& request, const CallContext& context,
                v1::ResetAllResponse* response, Reply reply);

 private:
  absl::Status Allowed(const CallContext& context) const;
  void Refuse(const CallContext& context, absl::string_view method, Reply reply) const;

  Limiter& limiter_;
  PolicySource& source_;
  Breakers& breakers_;
  const bool local_;
};

}  // namespace sluice

#endif  // SLUICE_SERVICE_ADMIN_SERVICE_H_
