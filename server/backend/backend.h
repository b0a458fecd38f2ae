// Where counters live.
#ifndef SLUICE_BACKEND_BACKEND_H_
#define SLUICE_BACKEND_BACKEND_H_

#include <cstdint>

#include "core/charge.h"

namespace sluice {

// What a backend tells of itself for the metrics; all since its start but `keys`.
struct BackendStats {
  int64_t keys = 0;       // counters held
  int64_t evictions = 0;  // counters dropped that were still in use
  int64_t full = 0;       // charges refused because every counter in reach was at its limit
  bool up = true;         // whether it can be reached
};

// Thread-safe. tests/conformance says what every backend must do.
class Backend {
 public:
  virtual ~Backend() = default;

  // Decides all charges at one instant, then calls decision.Done exactly once.
  virtual void Decide(Decision& decision) = 0;

  virtual BackendStats Stats() const = 0;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_BACKEND_H_
