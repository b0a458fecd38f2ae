// What does not compile with SLUICE_BRANCH, and does without: a step has no `if`.
#include "strategy/recorder.h"

namespace sluice {

Recorded Larger(const Recorded& a, const Recorded& b) {
#ifdef SLUICE_BRANCH
  if (a < b) return b;
#endif
  return Max(a, b);
}

}  // namespace sluice
