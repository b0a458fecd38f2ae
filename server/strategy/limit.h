// A validated strategy with its parameters: what a counter is judged by.
#ifndef SLUICE_STRATEGY_LIMIT_H_
#define SLUICE_STRATEGY_LIMIT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/charge.h"
#include "core/rate.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/step.h"

namespace sluice {

// A strategy with its parameters, its type erased.
class BoundStrategy;

// No finite wait or reset is longer: 146,000 years, so that it can be added to any instant.
inline constexpr int64_t kFarOffUs = int64_t{1} << 62;

// Immutable; cheap to copy.
class Limit {
 public:
  // The only way in. `rate` is not unlimited. The error names what is wrong and what would be
  // right; when it is about parameters, it is all of theirs, and ParamErrorsOf() tells them apart.
  //
  // Chooses the tick: the smallest of 1 us, 1 ms and 1 s that divides the period and every duration
  // among the parameters, and keeps every product of the steps below 2^52.
  static absl::StatusOr<Limit> Create(absl::string_view strategy, const Rate& rate,
                                      const Params& params = {});

  absl::string_view strategy() const;
  const Rate& rate() const { return rate_; }
  int64_t tick_us() const { return tick_us_; }
  // Registers in use, 1 to kMaxRegisters.
  int registers() const;
  // Whether its counters keep a log beside their registers.
  bool keeps_log() const;
  // Limits of one shape can share a counter: strategy, version, period and tick.
  const std::string& shape() const { return shape_; }
  // What is worth a warning though it works; empty: nothing.
  std::string warning() const;

  // The context key that it reads of a request; empty: none.
  absl::string_view context_key() const;
  // What the value of that key means to it, for Charge::tag. An empty value is an absent key.
  int TagOf(absl::string_view value) const;
  // What a tag adds to the counter's key: charges that differ in it have counters of their own.
  // Empty: nothing.
  absl::string_view SplitOf(int tag) const;

  // The largest cost that can ever pass.
  int64_t most(int tag = 0) const { return terms(tag).most; }
  const Terms<int64_t>& terms(int tag = 0) const;
  // Microseconds from `now_us` to the end of the epoch-aligned window it lies in; 0 for strategies
  // without such windows.
  int64_t WindowEndsIn(int64_t now_us) const;

  // Judges `cost` (0 to kMaxAmount) against a counter at `now_us` (microseconds since the epoch)
  // and takes it if `take` and it passes. `changes` tells whether `registers` and `edit` are to be
  // stored.
  Verdict Step(const CounterState& found, int64_t now_us, int64_t cost, bool take,
               int tag = 0) const;
  // Moves a counter by a signed amount, whatever it holds; always to be stored.
  Verdict Settle(const CounterState& found, int64_t now_us, int64_t amount, int tag = 0) const;

  // For whoever has the step run elsewhere (script.h), in ticks. The terms at an instant; they
  // differ from terms() where calendar() is true, and hold for a while around it.
  bool calendar() const;
  Terms<int64_t> TermsAround(int tag, int64_t around) const;
  // Makes a verdict of what the step told: its times are in ticks, and it holds the instant, the
  // tag, and all but the times of the answer. With a calendar, `judged` and `cost` are the
  // registers and the cost of the step that denied it.
  void TakeTold(const Registers& judged, int64_t cost, Verdict& verdict) const;

  // The strategy's own metadata of a verdict that this limit gave.
  void Describe(const Verdict& verdict, MetadataSink& sink) const;

 private:
  Limit(std::shared_ptr<const BoundStrategy> bound, const Rate& rate)
      : bound_(std::move(bound)), rate_(rate) {}
  // Most ticks are microseconds, and a division is half of what a step costs.
  int64_t InTicks(int64_t us) const { return tick_us_ == 1 ? us : us / tick_us_; }
  void ToMicroseconds(int64_t now_us, int tag, Verdict& verdict) const;

  std::shared_ptr<const BoundStrategy> bound_;
  Rate rate_;
  int64_t tick_us_ = 1;
  int64_t far_off_ = kFarOffUs;  // ticks
  std::string shape_;
};

// Names of the strategies there are, in registry order.
const std::vector<absl::string_view>& StrategyNames();

// Whether the strategy has the parameter `count_denied`; false for an unknown one.
bool CountsDenied(absl::string_view strategy);

}  // namespace sluice

#endif  // SLUICE_STRATEGY_LIMIT_H_
