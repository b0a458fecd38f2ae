// What telemetry listens to.
#ifndef SLUICE_LIMITER_OBSERVER_H_
#define SLUICE_LIMITER_OBSERVER_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "limiter/call.h"

namespace sluice {

// Thread-safe; must not block.
class Observer {
 public:
  virtual ~Observer() = default;
  // Once for each answered call, before its Finish.
  virtual void OnThrottles(const ThrottleCall& call) = 0;
  virtual void OnDescriptors(const DescriptorCall& call) = 0;
  // A throttle's cost expression failed, and its default stands.
  virtual void OnExpressionFailed(const Throttle& throttle, const absl::Status& why,
                                  int64_t now_us) = 0;
  // So many charges of requests that were denied could not be taken back from the backend.
  virtual void OnOrphans(absl::string_view backend, size_t charges) = 0;
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_OBSERVER_H_
