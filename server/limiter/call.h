// A request on its way through the limiter: what is asked, what becomes of each line, the answer.
#ifndef SLUICE_LIMITER_CALL_H_
#define SLUICE_LIMITER_CALL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "backend/backend.h"
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
  Rate rate = Rate::Unlimited();
  size_t backend = 0;                 // index into PolicySet::backends
  uint32_t unit = 0;                  // of that backend (Backend::Unit), if there are other lines
  const OnError* on_error = nullptr;  // stands where `limit` does

  // The answer. The verdict is written when `limit` is set and the backend answered.
  Outcome outcome = Outcome::kAllowed;
  Verdict verdict;
  bool judged = false;  // whether the verdict is written

  // How far the limiter has come with it.
  enum class Stage : uint8_t {
    kWaiting,
    kAsked,
    kAnswered,
    kFailed,   // its backend did; `on_error` says what holds
    kUnasked,  // its backend failed, and another line denies: the fallback need not be asked
  };
  Stage stage = Stage::kWaiting;
  bool fell_back = false;  // whether `backend` is the fallback, and `key` its counter

  // Whether it may stand in the way of the other lines.
  bool enforced() const { return !shadow && mode != Mode::kSettle; }
};

// The part that both kinds of requests share. The caller's object: handed to Limiter::Decide once,
// and untouched until Finish. All views live until then.
class Call : public Decision {
 public:
  // Exactly once, on any thread, maybe before Decide returns. OK: lines() are answered. NOT_FOUND,
  // UNAVAILABLE and others: nothing was charged; the status carries `sluice/reason` and what it
  // speaks of as payloads. The call may be destroyed within.
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
  bool settling_ = false;  // taking back what was charged, because the request is denied
  absl::InlinedVector<Line, 2> lines_;
  absl::InlinedVector<Charge, 2> charge_list_;
  absl::InlinedVector<Verdict, 2> verdict_list_;
  bool allowed_ = true;
  const Line* limited_by_ = nullptr;
  int64_t wait_us_ = 0;
};

// What a caller or a gateway says of its request. Views, which live until it is answered.
struct ThrottleRequest {
  using Pair = std::pair<absl::string_view, absl::string_view>;
  enum class Verb { kHit, kCheck, kStat };

  Verb verb = Verb::kHit;
  // The throttles are those that apply to the request; `throttles` is not read, and what a rule
  // bypasses has no line.
  bool gateway = false;
  absl::InlinedVector<absl::string_view, 4> throttles;
  absl::string_view identifier;
  absl::string_view tenant;  // empty: the policy or the caller's credentials say
  absl::optional<uint64_t> cost;
  absl::InlinedVector<std::pair<absl::string_view, uint64_t>, 2> costs;  // by throttle
  // `method`, `path`, `remote_address` and `header.NAME` among them. Of two with one key the first
  // counts.
  absl::InlinedVector<Pair, 8> context;
  absl::InlinedVector<Pair, 8> headers;  // by name, in any case
  // Who the caller is known to be; empty without credentials.
  absl::Span<const std::string> identities;
  bool any_tenant = false;  // whoever it is may act for any
};

// Throttles asked for by name, or all that apply to a gateway's request.
class ThrottleCall : public Call, public ThrottleRequest {
 public:
  // The row that stood for the tenant; its name is "*" for tenants without one.
  const Tenant& tenant_row() const { return *tenant_row_; }

 private:
  friend class Limiter;
  void Observe(Limiter& limiter) const final;

  const Tenant* tenant_row_ = nullptr;
};

// Forget the state of an identifier under the named throttles. As Call is: handed to
// Limiter::Reset once, and untouched until Finish.
class ResetCall : public Forgetting, public ThrottleRequest {
 public:
  // Exactly once, on any thread. OK: the counters are gone, and keys_reset() of them existed. The
  // call may be destroyed within.
  virtual void Finish(absl::Status status) = 0;
  int64_t keys_reset() const { return keys_reset_; }

 private:
  friend class Limiter;
  void Done(absl::Status status) final;

  Limiter* limiter_ = nullptr;
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<std::pair<size_t, CounterKey>> left_;  // backend and key, in the backends' order
  std::vector<CounterKey> asked_;
  size_t backend_ = 0;  // which is asked now
  int64_t keys_reset_ = 0;
};

// Descriptors of an Envoy rate limit domain.
struct DescriptorRequest {
  struct Ask {
    absl::InlinedVector<DescriptorEntry, 4> entries;
    absl::optional<Rate> override_rate;  // used instead of the configured limit
    int64_t amount = 1;                  // signed for kSettle
    Mode mode = Mode::kTake;             // kTake, kLook or kSettle
  };

  absl::string_view domain;
  absl::InlinedVector<Ask, 2> asks;
  // Who the caller is known to be; empty without credentials.
  absl::Span<const std::string> identities;
};

class DescriptorCall : public Call, public DescriptorRequest {
 public:
  // nullptr: the domain is not known.
  const Domain* domain_row() const { return domain_row_; }

 private:
  friend class Limiter;
  void Observe(Limiter& limiter) const final;

  const Domain* domain_row_ = nullptr;
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_CALL_H_
