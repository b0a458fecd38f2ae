// What a configuration comes to, for people to read.
#ifndef SLUICE_POLICY_EFFECTIVE_H_
#define SLUICE_POLICY_EFFECTIVE_H_

#include <string>
#include <vector>

#include "policy/reader.h"
#include "policy/yaml.h"

namespace sluice {

// The configuration at `root`, which has no errors, as YAML of at most about kMaxYamlBytes: aliases
// and merges are written out, `defaults` are moved into the throttles that lack them, and
// `domain_files` are added to those of `domains`. It tells no secret: variables are shown as their
// references with `***` for defaults, and concealed values as `***`.
std::string EffectiveYaml(const YamlNode& root, const std::vector<std::string>& domain_files,
                          const Outside& outside);

}  // namespace sluice

#endif  // SLUICE_POLICY_EFFECTIVE_H_
