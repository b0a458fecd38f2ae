// ShouldRateLimit for people with curl: envoyproxy/ratelimit's /json and /rlconfig.
#ifndef SLUICE_SERVICE_RATELIMIT_JSON_H_
#define SLUICE_SERVICE_RATELIMIT_JSON_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "policy/policy_set.h"
#include "service/handler.h"
#include "service/ratelimit_service.h"

namespace sluice {

struct JsonAnswer {
  int http_status = 200;  // 200, 429 over the limit, 400 for any failure
  std::string content_type;
  std::string body;
};

// `body` is a RateLimitRequest in protojson, keys and values being text. The answer comes exactly
// once, on this thread or another.
void ShouldRateLimitJson(RateLimitService& service, absl::string_view body,
                         const CallContext& context, absl::AnyInvocable<void(JsonAnswer)> answer);

// The loaded limits of the domains, a line each.
std::string DescribeDomains(const PolicySet& policy);

}  // namespace sluice

#endif  // SLUICE_SERVICE_RATELIMIT_JSON_H_
