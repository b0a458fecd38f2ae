// How many histories a run of the laws judges, from which seed, and the account that it gives.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_LAW_RUN_H_
#define SLUICE_TESTS_UNIT_STRATEGY_LAW_RUN_H_

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// SLUICE_LAW_CASES says how many histories a strategy is given, over all of its `properties`, and
// SLUICE_LAW_SEED which; without a seed they are fresh ones. RC_PARAMS, which RapidCheck reads
// once, before its first property, wins over both.
class LawRun final : public ::testing::Environment {
 public:
  explicit LawRun(int properties) : properties_(properties) {}

  void SetUp() override;
  // Tells how many histories each strategy was given, and how to see them again.
  void TearDown() override;

  // One history more, of which a law says something.
  void Count(absl::string_view strategy) { ++cases_[std::string(strategy)]; }

 private:
  const int properties_;
  std::map<std::string, int> cases_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_LAW_RUN_H_
