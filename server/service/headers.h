// The rate limit headers of an answer.
#ifndef SLUICE_SERVICE_HEADERS_H_
#define SLUICE_SERVICE_HEADERS_H_

#include <functional>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "limiter/call.h"

namespace sluice {

// Whole seconds, rounded up, as Retry-After and Reset tell them; `us` is not kNever.
int64_t CeilSeconds(int64_t us);

// Calls `add(name, value)` for each header that the throttles of an answered call ask for: the
// classic X-RateLimit-* of the tightest throttle (the denying one with the longest wait, else the
// one with the least remaining share), RateLimit-Policy and RateLimit (IETF draft 10) of all of
// them, and Retry-After on a denial whose wait ends. Shadows and untouched throttles never speak.
void ForEachHeader(const ThrottleCall& call,
                   absl::FunctionRef<void(absl::string_view, absl::string_view)> add);

}  // namespace sluice

#endif  // SLUICE_SERVICE_HEADERS_H_
