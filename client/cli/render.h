// Answers as people and scripts read them. Every text ends with a newline.
#ifndef SLUICE_CLI_RENDER_H_
#define SLUICE_CLI_RENDER_H_

#include <string>

#include "cli/remote.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "google/protobuf/message.h"
#include "sluice/v1/admin.pb.h"
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

// What the gateway is to do and to answer: a row for each throttle that applies, the headers, the
// body.
std::string Render(const v1::ShouldLimitRequest& request, const v1::ShouldLimitResponse& response,
                   bool color);

// How many counters there were.
std::string Render(const v1::ResetRequest& request, const v1::ResetResponse& response, bool color);
std::string Render(const v1::ResetAllRequest& request, const v1::ResetAllResponse& response,
                   bool color);

// As ExplainText.
std::string Render(const v1::ExplainRequest& request, const v1::ExplainResponse& response,
                   bool color);

// The YAML, and as comments in front of it what it is and what overrides it.
std::string Render(const v1::GetPolicyRequest& request, const v1::GetPolicyResponse& response,
                   bool color);

// Every error as a line `file:line:column: what (hint)`, then which generation decides.
std::string Render(const v1::ReloadPolicyRequest& request, const v1::ReloadPolicyResponse& response,
                   bool color);

// What the override changes, and until when.
std::string Render(const v1::SetOverrideRequest& request, const v1::SetOverrideResponse& response,
                   bool color);

// What the breaker is from now on.
std::string Render(const v1::SetBreakerRequest& request, const v1::SetBreakerResponse& response,
                   bool color);

// protojson with proto field names; what is false, 0 or empty is printed too.
std::string RenderJson(const google::protobuf::Message& message);

// One line with the code and the message, or with why there is no server at `address`; then a line
// for each field that the server complains of.
std::string RenderError(const std::string& address, const CallStatus& status);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_RENDER_H_
