// "Did you mean ...?"
#ifndef SLUICE_CORE_NEAREST_H_
#define SLUICE_CORE_NEAREST_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// The candidate with the fewest edits from `word` (insertions, deletions, substitutions and swaps
// of neighbours), or an empty view when none is near enough to be a likely slip.
absl::string_view Nearest(absl::string_view word, absl::Span<const absl::string_view> candidates);

}  // namespace sluice

#endif  // SLUICE_CORE_NEAREST_H_
