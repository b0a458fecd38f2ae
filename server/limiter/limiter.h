// The pipeline: match, decide, fold, observe.
#ifndef SLUICE_LIMITER_LIMITER_H_
#define SLUICE_LIMITER_LIMITER_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backend/backend.h"
#include "core/key.h"
#include "core/mutex.h"
#include "limiter/call.h"
#include "limiter/observer.h"
#include "policy/policy_set.h"

namespace sluice {

// A policy and the backends it names, in the order of PolicySet::backends.
struct Snapshot {
  std::shared_ptr<const PolicySet> policy;
  std::vector<Backend*> backends;
};

// Payloads of the errors that Finish gets: why, in upper snake case, and what it speaks of.
inline constexpr absl::string_view kReasonPayload = "sluice/reason";
inline constexpr absl::string_view kPayloadPrefix = "sluice/";

// Thread-safe.
class Limiter {
 public:
  // The observer outlives the limiter, which outlives every call.
  Limiter(const HashSecret& secret, Observer& observer) : secret_(secret), observer_(observer) {}

  // Calls that come from now on see this policy. The backends outlive the limiter.
  void Publish(std::shared_ptr<const PolicySet> policy, std::vector<Backend*> backends);
  // nullptr before the first Publish.
  std::shared_ptr<const PolicySet> policy() const;

  // Answers `call.Finish` exactly once. The caller has set now_us and deadline_us.
  void Decide(ThrottleCall& call);
  void Decide(DescriptorCall& call);

 private:
  friend class Call;
  friend class ThrottleCall;
  friend class DescriptorCall;

  // False, and the call is finished, when it cannot be decided at all.
  bool Admit(Call& call);
  absl::Status Match(ThrottleCall& call) const;
  Line MatchThrottle(const ThrottleCall& call, const Throttle& throttle) const;
  void Match(DescriptorCall& call) const;
  Line MatchDescriptor(const DescriptorCall& call, const DescriptorCall::Ask& ask) const;
  // Charges what is to be charged; the rest of the way is Finished().
  void Charges(Call& call, size_t backend);
  void Finished(Call& call, const absl::Status& status);

  std::shared_ptr<const Snapshot> snapshot() const;

  const HashSecret secret_;
  Observer& observer_;
  mutable Mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_LIMITER_H_
