#include "cli/remote.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <utility>

#include "envoy/service/ratelimit/v3/rls.grpc.pb.h"
#include "sluice/v1/admin.grpc.pb.h"
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

// A channel of its own for each address.
std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address,
                                         const absl::optional<Tls>& tls) {
  grpc::ChannelArguments arguments;
  // A proxy for the web, which the environment may name, knows no way to a limiter.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto credentials = tls.has_value()
                               ? grpc::SslCredentials({tls->ca, tls->key, tls->certificate})
                               : grpc::InsecureChannelCredentials();
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

// To one of the addresses of a server.
class Connection {
 public:
  Connection(const std::string& address, const Target& target)
      : timeout_us_(target.timeout_us), channel_(ChannelTo(address, target.tls)) {}

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

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

 private:
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
};

class GrpcRemote final : public Remote {
 public:
  explicit GrpcRemote(const Target& target)
      : connection_(target.address, target),
        admin_connection_(target.admin_address, target),
        limiter_(v1::Limiter::NewStub(connection_.channel())),
        rls_(RateLimitService::NewStub(connection_.channel())),
        admin_(v1::Admin::NewStub(admin_connection_.channel())) {}

  CallStatus Call(const v1::HitRequest& request, v1::HitResponse* response) override {
    return connection_.Run(*limiter_, &v1::Limiter::Stub::Hit, request, response);
  }
  CallStatus Call(const v1::CheckRequest& request, v1::CheckResponse* response) override {
    return connection_.Run(*limiter_, &v1::Limiter::Stub::Check, request, response);
  }
  CallStatus Call(const v1::StatRequest& request, v1::StatResponse* response) override {
    return connection_.Run(*limiter_, &v1::Limiter::Stub::Stat, request, response);
  }
  CallStatus Call(const RateLimitRequest& request, RateLimitResponse* response) override {
    return connection_.Run(*rls_, &RateLimitService::Stub::ShouldRateLimit, request, response);
  }
  CallStatus Call(const v1::ShouldLimitRequest& request,
                  v1::ShouldLimitResponse* response) override {
    return connection_.Run(*limiter_, &v1::Limiter::Stub::ShouldLimit, request, response);
  }
  CallStatus Call(const v1::ResetRequest& request, v1::ResetResponse* response) override {
    return connection_.Run(*limiter_, &v1::Limiter::Stub::Reset, request, response);
  }

  CallStatus Call(const v1::GetPolicyRequest& request, v1::GetPolicyResponse* response) override {
    return admin_connection_.Run(*admin_, &v1::Admin::Stub::GetPolicy, request, response);
  }
  CallStatus Call(const v1::ReloadPolicyRequest& request,
                  v1::ReloadPolicyResponse* response) override {
    return admin_connection_.Run(*admin_, &v1::Admin::Stub::ReloadPolicy, request, response);
  }
  CallStatus Call(const v1::ListThrottlesRequest& request,
                  v1::ListThrottlesResponse* response) override {
    return admin_connection_.Run(*admin_, &v1::Admin::Stub::ListThrottles, request, response);
  }
  CallStatus Call(const v1::ExplainRequest& request, v1::ExplainResponse* response) override {
    return admin_connection_.Run(*admin_, &v1::Admin::Stub::Explain, request, response);
  }
  CallStatus Call(const v1::SetOverrideRequest& request,
                  v1::SetOverrideResponse* response) override {
    return admin_connection_.Run(*admin_, &v1::Admin::Stub::SetOverride, request, response);
  }
  CallStatus Call(const v1::SetBreakerRequest& request, v1::SetBreakerResponse* response) override {
    return admin_connection_.Run(*admin_, &v1::Admin::Stub::SetBreaker, request, response);
  }
  CallStatus Call(const v1::ResetAllRequest& request, v1::ResetAllResponse* response) override {
    return admin_connection_.Run(*admin_, &v1::Admin::Stub::ResetAll, request, response);
  }

 private:
  Connection connection_;
  Connection admin_connection_;
  const std::unique_ptr<v1::Limiter::Stub> limiter_;
  const std::unique_ptr<RateLimitService::Stub> rls_;
  const std::unique_ptr<v1::Admin::Stub> admin_;
};

}  // namespace

std::unique_ptr<Remote> Dial(const Target& target) {
  // What goes wrong stands in the status, too.
  gpr_set_log_function([](gpr_log_func_args*) {});
  return std::make_unique<GrpcRemote>(target);
}

}  // namespace sluice::cli
