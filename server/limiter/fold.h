// From verdicts to the answer: shadow and the failure policy act here, and nowhere else.
#ifndef SLUICE_LIMITER_FOLD_H_
#define SLUICE_LIMITER_FOLD_H_

#include <cstdint>

#include "absl/types/span.h"
#include "limiter/call.h"

namespace sluice {

// What a caller is told to wait, at least, when a backend failed and the request is denied for it.
inline constexpr int64_t kErrorWaitUs = 1'000'000;

// What becomes of a request after its backends have answered, or failed.
enum class Course {
  kPass,     // what was charged stands
  kDeny,     // what was charged is to be taken back
  kRaise,    // the same, and the caller gets an error: a backend failed, and on_error says `raise`
  kFallBack  // nothing denies, and lines of a backend that failed have another one to ask
};
Course CourseOf(absl::Span<const Line> lines);

// Whether the line's backend failed, and its on_error makes an error of that.
bool Raises(const Line& line);

// The outcome of a line that was charged, and the wait that a denial tells. A line whose backend
// failed follows its on_error, unless it is a shadow, which never denies.
void FoldLine(Line& line);

struct Folded {
  const Line* limited_by;  // the first line that denies; nullptr: none does
  int64_t wait_us;         // the longest wait of those that deny; kNever
};
Folded Fold(absl::Span<const Line> lines);

// What a line that denies tells to wait.
int64_t WaitOf(const Line& line);

}  // namespace sluice

#endif  // SLUICE_LIMITER_FOLD_H_
