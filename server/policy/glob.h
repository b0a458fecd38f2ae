// Wildcards.
#ifndef SLUICE_POLICY_GLOB_H_
#define SLUICE_POLICY_GLOB_H_

#include "absl/strings/string_view.h"

namespace sluice {

// Whether the pattern matches the whole text. `*` is zero or more characters, everything else is
// itself. Any bytes; the work is at most |pattern| x |text|.
bool MatchesStars(absl::string_view pattern, absl::string_view text);

// The same, and `?` is one character: of UTF-8, or a byte where the text is none.
bool MatchesGlob(absl::string_view pattern, absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_POLICY_GLOB_H_
