// A decision whose answer a test can wait for.
#ifndef SLUICE_TESTS_FAKES_AWAITED_DECISION_H_
#define SLUICE_TESTS_FAKES_AWAITED_DECISION_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "core/charge.h"
#include "tests/fakes/awaited.h"

namespace sluice {

// Owns its charges (not their keys and limits) and its verdicts.
class AwaitedDecision final : public Awaited<Decision> {
 public:
  AwaitedDecision(std::vector<Charge> wanted, int64_t at_us)
      : charges_(std::move(wanted)), verdicts_(charges_.size()) {
    charges = charges_;
    verdicts = absl::MakeSpan(verdicts_);
    now_us = at_us;
  }

  // To be read once answered.
  const std::vector<Verdict>& verdicts_told() const { return verdicts_; }

 private:
  std::vector<Charge> charges_;
  std::vector<Verdict> verdicts_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_AWAITED_DECISION_H_
