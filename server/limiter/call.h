// A request on its way through the limiter: what is asked, what becomes of each line, the answer.
#ifndef SLUICE_LIMITER_CALL_H_
#define SLUICE_LIMITER_CALL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "core/charge.h"
#include "core/key.h"
#include "core/rate.h"
#include "policy/policy_set.h"
#include "strategy/limit.h"

namespace sluice {

class Limiter;
struct Snapshot;

// What became of one line; the numbers are those of sluice.v1.Outcome.
enum class Outcome {
  kAllowed = 1,
  kDenied = 2,
  kExempt = 3,
  kBypassed = 4,
  kNoCost = 5,
  kUnlimited = 6,
  kShadowDenied = 7,
  kErrorAllowed = 8,
  kErrorDenied = 9,
};

// Whether a line with this outcome denies the request.
inline bool Denies(Outcome outcome) {
  return outcome == Outcome::kDenied || outcome == Outcome::kErrorDenied;
}

// One throttle or descriptor of a request.
struct Line {
  // Which; exactly one of the two, but neither for a descriptor without a limit or with an
  // override.
  const Throttle* throttle = nullptr;
  const DescriptorLimit* descriptor = nullptr;

  // What to charge. No limit: the outcome was clear without a backend.
  const Limit* limit = nullptr;
  absl::optional<Limit> override;  // holds `limit` when the caller brought it along
  absl::optional<CounterKey> key;  // stands for kUnlimited too
  int64_t amount = 0;
  Mode mode = Mode::kTake;
  int tag = 0;  // what the strategy has read from the request
  bool shadow = false;

  // The answer. The verdict is written when `limit` is set and the backend answered.
  Outcome outcome = Outcome::kAllowed;
  Verdict verdict;
  bool judged = false;  // whether the verdict is written
};

// The part that both kinds of requests share. The caller's object: handed to Limiter::Decide once,
// and untouched until Finish. All views live until then.
class Call : public Decision {
 public:
  // Exactly once, on any thread, maybe before Decide returns. OK: lines() are answered. NOT_FOUND
  // and others: nothing was charged; the status carries `sluice/reason` and what it speaks of as
  // payloads. The call may be destroyed within.
  virtual void Finish(absl::Status status) = 0;

  const absl::InlinedVector<Line, 2>& lines() const { return lines_; }
  // No line denies.
  bool allowed() const { return allowed_; }
  // The first line that denies; nullptr when allowed.
  const Line* limited_by() const { return limited_by_; }
  // Microseconds until a retry can pass: the longest wait of the lines that deny; kNever.
  int64_t wait_us() const { return wait_us_; }
  // The policy that decided; of a call that got as far as lines.
  const PolicySet& policy() const;

 private:
  friend class Limiter;

  void Done(absl::Status status) final;
  // Tells the observer; each kind of call is counted in its own way.
  virtual void Observe(Limiter& limiter) const = 0;

  Limiter* limiter_ = nullptr;
  std::shared_ptr<const Snapshot> snapshot_;
  absl::InlinedVector<Line, 2> lines_;
  absl::InlinedVector<Charge, 2> charge_list_;
  absl::InlinedVector<Verdict, 2> verdict_list_;
  bool allowed_ = true;
  const Line* limited_by_ = nullptr;
  int64_t wait_us_ = 0;
};

// Throttles asked for by name.
class ThrottleCall : public Call {
 public:
  enum class Verb { kHit, kCheck, kStat };

  Verb verb = Verb::kHit;
  absl::InlinedVector<absl::string_view, 4> throttles;
  absl::string_view identifier;
  absl::string_view tenant;  // empty: the default tenant
  absl::optional<uint64_t> cost;
  absl::InlinedVector<std::pair<absl::string_view, uint64_t>, 2> costs;  // by throttle
  absl::InlinedVector<std::pair<absl::string_view, absl::string_view>, 8> context;

  // The row that stood for the tenant; its name is "*" for tenants without one.
  const Tenant& tenant_row() const { return *tenant_row_; }

 private:
  friend class Limiter;
  void Observe(Limiter& limiter) const final;

  const Tenant* tenant_row_ = nullptr;
};

// Descriptors of an Envoy rate limit domain.
class DescriptorCall : public Call {
 public:
  struct Ask {
    absl::InlinedVector<DescriptorEntry, 4> entries;
    absl::optional<Rate> override_rate;  // used instead of the configured limit
    int64_t amount = 1;                  // signed for kSettle
    Mode mode = Mode::kTake;             // kTake, kLook or kSettle
  };

  absl::string_view domain;
  absl::InlinedVector<Ask, 2> asks;

  // nullptr: the domain is not known.
  const Domain* domain_row() const { return domain_row_; }

 private:
  friend class Limiter;
  void Observe(Limiter& limiter) const final;

  const Domain* domain_row_ = nullptr;
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_CALL_H_
