// Circuit breakers by their backends' names, for operators.
#ifndef SLUICE_BACKEND_RESILIENT_BREAKERS_H_
#define SLUICE_BACKEND_RESILIENT_BREAKERS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Who says whether a breaker is open: it itself, or an operator.
enum class BreakerMode { kAutomatic, kForcedOpen, kForcedClosed };

// Thread-safe.
class Breakers {
 public:
  virtual ~Breakers() = default;
  // NOT_FOUND: there is no such backend. FAILED_PRECONDITION: it has no breaker.
  virtual absl::Status Set(absl::string_view backend, BreakerMode mode) = 0;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_RESILIENT_BREAKERS_H_
