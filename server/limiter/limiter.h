// The pipeline: match, decide, fold, observe.
#ifndef SLUICE_LIMITER_LIMITER_H_
#define SLUICE_LIMITER_LIMITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backend/backend.h"
#include "core/clock.h"
#include "core/key.h"
#include "core/mutex.h"
#include "limiter/call.h"
#include "limiter/explanation.h"
#include "limiter/observer.h"
#include "limiter/overrides.h"
#include "limiter/refunds.h"
#include "policy/policy_set.h"

namespace sluice {

// What a request sees from start to end: a policy, the backends it names, in the order of
// PolicySet::backends, and what is overridden for a while.
struct Snapshot {
  std::shared_ptr<const PolicySet> policy;
  std::vector<std::shared_ptr<Backend>> backends;
  Overrides overrides;
};

// Payloads of the errors that Finish gets: why, in upper snake case, and what it speaks of.
inline constexpr absl::string_view kReasonPayload = "sluice/reason";
inline constexpr absl::string_view kPayloadPrefix = "sluice/";

// Thread-safe.
class Limiter {
 public:
  // The observer and the clock outlive the limiter, which outlives every call. The clock is the one
  // that Decision::now_us is read from.
  Limiter(const HashSecret& secret, Observer& observer, const Clock& clock)
      : secret_(secret), observer_(observer), clock_(clock), refunds_(observer, clock) {}

  // Calls that come from now on see this policy. Overrides go on.
  void Publish(std::shared_ptr<const PolicySet> policy,
               std::vector<std::shared_ptr<Backend>> backends);
  // nullptr before the first Publish.
  std::shared_ptr<const PolicySet> policy() const;

  // Answers `call.Finish` exactly once. The caller has set now_us and deadline_us.
  void Decide(ThrottleCall& call);
  void Decide(DescriptorCall& call);
  // The same. Whether the caller may is not asked here.
  void Reset(ResetCall& call);

  // A row for each throttle that the request names, or for each that there is, when it is a
  // gateway's. Decides nothing. Returns the generation of the policy that says so.
  absl::StatusOr<uint64_t> Explain(const ThrottleRequest& request, int64_t now_us,
                                   std::vector<Explanation>& rows) const;

  // Forgets all counters of a throttle, of a tenant (empty: the default one), or of both; at least
  // one of the two is given. What the throttle counts on its fallback is forgotten too. `done` is
  // called once, on any thread, with how many there were.
  using ResetDone = std::function<void(const absl::Status& status, int64_t keys_reset)>;
  void ResetAll(const absl::optional<std::string>& throttle,
                const absl::optional<std::string>& tenant, int64_t now_us, ResetDone done);

  // Forgets what was counted in this process's memory while the backend of this name failed: to be
  // called when it works again. Best effort: what a fallback does not forget just then ages out. It
  // walks through the counters of a fallback in memory once for each throttle, so not on a thread
  // that decides.
  void ForgetFallbacks(absl::string_view backend, int64_t now_us);

  // Takes the place of the override of the same throttle. NOT_FOUND for a throttle that is not
  // there, INVALID_ARGUMENT when its strategy cannot have the rate. One that has ended by `now_us`
  // takes the other away.
  absl::Status SetOverride(const Override& override, int64_t now_us);
  // Those in force at that instant.
  std::vector<Override> overrides(int64_t now_us) const;

 private:
  friend class Call;
  friend class ThrottleCall;
  friend class DescriptorCall;
  friend class ResetCall;

  std::shared_ptr<const Snapshot> snapshot() const;
  void Swap(std::shared_ptr<const PolicySet> policy, std::vector<std::shared_ptr<Backend>> backends,
            std::vector<Override> overrides);

  // False, and the call is finished, when it cannot be decided at all.
  bool Admit(Call& call);
  // Starts on lines that are matched.
  void Begin(Call& call);
  // Asks the next backend, or finishes the call when all have answered.
  void Advance(Call& call);
  // For the line and all others of its backend and unit.
  void Ask(Call& call, const Line& first);
  // Has the backend decide what stands in the call's list of charges.
  void Send(Call& call, size_t backend);
  void Answered(Call& call, const absl::Status& status);
  // Sends the lines whose backend failed to their fallbacks.
  void FallBack(Call& call);
  // Takes back what was charged, one backend and unit at a time, while the deadline leaves time for
  // it, and leaves the rest to the refunds; then the call is finished.
  void SettleBack(Call& call);
  void Settled(Call& call, const absl::Status& status);
  void KeepRefunds(Call& call, const absl::Status& why);
  void Finish(Call& call);

  void AdvanceReset(ResetCall& call);

  const HashSecret secret_;
  Observer& observer_;
  const Clock& clock_;
  Mutex publish_mutex_;  // held from reading a snapshot to putting the next in its place
  mutable Mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  Refunds refunds_;
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_LIMITER_H_
