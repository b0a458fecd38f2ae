// Matchers, exemptions and rules, from YAML.
#ifndef SLUICE_POLICY_RULE_READER_H_
#define SLUICE_POLICY_RULE_READER_H_

#include <vector>

#include "policy/policy_set.h"
#include "policy/reader.h"

namespace sluice {

// `exempt`: a list of maps from context keys to matchers.
std::vector<Exemption> ReadExemptions(FileReader& file, Field field);

// `rules`: a list of `bypass: {...}` and `apply: {...}`.
Rules ReadRules(FileReader& file, Field field);

}  // namespace sluice

#endif  // SLUICE_POLICY_RULE_READER_H_
