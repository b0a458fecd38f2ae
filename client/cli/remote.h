// A Sluice server, asked one call at a time.
#ifndef SLUICE_CLI_REMOTE_H_
#define SLUICE_CLI_REMOTE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "google/rpc/status.pb.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice::cli {

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
};

// `address` is host:port or any other gRPC target, without TLS. `timeout_us` (above 0) is for each
// call. Connects at the first call.
std::unique_ptr<Remote> Dial(const std::string& address, int64_t timeout_us);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_REMOTE_H_
