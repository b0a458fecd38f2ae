// A Sluice server, asked one call at a time.
#ifndef SLUICE_CLI_REMOTE_H_
#define SLUICE_CLI_REMOTE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "google/rpc/status.pb.h"
#include "sluice/v1/admin.pb.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice::cli {

// How to speak TLS, all of it in PEM.
struct Tls {
  std::string ca;           // whom to believe; empty: the system's authorities
  std::string certificate;  // who asks; empty: nobody in particular
  std::string key;          // of the certificate
};

// Where a server is, and how to ask it. Addresses are host:port or any other gRPC target.
struct Target {
  std::string address;        // of the calls that services make
  std::string admin_address;  // of sluice.v1.Admin
  int64_t timeout_us = 0;     // above 0, for each call
  absl::optional<Tls> tls;    // towards both addresses; nullopt: in the clear
};

// How a call ended.
struct CallStatus {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message;
  // There was no connection to a server; `message` says why.
  bool unreachable = false;
  // What the server told besides; empty when it told nothing.
  google::rpc::Status details;

  bool ok() const { return code == absl::StatusCode::kOk; }
};

// Not thread-safe. Every call blocks until it is answered or the timeout is over (then
// DEADLINE_EXCEEDED); connecting counts. Responses are written only when the status is OK.
class Remote {
 public:
  virtual ~Remote() = default;

  virtual CallStatus Call(const v1::HitRequest& request, v1::HitResponse* response) = 0;
  virtual CallStatus Call(const v1::CheckRequest& request, v1::CheckResponse* response) = 0;
  virtual CallStatus Call(const v1::StatRequest& request, v1::StatResponse* response) = 0;
  virtual CallStatus Call(const envoy::service::ratelimit::v3::RateLimitRequest& request,
                          envoy::service::ratelimit::v3::RateLimitResponse* response) = 0;
  virtual CallStatus Call(const v1::ShouldLimitRequest& request,
                          v1::ShouldLimitResponse* response) = 0;
  virtual CallStatus Call(const v1::ResetRequest& request, v1::ResetResponse* response) = 0;

  // At the Admin address.
  virtual CallStatus Call(const v1::GetPolicyRequest& request, v1::GetPolicyResponse* response) = 0;
  virtual CallStatus Call(const v1::ReloadPolicyRequest& request,
                          v1::ReloadPolicyResponse* response) = 0;
  virtual CallStatus Call(const v1::ListThrottlesRequest& request,
                          v1::ListThrottlesResponse* response) = 0;
  virtual CallStatus Call(const v1::ExplainRequest& request, v1::ExplainResponse* response) = 0;
  virtual CallStatus Call(const v1::SetOverrideRequest& request,
                          v1::SetOverrideResponse* response) = 0;
  virtual CallStatus Call(const v1::SetBreakerRequest& request,
                          v1::SetBreakerResponse* response) = 0;
  virtual CallStatus Call(const v1::ResetAllRequest& request, v1::ResetAllResponse* response) = 0;
};

// Connects to each address at the first call that goes there.
std::unique_ptr<Remote> Dial(const Target& target);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_REMOTE_H_
