// How many cases RapidCheck draws for each property of a test program.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_CASE_COUNT_H_
#define SLUICE_TESTS_UNIT_STRATEGY_CASE_COUNT_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"

namespace sluice {

// RapidCheck has no other way in than its variable, which it reads once, before its first property.
// What the caller has set wins.
class CaseCount final : public ::testing::Environment {
 public:
  explicit CaseCount(int cases) : params_(absl::StrCat("max_success=", cases)) {}
  void SetUp() override { setenv("RC_PARAMS", params_.c_str(), /*overwrite=*/0); }

 private:
  const std::string params_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_CASE_COUNT_H_
