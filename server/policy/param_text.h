// A strategy's parameter where there is no file around it.
#ifndef SLUICE_POLICY_PARAM_TEXT_H_
#define SLUICE_POLICY_PARAM_TEXT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "strategy/params.h"

namespace sluice {

// `yaml` is what stands behind `name:` under `strategy:` in a configuration, and is read as there.
// An error is INVALID_ARGUMENT and says what is wrong with the YAML, with neither line nor name.
absl::StatusOr<ParamValue> ParseParam(absl::string_view yaml);

}  // namespace sluice

#endif  // SLUICE_POLICY_PARAM_TEXT_H_
