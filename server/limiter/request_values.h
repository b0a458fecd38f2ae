// What context keys stand for in a request.
#ifndef SLUICE_LIMITER_REQUEST_VALUES_H_
#define SLUICE_LIMITER_REQUEST_VALUES_H_

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "limiter/call.h"
#include "policy/client_ip.h"
#include "policy/path.h"
#include "policy/policy_set.h"

namespace sluice {

// Empty is absent throughout. Views into the request, or into this. Not thread-safe: what is dear
// is computed when it is first asked for.
class RequestValues {
 public:
  // Both outlive it.
  RequestValues(const PolicySet& policy, const ThrottleRequest& request)
      : policy_(policy), request_(request) {}
  RequestValues(const RequestValues&) = delete;
  RequestValues& operator=(const RequestValues&) = delete;

  // For what remote_address stands: the client itself, for matchers, or its network (ipv6_prefix),
  // for what tells counters apart.
  enum class Client { kAddress, kFolded };

  // Of the request alone.
  absl::string_view Of(absl::string_view key, Client client = Client::kAddress);
  // The request's values win over the throttle's, the throttle's over the tenant's.
  absl::string_view Of(absl::string_view key, const Throttle* throttle, const Tenant& tenant,
                       Client client = Client::kAddress);

  // The key `path` stands for its canonical form, so that another spelling of a path is no other
  // counter.
  const RequestPath& path();

 private:
  absl::string_view Header(absl::string_view name) const;
  const ClientAddress& client();

  const PolicySet& policy_;
  const ThrottleRequest& request_;
  absl::optional<RequestPath> path_;
  absl::optional<ClientAddress> client_;
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_REQUEST_VALUES_H_
