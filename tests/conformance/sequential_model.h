// What a backend must do, said as slowly and plainly as possible.
#ifndef SLUICE_TESTS_CONFORMANCE_SEQUENTIAL_MODEL_H_
#define SLUICE_TESTS_CONFORMANCE_SEQUENTIAL_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <map>
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
    const bool passes = Group(charges, now_us, verdicts);
    for (size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      if (charge.mode != Mode::kFollow) continue;
      verdicts[i] = charge.limit.Step(Cell(charge), now_us, charge.amount, passes);
      if (verdicts[i].taken) Cell(charge) = verdicts[i].registers;
    }
    return verdicts;
  }

 private:
  static std::string Name(const Charge& charge) { return std::string(charge.key.bytes()); }
  static bool InGroup(const Charge& charge) {
    return charge.mode == Mode::kTake || charge.mode == Mode::kLook;
  }
  Registers& Cell(const Charge& charge) { return cells_[Name(charge)]; }

  bool Group(const std::vector<Charge>& charges, int64_t now_us, std::vector<Verdict>& verdicts) {
    std::map<std::string, int64_t> sums;
    for (const Charge& charge : charges) {
      int64_t& sum = sums[Name(charge)];
      if (InGroup(charge)) sum = std::min(sum + std::min(charge.amount, kMaxAmount), kMaxAmount);
    }
    bool passes = true;
    for (size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      if (!InGroup(charge)) continue;
      verdicts[i] = charge.limit.Step(Cell(charge), now_us, sums[Name(charge)], false);
      passes = passes && verdicts[i].allowed;
    }
    if (!passes) return false;

    std::map<std::string, int64_t> taken;
    const std::map<std::string, Registers> before = cells_;
    for (size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      if (!InGroup(charge)) continue;
      const bool takes = charge.mode == Mode::kTake;
      int64_t& total = taken[Name(charge)];
      if (takes) total += charge.amount;
      const bool any = takes || total > 0;
      verdicts[i] = charge.limit.Step(before.at(Name(charge)), now_us, total, any);
      verdicts[i].taken = takes;
      if (takes) Cell(charge) = verdicts[i].registers;
    }
    return true;
  }

  std::map<std::string, Registers> cells_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_SEQUENTIAL_MODEL_H_
