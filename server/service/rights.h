// Who may change counters and policies.
#ifndef SLUICE_SERVICE_RIGHTS_H_
#define SLUICE_SERVICE_RIGHTS_H_

#include "absl/status/status.h"
#include "limiter/limiter.h"
#include "service/handler.h"

namespace sluice {

// OK, or PERMISSION_DENIED with an ErrorInfo whose reason is NOT_ALLOWED; UNAVAILABLE before a
// policy is loaded.

// Reset: whom server.auth lets administer; without auth anyone, with server.allow_reset.
absl::Status MayReset(const Limiter& limiter, const CallContext& context);

// Admin: whom server.auth lets administer. Without auth anyone who comes through a door that only
// this host reaches (`local`); a door for others was opened under rules, and stays closed when a
// later policy has none.
absl::Status MayAdminister(const Limiter& limiter, const CallContext& context, bool local);

}  // namespace sluice

#endif  // SLUICE_SERVICE_RIGHTS_H_
