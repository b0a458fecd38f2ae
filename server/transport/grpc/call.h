// From a gRPC call to a handler and back.
#ifndef SLUICE_TRANSPORT_GRPC_CALL_H_
#define SLUICE_TRANSPORT_GRPC_CALL_H_

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "service/errors.h"
#include "service/handler.h"
#include "telemetry/telemetry.h"

namespace sluice {

// The code and text as they are; google.rpc details go to the trailer.
inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      StatusDetails(status));
}

// The caller's deadline on our clock; kNever without one. What counts is the time left: gRPC's
// clocks and ours part when UTC is set back, which ours does not follow.
inline int64_t DeadlineUs(const grpc::CallbackServerContext& context, int64_t now_us) {
  const gpr_timespec left = gpr_convert_clock_type(context.raw_deadline(), GPR_TIMESPAN);
  if (gpr_time_cmp(left, gpr_inf_future(GPR_TIMESPAN)) == 0) return kNever;
  return now_us + left.tv_sec * 1'000'000 + left.tv_nsec / 1000;
}

// The names in the caller's certificate, which gRPC has verified; empty without one.
inline std::vector<std::string> IdentitiesOf(const grpc::CallbackServerContext& context) {
  std::vector<std::string> names;
  const std::shared_ptr<const grpc::AuthContext> caller = context.auth_context();
  if (caller == nullptr || !caller->IsPeerAuthenticated()) return names;
  // gRPC's own order: the subjectAltName, and the common name only where that is missing.
  for (const grpc::string_ref& name : caller->GetPeerIdentity()) {
    names.emplace_back(name.data(), name.size());
  }
  return names;
}

// Runs a handler with a Reply that finishes the call. Request and response live until then, also
// when the caller has gone meanwhile.
class CallRunner {
 public:
  // Clock and telemetry outlive the calls. `identify` tells whether callers show certificates.
  CallRunner(const Clock& clock, Telemetry& telemetry, bool identify)
      : clock_(clock), telemetry_(telemetry), identify_(identify) {}

  // `method` lives as long as the code does.
  template <class Handle>
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext& context, absl::string_view method,
                                Handle handle) {
    grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
    const int64_t now_us = clock_.Now();
    CallContext call{now_us, DeadlineUs(context, now_us)};
    if (identify_) call.identities = IdentitiesOf(context);
    handle(call, [this, reactor, method, now_us](const absl::Status& status) {
      telemetry_.OnRequest(method, status.code(), clock_.Now() - now_us);
      reactor->Finish(ToGrpc(status));
    });
    return reactor;
  }

  // For methods that later versions serve.
  grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext& context, absl::string_view method) {
    return Run(context, method,
               [&](const CallContext&, Reply reply) { reply(NotServedYet(method)); });
  }

 private:
  const Clock& clock_;
  Telemetry& telemetry_;
  const bool identify_;
};

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_GRPC_CALL_H_
