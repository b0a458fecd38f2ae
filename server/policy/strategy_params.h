// A strategy's parameters, from what is written in YAML.
#ifndef SLUICE_POLICY_STRATEGY_PARAMS_H_
#define SLUICE_POLICY_STRATEGY_PARAMS_H_

#include "absl/types/optional.h"
#include "policy/reader.h"
#include "strategy/params.h"

namespace sluice {

// The value of a field that is there, without its places; nothing at all is an empty word. nullopt
// when a word in it is refused, however deep it stands.
absl::optional<ParamValue> ReadParam(FileReader& file, Field field);

}  // namespace sluice

#endif  // SLUICE_POLICY_STRATEGY_PARAMS_H_
