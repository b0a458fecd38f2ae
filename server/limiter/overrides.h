// Changes of throttles for a while, which leave the configuration as it is.
#ifndef SLUICE_LIMITER_OVERRIDES_H_
#define SLUICE_LIMITER_OVERRIDES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "core/rate.h"
#include "policy/policy_set.h"

namespace sluice {

// Absent members stay as the configuration has them.
struct Override {
  std::string throttle;  // a uid, or `*` for all
  absl::optional<bool> enabled;
  absl::optional<bool> shadow;
  absl::optional<Rate> rate;      // in place of the throttle's, conditional or not
  absl::optional<uint64_t> cost;  // hits; the request's own still wins
  int64_t ends_at_us = 0;         // microseconds since the Unix epoch
};

// The overrides in force over one policy. Immutable. There is at most one for each uid and one for
// `*`; where both say something of a throttle, its own wins.
class Overrides {
 public:
  Overrides() = default;
  // What does not fit the policy (a throttle that is gone, a rate that its strategy cannot have)
  // has no effect.
  Overrides(const PolicySet& policy, std::vector<Override> list);

  // Whether the override can be made: the throttle exists, and its strategy can have the rate.
  static absl::Status Check(const PolicySet& policy, const Override& override);

  // The throttle as it is at that instant.
  const Throttle& Effective(const Throttle& throttle, int64_t now_us) const {
    return changed_.empty() ? throttle : Find(throttle, now_us);
  }
  const std::vector<Override>& list() const { return list_; }

 private:
  // Holds until `ends_at_us`.
  struct Variant {
    int64_t ends_at_us;
    std::unique_ptr<const Throttle> throttle;
  };
  const Throttle& Find(const Throttle& throttle, int64_t now_us) const;
  void Add(const Throttle& throttle, const std::vector<const Override*>& overrides);

  std::vector<Override> list_;
  absl::flat_hash_map<const Throttle*, std::vector<Variant>> changed_;  // soonest end first
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_OVERRIDES_H_
