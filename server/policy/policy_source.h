// Where the policy comes from, and how it is loaded again while it is in use.
#ifndef SLUICE_POLICY_POLICY_SOURCE_H_
#define SLUICE_POLICY_POLICY_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "policy/loader.h"

namespace sluice {

// What came of one attempt to load.
struct PolicyLoad {
  std::shared_ptr<const PolicySet> policy;  // nullptr iff there are errors
  std::vector<PolicyError> errors;
  std::vector<PolicyError> warnings;
  bool restored = false;  // nothing new: the files hold again what is loaded
};

struct PolicyStatus {
  std::shared_ptr<const PolicySet> policy;  // that decides; nullptr before the first
  int64_t loaded_at_us = 0;
  // The files hold something else, that could not be loaded; `errors` say why.
  bool stale = false;
  std::vector<PolicyError> errors;
  uint64_t successes = 0;  // loads
  uint64_t failures = 0;
};

// Thread-safe. Loads wait for each other, and no lock is held while one reads files or calls back.
class PolicySource {
 public:
  // What loads, as LoadPolicyFile does. `generation` is what the policy gets.
  using Load = std::function<PolicyResult(uint64_t generation)>;
  // Puts a policy to use. When it refuses, the policy before goes on, and the reason is an error
  // like those of the files.
  using Publish = std::function<absl::Status(std::shared_ptr<const PolicySet> policy)>;
  // Hears of every attempt, when status() already tells of it.
  using Report = std::function<void(const PolicyLoad& load)>;

  // The clock outlives the source. The callbacks come on the thread that loads, one at a time, and
  // must not load themselves.
  PolicySource(Load load, Publish publish, Report report, const Clock& clock)
      : load_(std::move(load)),
        publish_(std::move(publish)),
        report_(std::move(report)),
        clock_(clock) {}

  // Loads; a policy that is published has the next generation, also when nothing has changed.
  PolicyLoad Reload();
  // Loads when what the policy was read from is not what it was at the last attempt, good or bad.
  // When it is again what is loaded, that only ends being stale. nullopt: nothing has changed.
  absl::optional<PolicyLoad> CheckForChange();

  PolicyStatus status() const;
  // The folders in which a change would show.
  std::vector<std::string> folders() const;

 private:
  // Waits for its turn, and gives it back.
  class Turn;

  PolicyLoad LoadInTurn();
  PolicyLoad Restore();
  void Keep(const PolicyLoad& load, PolicyInputs inputs);

  const Load load_;
  const Publish publish_;
  const Report report_;
  const Clock& clock_;

  mutable Mutex mutex_;
  CondVar turn_over_;
  bool loading_ ABSL_GUARDED_BY(mutex_) = false;
  PolicyInputs tried_ ABSL_GUARDED_BY(mutex_);   // of the last attempt
  PolicyInputs loaded_ ABSL_GUARDED_BY(mutex_);  // of the policy that decides
  PolicyStatus status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice

#endif  // SLUICE_POLICY_POLICY_SOURCE_H_
