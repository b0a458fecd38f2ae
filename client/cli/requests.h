// From the arguments of a command to the request that is sent.
#ifndef SLUICE_CLI_REQUESTS_H_
#define SLUICE_CLI_REQUESTS_H_

#include "absl/status/statusor.h"
#include "cli/raw.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "sluice/v1/admin.pb.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice::cli {

// Errors are INVALID_ARGUMENT, name the option, and say what is wrong and what would be right.

// `status` as one about this option.
absl::Status About(absl::string_view option, const absl::Status& status);

// Protobuf's strings are UTF-8; a descriptor's keys and values alone are bytes.
absl::Status CheckEncoding(const Raw& raw);

absl::StatusOr<v1::HitRequest> MakeHit(const Raw& raw);
absl::StatusOr<v1::CheckRequest> MakeCheck(const Raw& raw);
absl::StatusOr<v1::StatRequest> MakeStat(const Raw& raw);
absl::StatusOr<v1::ShouldLimitRequest> MakeShouldLimit(const Raw& raw);
absl::StatusOr<envoy::service::ratelimit::v3::RateLimitRequest> MakeRls(const Raw& raw);

// Of a hit when throttles are named, else of a gateway's request. For a hit, what is said of HTTP
// stands in the context, under the keys that the server gives it.
absl::StatusOr<v1::ExplainRequest> MakeExplain(const Raw& raw);

// One identifier under the named throttles; and all of them, of a throttle, a tenant or both.
absl::StatusOr<v1::ResetRequest> MakeReset(const Raw& raw);
absl::StatusOr<v1::ResetAllRequest> MakeResetAll(const Raw& raw);

absl::StatusOr<v1::SetOverrideRequest> MakeOverride(const Raw& raw);

v1::SetBreakerRequest MakeBreaker(const Raw& raw);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_REQUESTS_H_
