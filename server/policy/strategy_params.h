// A strategy's parameters, from what is written in YAML.
#ifndef SLUICE_POLICY_STRATEGY_PARAMS_H_
#define SLUICE_POLICY_STRATEGY_PARAMS_H_

#include "absl/types/optional.h"
#include "policy/reader.h"
#include "policy/yaml.h"
#include "strategy/params.h"

namespace sluice {

// The same value without its places; nothing at all is an empty word.
ParamValue ToParam(const YamlNode& node);

// The same of a field that is there, with what no word may be refused, however deep it stands;
// nullopt for that.
absl::optional<ParamValue> ReadParam(FileReader& file, Field field);

}  // namespace sluice

#endif  // SLUICE_POLICY_STRATEGY_PARAMS_H_
