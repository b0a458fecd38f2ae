// Between the numbers of a step and what its caller keeps and sees.
#ifndef SLUICE_STRATEGY_VERDICT_H_
#define SLUICE_STRATEGY_VERDICT_H_

#include <algorithm>

#include "core/charge.h"
#include "strategy/step.h"

namespace sluice {

template <int K>
Cell<int64_t, K> ToCell(const Registers& registers) {
  Cell<int64_t, K> cell;
  std::copy_n(registers.begin(), K, cell.reg.begin());
  return cell;
}

// Times are still in ticks.
template <int K>
Verdict ToVerdict(const StepResult<int64_t, K>& result) {
  Verdict verdict;
  verdict.allowed = result.allowed;
  verdict.changes = result.changes;
  verdict.remaining = verdict.tightest = result.remaining;
  verdict.wait_us = result.wait;
  verdict.reset_us = result.reset;
  std::copy(result.cell.reg.begin(), result.cell.reg.end(), verdict.registers.begin());
  return verdict;
}

}  // namespace sluice

#endif  // SLUICE_STRATEGY_VERDICT_H_
