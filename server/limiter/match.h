// The first step of the pipeline: from a request to the lines that are to be decided.
#ifndef SLUICE_LIMITER_MATCH_H_
#define SLUICE_LIMITER_MATCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "core/key.h"
#include "limiter/call.h"
#include "limiter/explanation.h"
#include "limiter/observer.h"
#include "limiter/overrides.h"
#include "limiter/request_values.h"
#include "policy/policy_set.h"

namespace sluice {

using Lines = absl::InlinedVector<Line, 2>;

// Matches one request with a policy. Find the tenant first; then one of the others. Errors are
// those that Call::Finish tells.
class ThrottleMatcher {
 public:
  // All outlive it; the policy and the overrides also what comes of it.
  ThrottleMatcher(const PolicySet& policy, const Overrides& overrides, const HashSecret& secret,
                  Observer& observer, const ThrottleRequest& request, int64_t now_us);

  absl::Status FindTenant();
  const Tenant& tenant_row() const { return *tenant_row_; }

  // A line for each throttle that the request names, or that applies to a gateway's.
  absl::Status Match(Lines& lines);

  // The counters that the named throttles keep of the request's identifier: backend and key.
  absl::Status Counters(std::vector<std::pair<size_t, CounterKey>>& counters);

  // A row for each throttle that the request names, or for each that there is.
  absl::Status Explain(std::vector<Explanation>& rows);

 private:
  // What decided a line besides what it shows.
  struct Why;

  void MatchGateway(Lines& lines);
  absl::Status Named(std::vector<const Throttle*>& throttles) const;
  // Whether the throttle is asked at all: it is switched on, and no rule is against it.
  bool Applies(const Throttle& throttle, Why* why);
  Line MatchThrottle(const Throttle& throttle, Why* why);
  uint64_t CostOf(const Throttle& throttle, Why* why);
  uint64_t OwnCostOf(const Throttle& throttle, Why* why);
  const Exemption* ExemptionOf(const Throttle& throttle);
  const RatedLimit& RateOf(const Throttle& throttle);
  size_t BackendOf(const Throttle& throttle) const;
  void FillKey(const Throttle& throttle, const RatedLimit& rated, Line& line);
  Explanation ExplainThrottle(const Throttle& throttle);

  const PolicySet& policy_;
  const Overrides& overrides_;
  const HashSecret& secret_;
  Observer& observer_;
  const ThrottleRequest& request_;
  const int64_t now_us_;
  RequestValues values_;
  std::string tenant_;  // its name
  Reason tenant_source_;
  const Tenant* tenant_row_ = nullptr;
};

// Fills a line for each descriptor of an Envoy domain. The policy outlives the lines.
void MatchDescriptors(const PolicySet& policy, const HashSecret& secret,
                      const DescriptorRequest& request, const Domain* domain, Lines& lines);

// NOT_FOUND and the like, with `reason` and what it speaks of as payloads.
absl::Status ReasonedError(absl::StatusCode code, absl::string_view message,
                           absl::string_view reason, absl::string_view what,
                           absl::string_view name);
absl::Status UnknownThrottle(absl::string_view uid);
// PERMISSION_DENIED: server.auth does not let the caller act for the tenant.
absl::Status ForbiddenTenant(absl::string_view name);

}  // namespace sluice

#endif  // SLUICE_LIMITER_MATCH_H_
