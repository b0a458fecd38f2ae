// The sections of a configuration file, each read into its part of a PolicySet.
//
// What is wrong goes to the FileReader; the parts are then of no further use.
#ifndef SLUICE_POLICY_SECTIONS_H_
#define SLUICE_POLICY_SECTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "policy/policy_set.h"
#include "policy/reader.h"

namespace sluice {

// `server`.
ServerSpec ReadServer(FileReader& file, Field section);

// `log`.
LogSpec ReadLog(FileReader& file, Field section);

// `backends`; absent or empty: `standard` alone.
std::vector<BackendSpec> ReadBackends(FileReader& file, Field section, BackendSpec standard);

// The index of the backend that a field names; nullopt when absent or unknown.
absl::optional<size_t> ReadBackendName(FileReader& file, Field field,
                                       const std::vector<BackendSpec>& backends);

// `tenants`. The first of the answer is `standard`, the default tenant, which is what a row's
// absent keys come from.
std::vector<Tenant> ReadTenants(FileReader& file, Field section, Tenant standard,
                                const std::vector<BackendSpec>& backends);

// A context: scalars by key.
absl::optional<Context> ReadContext(FileReader& file, Field field);

// `on_error`: a word, or a map with a fallback.
OnError ReadOnError(FileReader& file, Field field, const std::vector<BackendSpec>& backends);

// `client_ip`.
ClientIpPolicy ReadClientIp(FileReader& file, Field section);

// `throttles`, over `defaults`.
std::vector<Throttle> ReadThrottles(FileReader& file, Field section, Field defaults,
                                    const std::vector<BackendSpec>& backends);

}  // namespace sluice

#endif  // SLUICE_POLICY_SECTIONS_H_
