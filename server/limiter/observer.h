// What telemetry listens to.
#ifndef SLUICE_LIMITER_OBSERVER_H_
#define SLUICE_LIMITER_OBSERVER_H_

#include "limiter/call.h"

namespace sluice {

// Told once for each answered call, before its Finish. Thread-safe; must not block.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnThrottles(const ThrottleCall& call) = 0;
  virtual void OnDescriptors(const DescriptorCall& call) = 0;
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_OBSERVER_H_
