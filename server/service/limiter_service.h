// sluice.v1.Limiter: messages in, messages out.
#ifndef SLUICE_SERVICE_LIMITER_SERVICE_H_
#define SLUICE_SERVICE_LIMITER_SERVICE_H_

#include "limiter/limiter.h"
#include "service/handler.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice {

// Thread-safe. The handlers of handler.h; errors as the API page lists them.
class LimiterService {
 public:
  // The limiter outlives the service.
  explicit LimiterService(Limiter& limiter) : limiter_(limiter) {}

  void Hit(const v1::HitRequest& request, const CallContext& context, v1::HitResponse* response,
           Reply reply);
  void Check(const v1::CheckRequest& request, const CallContext& context,
             v1::CheckResponse* response, Reply reply);
  void Stat(const v1::StatRequest& request, const CallContext& context, v1::StatResponse* response,
            Reply reply);

  // All throttles that apply to a gateway's request, and what the gateway is to answer.
  void ShouldLimit(const v1::ShouldLimitRequest& request, const CallContext& context,
                   v1::ShouldLimitResponse* response, Reply reply);

  // Each request of a batch is decided for itself; what is wrong with one stands in its own result.
  void BatchHit(const v1::BatchHitRequest& request, const CallContext& context,
                v1::BatchHitResponse* response, Reply reply);
  void BatchCheck(const v1::BatchCheckRequest& request, const CallContext& context,
                  v1::BatchCheckResponse* response, Reply reply);
  void BatchStat(const v1::BatchStatRequest& request, const CallContext& context,
                 v1::BatchStatResponse* response, Reply reply);

  // PERMISSION_DENIED unless the policy lets this caller.
  void Reset(const v1::ResetRequest& request, const CallContext& context,
             v1::ResetResponse* response, Reply reply);

 private:
  Limiter& limiter_;
};

}  // namespace sluice

#endif  // SLUICE_SERVICE_LIMITER_SERVICE_H_
