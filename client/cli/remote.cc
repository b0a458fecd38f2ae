#include "cli/remote.h"

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <utility>

#include "envoy/service/ratelimit/v3/rls.grpc.pb.h"
#include "sluice/v1/limiter.grpc.pb.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::envoy::service::ratelimit::v3::RateLimitResponse;
using ::envoy::service::ratelimit::v3::RateLimitService;

gpr_timespec DeadlineIn(int64_t us) {
  return gpr_convert_clock_type(gpr_time_from_micros(us, GPR_TIMESPAN), GPR_CLOCK_MONOTONIC);
}

CallStatus Translate(const grpc::Status& status, bool connected) {
  CallStatus result;
  result.code = static_cast<absl::StatusCode>(status.error_code());
  result.message = status.error_message();
  result.unreachable = !status.ok() && !connected;
  // Details that do not parse are no details: the code and the message stand without them.
  if (!result.details.ParseFromString(status.error_details())) result.details.Clear();
  return result;
}

class GrpcRemote final : public Remote {
 public:
  GrpcRemote(std::shared_ptr<grpc::Channel> channel, int64_t timeout_us)
      : timeout_us_(timeout_us),
        channel_(std::move(channel)),
        limiter_(v1::Limiter::NewStub(channel_)),
        rls_(RateLimitService::NewStub(channel_)) {}

  CallStatus Call(const v1::HitRequest& request, v1::HitResponse* response) override {
    return Run(*limiter_, &v1::Limiter::Stub::Hit, request, response);
  }
  CallStatus Call(const v1::CheckRequest& request, v1::CheckResponse* response) override {
    return Run(*limiter_, &v1::Limiter::Stub::Check, request, response);
  }
  CallStatus Call(const v1::StatRequest& request, v1::StatResponse* response) override {
    return Run(*limiter_, &v1::Limiter::Stub::Stat, request, response);
  }
  CallStatus Call(const RateLimitRequest& request, RateLimitResponse* response) override {
    return Run(*rls_, &RateLimitService::Stub::ShouldRateLimit, request, response);
  }

 private:
  template <class Stub, class Request, class Response>
  CallStatus Run(Stub& stub,
                 grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                 const Request& request, Response* response) {
    const gpr_timespec deadline = DeadlineIn(timeout_us_);
    const bool connected = Connect(deadline);
    grpc::ClientContext context;
    context.set_deadline(deadline);
    return Translate((stub.*method)(&context, request, response), connected);
  }

  // A failed attempt to connect ends it as well as the deadline. The call is made all the same: it
  // fails at once, and says why there is no connection.
  bool Connect(gpr_timespec deadline) {
    for (;;) {
      const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
      if (state == GRPC_CHANNEL_READY) return true;
      if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
      if (!channel_->WaitForStateChange(state, deadline)) return false;
    }
  }

  const int64_t timeout_us_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Limiter::Stub> limiter_;
  const std::unique_ptr<RateLimitService::Stub> rls_;
};

}  // namespace

std::unique_ptr<Remote> Dial(const std::string& address, int64_t timeout_us) {
  grpc::ChannelArguments arguments;
  // A proxy for the web, which the environment may name, knows no way to a limiter.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return std::make_unique<GrpcRemote>(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments),
      timeout_us);
}

}  // namespace sluice::cli
