#include "limiter/fold.h"

#include <algorithm>

namespace sluice {
namespace {

using Then = OnError::Then;
using Stage = Line::Stage;

bool HasFallback(const Line& line) {
  return line.on_error->fallback.has_value() && !line.fell_back;
}

bool FailsWith(const Line& line, Then then) {
  return line.stage == Stage::kFailed && !line.shadow && !HasFallback(line) &&
         line.on_error->then == then;
}

Outcome OutcomeOf(const Line& line) {
  if (line.judged) {
    if (line.verdict.allowed) return Outcome::kAllowed;
    return line.shadow ? Outcome::kShadowDenied : Outcome::kDenied;
  }
  // What was not asked, because another line denies, is not in the way.
  const bool allowed =
      line.shadow || line.stage == Stage::kUnasked || line.on_error->then == Then::kAllow;
  return allowed ? Outcome::kErrorAllowed : Outcome::kErrorDenied;
}

int64_t LeastWaitUs(const Line& line) {
  return line.throttle == nullptr ? 0 : line.throttle->min_wait_us;
}

}  // namespace

bool Raises(const Line& line) { return FailsWith(line, Then::kRaise); }

Course CourseOf(absl::Span<const Line> lines) {
  bool raises = false;
  bool denies = false;
  bool falls_back = false;
  for (const Line& line : lines) {
    if (line.limit == nullptr) continue;
    if (line.judged && !line.verdict.allowed && line.enforced()) return Course::kDeny;
    raises = raises || FailsWith(line, Then::kRaise);
    denies = denies || FailsWith(line, Then::kThrottle);
    falls_back = falls_back || (line.stage == Stage::kFailed && HasFallback(line));
  }
  if (raises) return Course::kRaise;
  if (denies) return Course::kDeny;
  return falls_back ? Course::kFallBack : Course::kPass;
}

void FoldLine(Line& line) {
  line.outcome = OutcomeOf(line);
  if (line.judged && !line.verdict.allowed) {
    line.verdict.wait_us = std::max(line.verdict.wait_us, LeastWaitUs(line));
  }
}

int64_t WaitOf(const Line& line) {
  return line.judged ? line.verdict.wait_us : std::max(kErrorWaitUs, LeastWaitUs(line));
}

Folded Fold(absl::Span<const Line> lines) {
  Folded folded{nullptr, 0};
  for (const Line& line : lines) {
    if (!Denies(line.outcome)) continue;
    if (folded.limited_by == nullptr) folded.limited_by = &line;
    folded.wait_us = std::max(folded.wait_us, WaitOf(line));
  }
  return folded;
}

}  // namespace sluice
