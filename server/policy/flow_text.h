// A part of the configuration in one line, for people.
#ifndef SLUICE_POLICY_FLOW_TEXT_H_
#define SLUICE_POLICY_FLOW_TEXT_H_

#include <string>

#include "policy/yaml.h"

namespace sluice {

// `{path: /health, methods: [GET]}`. Variables stand by name, and what is compared with a key that
// looks secret is `***`. What is longer than a kilobyte is cut.
std::string FlowText(const YamlNode& node);

}  // namespace sluice

#endif  // SLUICE_POLICY_FLOW_TEXT_H_
