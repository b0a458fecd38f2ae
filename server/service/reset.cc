#include <memory>
#include <utility>

#include "service/bounds.h"
#include "service/errors.h"
#include "service/limiter_service.h"
#include "service/native_call.h"
#include "service/rights.h"

namespace sluice {
namespace {

absl::Status CheckFields(const v1::ResetRequest& request) {
  if (absl::Status status = CheckThrottles(request.throttles()); !status.ok()) return status;
  if (absl::Status status = CheckIdentifier(request.identifier()); !status.ok()) return status;
  if (absl::Status status = CheckTenant(request.tenant()); !status.ok()) return status;
  return CheckContext(request.context());
}

// Owns itself until the reply.
class NativeReset final : public ResetCall {
 public:
  NativeReset(const v1::ResetRequest& request, const CallContext& door, v1::ResetResponse* response,
              Reply reply)
      : response_(*response), reply_(std::move(reply)) {
    now_us = door.now_us;
    any_tenant = true;  // whoever may reset may do so for all
    for (const std::string& uid : request.throttles()) throttles.push_back(uid);
    identifier = request.identifier();
    tenant = request.tenant();
    AddPairs(request.context(), context);
  }

  void Finish(absl::Status status) override {
    const std::unique_ptr<NativeReset> self(this);
    if (status.ok()) response_.set_keys_reset(static_cast<uint32_t>(keys_reset()));
    reply_(WithErrorInfo(status));
  }

 private:
  v1::ResetResponse& response_;
  Reply reply_;
};

}  // namespace

void LimiterService::Reset(const v1::ResetRequest& request, const CallContext& context,
                           v1::ResetResponse* response, Reply reply) {
  absl::Status status = CheckFields(request);
  if (status.ok()) status = MayReset(limiter_, context);
  if (!status.ok()) {
    reply(std::move(status));
    return;
  }
  // Finish takes it back.
  limiter_.Reset(*new NativeReset(request, context, response, std::move(reply)));
}

}  // namespace sluice
