// From a gRPC call to a handler and back.
#ifndef SLUICE_TRANSPORT_GRPC_CALL_H_
#define SLUICE_TRANSPORT_GRPC_CALL_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <string>
#include <utility>

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

// kNever without a deadline.
inline int64_t DeadlineUs(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return kNever;
  return std::chrono::duration_cast<std::chrono::microseconds>(deadline.time_since_epoch()).count();
}

// Runs a handler with a Reply that finishes the call. Request and response live until then, also
// when the caller has gone meanwhile.
class CallRunner {
 public:
  // Both outlive the calls.
  CallRunner(const Clock& clock, Telemetry& telemetry) : clock_(clock), telemetry_(telemetry) {}

  // `method` lives as long as the code does.
  template <class Handle>
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext& context, absl::string_view method,
                                Handle handle) {
    grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
    const CallContext call{clock_.Now(), DeadlineUs(context)};
    handle(call, [this, reactor, method, start = call.now_us](const absl::Status& status) {
      telemetry_.OnRequest(method, status.code(), clock_.Now() - start);
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
};

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_GRPC_CALL_H_
