// Strategies with a bug planted, and the laws that must find it.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_PLANTED_H_
#define SLUICE_TESTS_UNIT_STRATEGY_PLANTED_H_

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/unit/strategy/any_case.h"
#include "tests/unit/strategy/laws.h"

namespace sluice {

// The judge of a limit, with a bug.
using Plant = std::function<Judge(const Spec& spec)>;

inline Judge WithoutABug(const Spec& spec) { return JudgeOf(*spec.Create()); }

inline const Law& LawNamed(absl::string_view name) {
  return *std::find_if(Laws().begin(), Laws().end(),
                       [&](const Law& law) { return law.name == name; });
}

// How many of so many random histories show that what was planted breaks the law.
inline int Breaches(absl::string_view law, const std::string& strategy, int histories,
                    const Plant& plant) {
  const rc::Gen<Case> cases = AnyCase(strategy);
  int breaches = 0;
  for (int i = 0; i < histories; ++i) {
    const Case one = cases(rc::Random(static_cast<uint64_t>(i)), rc::kNominalSize).value();
    if (!LawNamed(law).applies(one.spec)) continue;
    if (LawNamed(law).breach(plant(one.spec), one) != "") ++breaches;
  }
  return breaches;
}

inline void ExpectFound(absl::string_view law, absl::string_view strategy, const Plant& plant) {
  constexpr int kHistories = 50;
  const std::string name(strategy);
  EXPECT_EQ(Breaches(law, name, kHistories, &WithoutABug), 0) << "there is no bug yet";
  EXPECT_GT(Breaches(law, name, kHistories, plant), 0) << law << " does not bite " << strategy;
}

// A bug in what Step tells.
template <class Change>
Plant Telling(const Change& change) {
  return [change](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.step = [change, spec, step = judge.step](const Counter& counter, int64_t now_us,
                                                   int64_t cost, bool take,
                                                   const std::string& label) {
      Verdict verdict = step(counter, now_us, cost, take, label);
      change(spec, take, verdict);
      return verdict;
    };
    return judge;
  };
}

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_PLANTED_H_
