// From verdicts to the answer: shadow and the failure policy act here, and nowhere else.
#ifndef SLUICE_LIMITER_FOLD_H_
#define SLUICE_LIMITER_FOLD_H_

#include <cstdint>

#include "absl/types/span.h"
#include "limiter/call.h"

namespace sluice {

// What a caller is told to wait when a backend failed and the request is denied for it.
inline constexpr int64_t kErrorWaitUs = 1'000'000;

// The outcome of a line that was charged. A line that was not judged, because its backend failed,
// is denied (on_error: throttle), unless it is a shadow, which never denies.
Outcome FoldLine(const Line& line);

struct Folded {
  const Line* limited_by;  // the first line that denies; nullptr: none does
  int64_t wait_us;         // the longest wait of those that deny; kNever
};
Folded Fold(absl::Span<const Line> lines);

}  // namespace sluice

#endif  // SLUICE_LIMITER_FOLD_H_
