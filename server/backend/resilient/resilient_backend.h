// Deadline, retry and circuit breaker around one backend.
#ifndef SLUICE_BACKEND_RESILIENT_RESILIENT_BACKEND_H_
#define SLUICE_BACKEND_RESILIENT_RESILIENT_BACKEND_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "backend/backend.h"
#include "backend/resilient/breakers.h"
#include "core/clock.h"

namespace sluice {

struct BreakerOptions {
  int failure_threshold = 5;              // decisions that fail in a row and open it
  int64_t recovery_timeout_us = 500'000;  // how long it stays open, jittered by a fifth
  int success_threshold = 2;              // successes in a row, half-open, that close it
};

struct RetryOptions {
  int max_retries = 2;       // 0: none
  int64_t delay_us = 1'000;  // before the first
  double multiplier = 2;     // of the delay, from one to the next
};

struct ResilientOptions {
  int64_t deadline_us = 15'000;  // of a decision, from its arrival, retries included
  BreakerOptions breaker;
  RetryOptions retry;
};

// What the decorator needs of its surroundings.
struct ResilientHooks {
  // Runs the task once, so many microseconds later, on any thread that may be kept no longer than a
  // decision takes.
  std::function<void(int64_t delay_us, std::function<void()> task)> after;
  // The breaker opened, or closed again; what is between the two is not told. Must not block;
  // called on any thread, in order, one at a time.
  std::function<void(BreakerState)> on_breaker;
};

// Thread-safe. Asks the backend within min(the decision's deadline, now_us + deadline_us), again
// where an error proves that nothing ran, and not at all while the breaker is open, nor when the
// deadline is over. What was not asked is told as such (ProvesNotRun).
//
// A failure is an error of the backend's, or no answer within deadline_us. A caller who was in a
// greater hurry proves nothing, nor does one who came when half of deadline_us was over; nor do
// errors that a backend in good health answers (INVALID_ARGUMENT and the like, FAILED_PRECONDITION
// when it takes no writes, and a full queue).
//
// While half-open, one decision at a time is let through, and only what was let through since then
// counts. What is to be forgotten counts as well, is never asked again, and has no deadline.
class ResilientBackend : public Backend {
 public:
  // Forced closed: failures are not counted. From forced open to automatic it becomes half-open.
  virtual void SetBreaker(BreakerMode mode) = 0;
  virtual BreakerState breaker() const = 0;
  // The backend has proved by itself that it works: an open breaker becomes half-open at once.
  virtual void ProvedAlive() = 0;
  // Others may take its place while decisions run.
  virtual void SetOptions(const ResilientOptions& options) = 0;
};

// `clock` is the one that Decision::now_us is read from, and outlives it. Destroyed once every
// decision is answered; it then destroys `inner`.
std::unique_ptr<ResilientBackend> NewResilientBackend(std::unique_ptr<Backend> inner,
                                                      const ResilientOptions& options,
                                                      ResilientHooks hooks, const Clock& clock);

}  // namespace sluice

#endif  // SLUICE_BACKEND_RESILIENT_RESILIENT_BACKEND_H_
