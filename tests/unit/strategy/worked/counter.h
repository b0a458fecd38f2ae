// One counter under one limit, for worked examples. Seconds are virtual and start at 0, the epoch.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_WORKED_COUNTER_H_
#define SLUICE_TESTS_UNIT_STRATEGY_WORKED_COUNTER_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "core/charge.h"
#include "core/log.h"
#include "core/rate.h"
#include "strategy/limit.h"

namespace sluice {

// Microseconds.
constexpr int64_t Seconds(double s) { return static_cast<int64_t>(s * 1e6); }

class Counter {
 public:
  Counter(absl::string_view strategy, absl::string_view rate, const Params& params = {})
      : limit_(*Limit::Create(strategy, *Rate::Parse(rate), params)) {}

  // As a reload does.
  void ReplaceLimit(absl::string_view strategy, absl::string_view rate) {
    limit_ = *Limit::Create(strategy, *Rate::Parse(rate), {});
  }

  // `label`: the value of the context key that the strategy reads.
  Verdict Hit(double at_s, int64_t cost = 1, absl::string_view label = "") {
    return Store(limit_.Step(State(label), Seconds(at_s), cost, true, limit_.TagOf(label)), label);
  }
  Verdict Look(double at_s, int64_t cost = 1, absl::string_view label = "") {
    return limit_.Step(State(label), Seconds(at_s), cost, false, limit_.TagOf(label));
  }
  Verdict Settle(double at_s, int64_t amount, absl::string_view label = "") {
    return Store(limit_.Settle(State(label), Seconds(at_s), amount, limit_.TagOf(label)), label);
  }

  // How many of `hits` of 1 at one instant pass.
  int Admitted(double at_s, int hits, absl::string_view label = "") {
    int admitted = 0;
    for (int i = 0; i < hits; ++i) admitted += Hit(at_s, 1, label).allowed ? 1 : 0;
    return admitted;
  }
  int64_t Remaining(double at_s, absl::string_view label = "") {
    return Look(at_s, 1, label).remaining;
  }

 private:
  struct Kept {
    Registers registers{};
    DequeLog log;
  };

  Kept& Of(absl::string_view label) {
    return kept_[std::string(limit_.SplitOf(limit_.TagOf(label)))];
  }
  CounterState State(absl::string_view label) { return {Of(label).registers, &Of(label).log}; }
  Verdict Store(const Verdict& verdict, absl::string_view label) {
    if (verdict.changes) {
      Of(label).registers = verdict.registers;
      Of(label).log.Apply(verdict.edit);
    }
    return verdict;
  }

  Limit limit_;
  std::map<std::string, Kept> kept_;  // by tier
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_WORKED_COUNTER_H_
