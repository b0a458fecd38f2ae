#include "limiter/fold.h"

#include <algorithm>

namespace sluice {

Outcome FoldLine(const Line& line) {
  if (!line.judged) return line.shadow ? Outcome::kErrorAllowed : Outcome::kErrorDenied;
  if (line.verdict.allowed) return Outcome::kAllowed;
  return line.shadow ? Outcome::kShadowDenied : Outcome::kDenied;
}

Folded Fold(absl::Span<const Line> lines) {
  Folded folded{nullptr, 0};
  for (const Line& line : lines) {
    if (!Denies(line.outcome)) continue;
    if (folded.limited_by == nullptr) folded.limited_by = &line;
    folded.wait_us = std::max(folded.wait_us, line.judged ? line.verdict.wait_us : kErrorWaitUs);
  }
  return folded;
}

}  // namespace sluice
