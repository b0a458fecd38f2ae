// What a native request may be at most; api.md has the numbers.
#ifndef SLUICE_SERVICE_BOUNDS_H_
#define SLUICE_SERVICE_BOUNDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/map.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice {

inline constexpr int kMaxThrottles = 64;
inline constexpr int kMaxBatch = 1000;

// Each is OK, or INVALID_ARGUMENT that names the field and says what would be right.

absl::Status CheckThrottles(const google::protobuf::RepeatedPtrField<std::string>& throttles);
absl::Status CheckIdentifier(absl::string_view identifier);
absl::Status CheckTenant(absl::string_view tenant);
absl::Status CheckDetail(v1::Detail detail);
absl::Status CheckContext(const google::protobuf::Map<std::string, std::string>& context);
// Of a gateway's request: as much as servers take, for a client that sends more is no reason to
// decide nothing.
absl::Status CheckHeaders(const google::protobuf::Map<std::string, std::string>& headers);
// A cost of the request, and costs by throttle.
absl::Status CheckCost(uint64_t cost);
absl::Status CheckCosts(const google::protobuf::Map<std::string, uint64_t>& costs);
// At most kMaxBatch.
absl::Status CheckBatch(int requests);

}  // namespace sluice

#endif  // SLUICE_SERVICE_BOUNDS_H_
