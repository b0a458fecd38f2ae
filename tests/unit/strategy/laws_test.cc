#include "tests/unit/strategy/laws.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/unit/strategy/any_case.h"
#include "tests/unit/strategy/law_run.h"
#include "tests/unit/strategy/reference/reference.h"

namespace sluice {
namespace {

std::vector<Law> LawsOfAnyCounter() {
  std::vector<Law> laws(Laws().begin(), Laws().end());
  std::erase_if(laws, [](const Law& law) { return !law.of_any_counter; });
  return laws;
}

LawRun& Account() {
  static LawRun& run = *new LawRun(static_cast<int>(Laws().size() + LawsOfAnyCounter().size()));
  return run;
}

const ::testing::Environment* const kRun = ::testing::AddGlobalTestEnvironment(&Account());

using LawOfStrategy = std::tuple<absl::string_view, Law>;

std::string NameOf(const ::testing::TestParamInfo<LawOfStrategy>& info) {
  return absl::StrCat(std::get<1>(info.param).name, "_of_", std::get<0>(info.param));
}

class LawsTest : public ::testing::TestWithParam<LawOfStrategy> {
 protected:
  std::string strategy() const { return std::string(std::get<0>(GetParam())); }
  const Law& law() const { return std::get<1>(GetParam()); }
};

TEST_P(LawsTest, HoldsOnAnyHistory) {
  const bool holds = rc::check([&] {
    const Case one = *AnyCase(strategy());
    if (!law().applies(one.spec)) return;
    Account().Count(strategy());
    RC_ASSERT(law().breach(JudgeOf(*one.spec.Create()), one) == "");
  });
  EXPECT_TRUE(holds);
}

// A reload, or `by:`, brings a counter under another limit of the same shape.
class ReloadTest : public LawsTest {};

TEST_P(ReloadTest, HoldsOnTheCounterOfAnotherLimit) {
  const bool holds = rc::check([&] {
    Case one = *AnyCase(strategy());
    const Limit before = *one.spec.Create();
    const Judge judge = JudgeOf(before);
    for (const Event& event : one.events) {
      one.found.Apply(event.kind == Kind::kSettle
                          ? judge.settle(one.found, one.start_us, event.amount, event.label)
                          : judge.step(one.found, one.start_us, event.amount, true, event.label));
    }
    one.spec = *SpecOfSameShape(one.spec);
    one.events = *AnyEvents(one.spec);
    if (!law().applies(one.spec)) return;
    Account().Count(strategy());
    const Limit after = *one.spec.Create();
    RC_ASSERT(after.shape() == before.shape());
    RC_ASSERT(law().breach(JudgeOf(after), one) == "");
  });
  EXPECT_TRUE(holds);
}

INSTANTIATE_TEST_SUITE_P(Strategies, LawsTest,
                         ::testing::Combine(::testing::ValuesIn(StrategyNames()),
                                            ::testing::ValuesIn(Laws().begin(), Laws().end())),
                         &NameOf);
INSTANTIATE_TEST_SUITE_P(Strategies, ReloadTest,
                         ::testing::Combine(::testing::ValuesIn(StrategyNames()),
                                            ::testing::ValuesIn(LawsOfAnyCounter())),
                         &NameOf);

TEST(LawsCoverage, EveryStrategyHasAModel) {
  for (absl::string_view name : StrategyNames()) {
    Spec spec;
    spec.strategy = std::string(name);
    EXPECT_NE(NewModel(spec, ""), nullptr) << name;
  }
}

// The list in CMakeLists.txt, from which ctest knows its runs.
TEST(LawsCoverage, EveryStrategyIsRun) {
  EXPECT_EQ(absl::StrJoin(StrategyNames(), " "), SLUICE_STRATEGIES);
}

}  // namespace
}  // namespace sluice
