// Loads the policy again when its files change.
#ifndef SLUICE_POLICY_POLICY_WATCHER_H_
#define SLUICE_POLICY_POLICY_WATCHER_H_

#include <cstdint>
#include <memory>

#include "policy/policy_source.h"

namespace sluice {

// Calls CheckForChange() on a thread of its own, until it is destroyed. That waits for a load that
// is under way, and for nothing else.
class PolicyWatcher {
 public:
  virtual ~PolicyWatcher() = default;
};

// Milliseconds.
struct WatchOptions {
  // However little the system tells of changes, they are looked for this often.
  int poll_ms = 2000;
  // Whoever writes several files, or one in pieces, is waited for until nothing has happened for
  // so long.
  int quiet_ms = 50;
};

// The source outlives the watcher. The folders of all that a policy was read from are watched, so
// that files which are replaced, and Kubernetes' swaps of symlinks, are seen.
std::unique_ptr<PolicyWatcher> WatchPolicy(PolicySource& source, WatchOptions options = {});

}  // namespace sluice

#endif  // SLUICE_POLICY_POLICY_WATCHER_H_
