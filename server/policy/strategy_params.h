// A strategy's parameters, from what is written in YAML.
#ifndef SLUICE_POLICY_STRATEGY_PARAMS_H_
#define SLUICE_POLICY_STRATEGY_PARAMS_H_

#include "policy/yaml.h"
#include "strategy/params.h"

namespace sluice {

// The same value without its places; nothing at all is an empty word.
ParamValue ToParam(const YamlNode& node);

}  // namespace sluice

#endif  // SLUICE_POLICY_STRATEGY_PARAMS_H_
