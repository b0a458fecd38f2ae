// A file in envoyproxy/ratelimit's grammar, read into a Domain.
#ifndef SLUICE_POLICY_DOMAIN_FILE_H_
#define SLUICE_POLICY_DOMAIN_FILE_H_

#include "absl/types/optional.h"
#include "policy/domain.h"
#include "policy/reader.h"

namespace sluice {

// Whether a file is a domain rather than a configuration.
bool LooksLikeDomainFile(const YamlNode& root);

// `file` is of the Envoy dialect. nullopt when the domain has no name, and that is reported.
absl::optional<Domain> ReadDomainFile(FileReader& file, const YamlNode& root);

}  // namespace sluice

#endif  // SLUICE_POLICY_DOMAIN_FILE_H_
