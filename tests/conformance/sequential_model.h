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
      verdicts[i] = charge.limit.Settle(Cell(charge), now_us, charge.amount);
      Cell(charge) = verdicts[i].registers;
    }
    const bool passes = Judge(charges, kGroup, now_us, verdicts);
    if (passes) TakeInOrder(charges, kGroup, now_us, verdicts);
    Judge(charges, kFollows, now_us, verdicts);
    if (passes) TakeInOrder(charges, kFollows, now_us, verdicts);
    return verdicts;
  }

 private:
  using Part = std::set<Mode>;
  static inline const Part kGroup = {Mode::kTake, Mode::kLook};
  static inline const Part kFollows = {Mode::kFollow};

  static std::string Name(const Charge& charge) { return std::string(charge.key.bytes()); }
  Registers& Cell(const Charge& charge) { return cells_[Name(charge)]; }

  bool Judge(const std::vector<Charge>& charges, const Part& part, int64_t now_us,
             std::vector<Verdict>& verdicts) {
    std::map<std::string, int64_t> sums;
    for (const Charge& charge : charges) {
      if (part.count(charge.mode) == 0) continue;
      int64_t& sum = sums[Name(charge)];
      sum = std::min(sum + std::min(charge.amount, kMaxAmount), kMaxAmount);
    }
    bool passes = true;
    for (size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      if (part.count(charge.mode) == 0) continue;
      verdicts[i] = charge.limit.Step(Cell(charge), now_us, sums[Name(charge)], false);
      passes = passes && verdicts[i].allowed;
    }
    return passes;
  }

  void TakeInOrder(const std::vector<Charge>& charges, const Part& part, int64_t now_us,
                   std::vector<Verdict>& verdicts) {
    std::map<std::string, int64_t> taken;
    std::map<std::string, Registers> before = cells_;
    for (size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      if (part.count(charge.mode) == 0) continue;
      if (!verdicts[i].allowed) {
        const int64_t wait_us = verdicts[i].wait_us;
        verdicts[i] = charge.limit.Step(Cell(charge), now_us, 0, false);
        verdicts[i].allowed = false;
        verdicts[i].wait_us = wait_us;
        continue;
      }
      const bool takes = charge.mode != Mode::kLook && charge.amount > 0;
      int64_t& total = taken[Name(charge)];
      if (takes) total += charge.amount;
      verdicts[i] = charge.limit.Step(before[Name(charge)], now_us, total, total > 0);
      verdicts[i].taken = takes;
      if (takes) Cell(charge) = verdicts[i].registers;
    }
  }

  std::map<std::string, Registers> cells_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_SEQUENTIAL_MODEL_H_
