// What is asked of a backend, and what it answers.
#ifndef SLUICE_CORE_CHARGE_H_
#define SLUICE_CORE_CHARGE_H_

#include <array>
#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/key.h"
#include "core/log.h"

namespace sluice {

class Limit;  // strategy/limit.h

enum class Mode {
  kTake,    // all of these or none
  kFollow,  // shadow: taken iff it and the group pass, never in the way
  kLook,    // answers, takes nothing (Check, Stat, an addend of 0)
  kSettle,  // signed, always applied, outside the group (refund, cost known afterwards)
};

// One line of what is to be decided. `amount` is in hits, at most 2^52 (kMaxAmount) of them, and at
// least 0 unless the mode is kSettle: then at least -2^52.
struct Charge {
  const CounterKey& key;
  const Limit& limit;
  int64_t amount;
  Mode mode;
  // What the strategy has read from the request, as Limit::TagOf() gave it.
  int tag = 0;
};

// A wait or a reset that never comes.
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

inline constexpr int kMaxRegisters = 6;
using Registers = std::array<int64_t, kMaxRegisters>;

// The answer to one charge.
struct Verdict {
  // Whether this charge passes, whatever became of the group. kSettle: whether the counter is
  // within its limit and the amount fitted.
  bool allowed = false;
  // Whether it was charged.
  bool taken = false;
  // Whether the counter is changed by it: it was charged, or its denial counts (count_denied).
  bool changes = false;
  // The largest cost that passes now, after the decision and the charges before it on the same key.
  int64_t remaining = 0;
  // The same for whom the least remains: with priorities, the lowest.
  int64_t tightest = 0;
  // Microseconds from `now_us` until the same charge can pass, or after a kSettle until the counter
  // is within its limit again; 0 when allowed; kNever.
  int64_t wait_us = 0;
  // Microseconds from `now_us` until the state is as if never used.
  int64_t reset_us = 0;
  // The instant at which it was decided, in microseconds since the Unix epoch.
  int64_t now_us = 0;
  // That of the charge.
  int tag = 0;
  // The counter after the decision; what the metadata is made of. Behind the strategy's registers
  // may stand what is only told, and not stored.
  Registers registers{};
  // What becomes of the counter's log, if it keeps one. Only a backend that keeps logs in this
  // process fills it.
  LogEdit edit{};
};

// A counter as a step finds it.
struct CounterState {
  Registers registers{};     // all zero: never used
  const Log* log = nullptr;  // null: no entries
};

// A request's charges together, decided at one instant. The caller's object: goes down once, comes
// up once. No copy, no allocation; a backend may link it into its queues.
//
// A settle is applied first. The takes pass iff every take and every look passes; otherwise none of
// them is taken. Takes and looks on one key are judged on the sum of their amounts. Follows come
// last and are judged on what the takes left, those on one key on the sum of their amounts as well;
// each that passes is taken if the takes and looks pass. With different limits on one key, each is
// judged by its own on the sum. A take or a follow of 0 is a look: the key's time stays as it is.
class Decision {
 public:
  Decision() = default;
  Decision(const Decision&) = delete;
  Decision& operator=(const Decision&) = delete;
  virtual ~Decision() = default;

  // Exactly once, on any thread; before Decide returns (memory) or later (Redis). OK: `verdicts`
  // are written. An error: nothing is known to have been charged, and `verdicts` mean nothing.
  // The decision may be destroyed within.
  virtual void Done(absl::Status status) = 0;

  // These live until Done, and there is a verdict for each charge.
  absl::Span<const Charge> charges;
  absl::Span<Verdict> verdicts;
  // Microseconds since the Unix epoch. A backend with a clock of its own ignores `now_us`.
  int64_t now_us = 0;
  int64_t deadline_us = kNever;
};

}  // namespace sluice

#endif  // SLUICE_CORE_CHARGE_H_
