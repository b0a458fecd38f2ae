// envoy.service.ratelimit.v3.RateLimitService: a drop-in for envoyproxy/ratelimit.
#ifndef SLUICE_SERVICE_RATELIMIT_SERVICE_H_
#define SLUICE_SERVICE_RATELIMIT_SERVICE_H_

#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "limiter/limiter.h"
#include "service/handler.h"

namespace sluice {

// Thread-safe. A denial is OK with OVER_LIMIT; errors have the texts that the original's clients
// know, with code UNKNOWN.
class RateLimitService {
 public:
  // The limiter outlives the service.
  explicit RateLimitService(Limiter& limiter) : limiter_(limiter) {}

  void ShouldRateLimit(const envoy::service::ratelimit::v3::RateLimitRequest& request,
                       const CallContext& context,
                       envoy::service::ratelimit::v3::RateLimitResponse* response, Reply reply);

 private:
  Limiter& limiter_;
};

}  // namespace sluice

#endif  // SLUICE_SERVICE_RATELIMIT_SERVICE_H_
