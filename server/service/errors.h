// Errors with google.rpc details.
#ifndef SLUICE_SERVICE_ERRORS_H_
#define SLUICE_SERVICE_ERRORS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// INVALID_ARGUMENT with a BadRequest that names the field.
absl::Status InvalidField(absl::string_view field, absl::string_view description);

// UNIMPLEMENTED, in plain words.
absl::Status NotServedYet(absl::string_view method);

// An error of the limiter as the API shows it: its reason becomes an ErrorInfo, and one that may be
// over soon has a RetryInfo.
absl::Status WithErrorInfo(const absl::Status& status);

// The serialised google.rpc.Status for the trailer grpc-status-details-bin; empty when the status
// has no details.
std::string StatusDetails(const absl::Status& status);

}  // namespace sluice

#endif  // SLUICE_SERVICE_ERRORS_H_
