// Answers as people and scripts read them. Every text ends with a newline.
#ifndef SLUICE_CLI_RENDER_H_
#define SLUICE_CLI_RENDER_H_

#include <string>

#include "cli/remote.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "google/protobuf/message.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice::cli {

// A line with the decision, then what came back besides: a row for each throttle, the headers.
std::string Render(const v1::HitRequest& request, const v1::HitResponse& response, bool color);
std::string Render(const v1::CheckRequest& request, const v1::CheckResponse& response, bool color);

// A row for each throttle, then what only its strategy can tell.
std::string Render(const v1::StatRequest& request, const v1::StatResponse& response, bool color);

// The overall code, a row for each descriptor, the headers for the HTTP response.
std::string Render(const envoy::service::ratelimit::v3::RateLimitRequest& request,
                   const envoy::service::ratelimit::v3::RateLimitResponse& response, bool color);

// protojson with proto field names; what is false, 0 or empty is printed too.
std::string RenderJson(const google::protobuf::Message& message);

// One line with the code and the message, or with why there is no server at `address`; then a line
// for each field that the server complains of.
std::string RenderError(const std::string& address, const CallStatus& status);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_RENDER_H_
