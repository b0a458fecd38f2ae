// Policies from literals.
#ifndef SLUICE_TESTS_FAKES_POLICIES_H_
#define SLUICE_TESTS_FAKES_POLICIES_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "policy/loader.h"

namespace sluice {

// nullptr and failures of the test when the text is not a valid policy.
inline std::shared_ptr<const PolicySet> PolicyOf(absl::string_view text, uint64_t generation = 1) {
  PolicyResult result = LoadPolicyText("test.yaml", text, generation);
  for (const PolicyError& error : result.errors) ADD_FAILURE() << error.ToString();
  return std::move(result.policy);
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_POLICIES_H_
