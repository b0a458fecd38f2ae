// `${VAR}` in a value, replaced from the environment.
#ifndef SLUICE_POLICY_VARIABLES_H_
#define SLUICE_POLICY_VARIABLES_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace sluice {

// The value of a variable; nullopt when it is not set. Thread-safe.
using Environment = std::function<absl::optional<std::string>(absl::string_view name)>;

// That of this process, which does not change while it runs.
Environment ProcessEnvironment();

struct Expansion {
  std::string text;
  std::string problem;  // empty: there is none
  std::string hint;     // what would be right; may be empty
};

// Whether `text` has anything to expand.
bool HasVariables(absl::string_view text);

// Whether it is one reference and nothing else.
bool IsReference(absl::string_view text);

// Replaces `${VAR}`, which must be set, and `${VAR:-default}`, whose default stands for a variable
// that is not set or empty, as in a shell. `$${` is a literal `${`; any other `$` is itself. What a
// variable holds is not expanded again, and is UTF-8. At most `most` bytes.
Expansion ExpandVariables(absl::string_view text, const Environment& environment, size_t most);

// `text` with the references that it has, and `***` for their defaults.
std::string MaskDefaults(absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_POLICY_VARIABLES_H_
