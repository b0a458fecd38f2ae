// What stands in one argument of a command.
#ifndef SLUICE_CLI_ARGUMENTS_H_
#define SLUICE_CLI_ARGUMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "cli/remote.h"
#include "envoy/extensions/common/ratelimit/v3/ratelimit.pb.h"
#include "google/protobuf/map.h"

namespace sluice::cli {

// Errors are INVALID_ARGUMENT and say what is wrong and what would be right.

// A whole number without a sign, at most `max`.
absl::StatusOr<uint64_t> ParseCount(absl::string_view text, uint64_t max = UINT64_MAX);

// The files that --tls-ca, --tls-cert and --tls-key name, an empty name being none; nullopt when
// all are. A certificate needs its key. Errors name the option.
absl::StatusOr<absl::optional<Tls>> ReadTls(const std::string& ca, const std::string& cert,
                                            const std::string& key);

// `k=v` each, split at the first `=`; no key twice.
absl::StatusOr<google::protobuf::Map<std::string, std::string>> ParseContext(
    absl::Span<const std::string> arguments);

// The same for HTTP headers, whose names it makes lower-case.
absl::StatusOr<google::protobuf::Map<std::string, std::string>> ParseHeaders(
    absl::Span<const std::string> arguments);

// `UID=N` each, split at the last `=`, since a uid may have one; no uid twice.
absl::StatusOr<google::protobuf::Map<std::string, uint64_t>> ParseCosts(
    absl::Span<const std::string> arguments);

// `k=v[,k=v]...`, each split at its first `=`. `\,` is a comma inside a key or value and `\\` a
// backslash; before anything else a backslash stands for itself. Any bytes.
absl::StatusOr<envoy::extensions::common::ratelimit::v3::RateLimitDescriptor> ParseDescriptor(
    absl::string_view argument);

// The inverse of ParseDescriptor.
std::string FormatDescriptor(
    const envoy::extensions::common::ratelimit::v3::RateLimitDescriptor& descriptor);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_ARGUMENTS_H_
