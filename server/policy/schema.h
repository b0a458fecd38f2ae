// The table of keys (keys.h), for editors.
#ifndef SLUICE_POLICY_SCHEMA_H_
#define SLUICE_POLICY_SCHEMA_H_

#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// A JSON Schema (draft 2020-12) of a configuration file, with a line break at its end. What it
// refuses the loader refuses; the loader alone knows all that is wrong. Wherever a value is one
// word, `${VAR}` may stand for it.
std::string JsonSchema();

// A section's name as one word: "a conditional rate" is `conditional_rate`.
std::string SectionWord(absl::string_view section);

}  // namespace sluice

#endif  // SLUICE_POLICY_SCHEMA_H_
