#include "tests/unit/strategy/law_run.h"

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/fakes/thousands.h"

namespace sluice {
namespace {

constexpr char kRapidCheckParams[] = "RC_PARAMS";

uint64_t FreshSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

uint64_t NumberIn(const char* variable, uint64_t absent) {
  const char* text = std::getenv(variable);
  uint64_t number = 0;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : absent;
}

}  // namespace

void LawRun::SetUp() {
  const uint64_t cases = NumberIn("SLUICE_LAW_CASES", SLUICE_LAW_CASES);
  const uint64_t each = (cases + properties_ - 1) / properties_;
  const std::string params =
      absl::StrCat("seed=", NumberIn("SLUICE_LAW_SEED", FreshSeed()), " max_success=", each);
  setenv(kRapidCheckParams, params.c_str(), /*overwrite=*/0);
}

void LawRun::TearDown() {
  for (const auto& [strategy, cases] : cases_) {
    std::cout << strategy << ": " << WithThousands(cases) << " cases, " << kRapidCheckParams << "='"
              << std::getenv(kRapidCheckParams) << "'" << std::endl;
  }
}

}  // namespace sluice
