// What a backend must do, said as slowly and plainly as possible.
#ifndef SLUICE_TESTS_CONFORMANCE_SEQUENTIAL_MODEL_H_
#define SLUICE_TESTS_CONFORMANCE_SEQUENTIAL_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/charge.h"
#include "core/log.h"
#include "core/rate.h"
#include "strategy/limit.h"

namespace sluice {

// Never forgets a counter.
class SequentialModel {
 public:
  std::vector<Verdict> Decide(const std::vector<Charge>& charges, int64_t now_us) {
    std::vector<Verdict> verdicts(charges.size());
    for (size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      if (charge.mode != Mode::kSettle) continue;
      verdicts[i] = charge.limit.Settle(Of(charge).State(), now_us, charge.amount, charge.tag);
      Of(charge).Store(verdicts[i]);
    }
    const bool passes = Judge(charges, kGroup, now_us, verdicts);
    if (passes) {
      TakeInOrder(charges, kGroup, now_us, verdicts);
    } else {
      CountDenied(charges, kGroup, now_us, verdicts);
    }
    Judge(charges, kFollows, now_us, verdicts);
    if (passes) TakeInOrder(charges, kFollows, now_us, verdicts);
    return verdicts;
  }

 private:
  using Part = std::set<Mode>;
  static inline const Part kGroup = {Mode::kTake, Mode::kLook};
  static inline const Part kFollows = {Mode::kFollow};

  struct Counter {
    Registers registers{};
    DequeLog log;

    CounterState State() const { return {registers, &log}; }
    void Store(const Verdict& verdict) {
      registers = verdict.registers;
      log.Apply(verdict.edit);
    }
  };
  using Counters = std::map<std::string, Counter>;

  static std::string Name(const Charge& charge) { return std::string(charge.key.bytes()); }
  Counter& Of(const Charge& charge) { return counters_[Name(charge)]; }
  static bool Takes(const Charge& charge) {
    return charge.mode != Mode::kLook && charge.amount > 0;
  }

  bool Judge(const std::vector<Charge>& charges, const Part& part, int64_t now_us,
             std::vector<Verdict>& verdicts) {
    sums_.clear();
    for (const Charge& charge : charges) {
      if (part.count(charge.mode) == 0) continue;
      int64_t& sum = sums_[Name(charge)];
      sum = std::min(sum + std::min(charge.amount, kMaxAmount), kMaxAmount);
    }
    bool passes = true;
    for (size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      if (part.count(charge.mode) == 0) continue;
      verdicts[i] =
          charge.limit.Step(Of(charge).State(), now_us, sums_[Name(charge)], false, charge.tag);
      passes = passes && verdicts[i].allowed;
    }
    return passes;
  }

  // What a denied hit leaves behind under count_denied; the others leave nothing.
  void CountDenied(const std::vector<Charge>& charges, const Part& part, int64_t now_us,
                   std::vector<Verdict>& verdicts) {
    const Counters before = counters_;
    for (size_t i = 0; i < charges.size(); ++i) {
      if (part.count(charges[i].mode) == 0) continue;
      CountDenial(charges[i], before, now_us, verdicts[i]);
    }
  }

  // Whether it counted.
  bool CountDenial(const Charge& charge, const Counters& before, int64_t now_us, Verdict& verdict) {
    if (verdict.allowed || !Takes(charge)) return false;
    const auto found = before.find(Name(charge));
    const Counter counter = found == before.end() ? Counter() : found->second;
    const Verdict denied =
        charge.limit.Step(counter.State(), now_us, sums_[Name(charge)], true, charge.tag);
    if (!denied.changes) return false;
    verdict = denied;
    Of(charge) = counter;
    Of(charge).Store(denied);
    return true;
  }

  void TakeInOrder(const std::vector<Charge>& charges, const Part& part, int64_t now_us,
                   std::vector<Verdict>& verdicts) {
    std::map<std::string, int64_t> taken;
    const Counters before = counters_;
    for (size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      if (part.count(charge.mode) == 0) continue;
      if (CountDenial(charge, before, now_us, verdicts[i])) continue;
      if (!verdicts[i].allowed) {
        const int64_t wait_us = verdicts[i].wait_us;
        verdicts[i] = charge.limit.Step(Of(charge).State(), now_us, 0, false, charge.tag);
        verdicts[i].allowed = false;
        verdicts[i].wait_us = wait_us;
        continue;
      }
      const bool takes = Takes(charge);
      int64_t& total = taken[Name(charge)];
      if (takes) total += charge.amount;
      const auto found = before.find(Name(charge));
      const Counter counter = found == before.end() ? Counter() : found->second;
      verdicts[i] = charge.limit.Step(counter.State(), now_us, total, total > 0, charge.tag);
      verdicts[i].taken = verdicts[i].changes = takes;
      if (!takes) continue;
      Of(charge) = counter;
      Of(charge).Store(verdicts[i]);
    }
  }

  Counters counters_;
  std::map<std::string, int64_t> sums_;  // of the part judged last
};

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_SEQUENTIAL_MODEL_H_
