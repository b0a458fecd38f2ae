// Where counters live.
#ifndef SLUICE_BACKEND_BACKEND_H_
#define SLUICE_BACKEND_BACKEND_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "core/charge.h"
#include "core/key.h"

namespace sluice {

// What a backend tells of itself for the metrics; all since its start but `keys`.
struct BackendStats {
  int64_t keys = 0;       // counters held
  int64_t evictions = 0;  // counters dropped that were still in use
  int64_t full = 0;       // charges refused because every counter in reach was at its limit
  bool up = true;         // whether it can be reached
};

// Counters that are to be as if never used. The caller's object, as Decision is: goes down once,
// comes up once.
class Forgetting {
 public:
  Forgetting() = default;
  Forgetting(const Forgetting&) = delete;
  Forgetting& operator=(const Forgetting&) = delete;
  virtual ~Forgetting() = default;

  // Exactly once, on any thread; before Forget returns or later. OK: they are forgotten. An error:
  // some of them may be, and `forgotten` means nothing. The object may be destroyed within.
  virtual void Done(absl::Status status) = 0;

  // These counters; they live until Done. One that is named twice counts once.
  absl::Span<const CounterKey> keys;
  // Or, without keys, all of these.
  absl::optional<KeyScope> scope;
  // Microseconds since the Unix epoch. A backend with a clock of its own ignores it.
  int64_t now_us = 0;
  // Written before Done: how many are gone that were still in use (not absent yet, to the
  // millisecond).
  int64_t forgotten = 0;
};

// Thread-safe. tests/conformance says what every backend must do.
class Backend {
 public:
  virtual ~Backend() = default;

  // Decides all charges at one instant, then calls decision.Done exactly once.
  virtual void Decide(Decision& decision) = 0;

  // Forgets what is asked for, then calls forgetting.Done exactly once. It is no decision: those
  // that come meanwhile find some of the counters forgotten and others not yet. What was counted
  // before the call is gone after it; what is counted during the call may be gone or stay.
  virtual void Forget(Forgetting& forgetting) = 0;

  virtual BackendStats Stats() const = 0;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_BACKEND_H_
