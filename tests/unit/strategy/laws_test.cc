#include "tests/unit/strategy/laws.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/strategy/case_count.h"
#include "tests/unit/strategy/reference.h"

namespace sluice {
namespace {

const ::testing::Environment* const kCaseCount =
    ::testing::AddGlobalTestEnvironment(new CaseCount(500));

using LawOfStrategy = std::tuple<absl::string_view, Law>;

std::string NameOf(const ::testing::TestParamInfo<LawOfStrategy>& info) {
  return absl::StrCat(std::get<0>(info.param), "_", std::get<1>(info.param).name);
}

class LawsTest : public ::testing::TestWithParam<LawOfStrategy> {
 protected:
  std::string strategy() const { return std::string(std::get<0>(GetParam())); }
  const Law& law() const { return std::get<1>(GetParam()); }
};

TEST_P(LawsTest, HoldsOnAnyHistory) {
  const bool holds = rc::check([&] {
    const Case one = *AnyCase(strategy());
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
    for (const Event& event : one.events) {
      one.cell = before.Settle({one.cell}, one.start_us, event.amount).registers;
    }
    one.spec = *SpecOfSameShape(one.spec);
    one.events = *AnyEvents(one.spec);
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

std::vector<Law> LawsOfAnyCell() {
  std::vector<Law> laws(Laws().begin(), Laws().end());
  std::erase_if(laws, [](const Law& law) { return !law.of_any_cell; });
  return laws;
}

INSTANTIATE_TEST_SUITE_P(Strategies, ReloadTest,
                         ::testing::Combine(::testing::ValuesIn(StrategyNames()),
                                            ::testing::ValuesIn(LawsOfAnyCell())),
                         &NameOf);

// The same bucket in two words.
RC_GTEST_PROP(IdentityProperty, TokenBucketAndGcraOfOneBurstAdmitTheSame, ()) {
  const Case one = *AnyCase("token_bucket");
  Spec twin = one.spec;
  twin.strategy = "gcra";
  if (twin.burst == 0) twin.burst = twin.limit;
  RC_PRE(twin.limit > 0);
  const Limit bucket = *one.spec.Create();
  const Limit gcra = *twin.Create();
  Registers cell{};
  int64_t now_us = one.start_us;
  for (const Event& event : one.events) {
    now_us += event.by_us;
    const bool settles = event.kind == Kind::kSettle;
    const bool take = event.kind == Kind::kHit;
    const Verdict a = settles ? bucket.Settle({cell}, now_us, event.amount)
                              : bucket.Step({cell}, now_us, event.amount, take);
    const Verdict b = settles ? gcra.Settle({cell}, now_us, event.amount)
                              : gcra.Step({cell}, now_us, event.amount, take);
    RC_ASSERT(a.allowed == b.allowed);
    RC_ASSERT(a.remaining == b.remaining);
    RC_ASSERT(a.wait_us == b.wait_us);
    RC_ASSERT(a.reset_us == b.reset_us);
    RC_ASSERT(a.registers == b.registers);
    if (a.taken) cell = a.registers;
  }
}

// A bucket of 3/s that is emptied every 7.000001 s: a stored floor(P/L) would lose a third of a
// microsecond with each hit, which is 31 hits in the end.
TEST(ExactnessTest, ThreeASecondAreThreeASecondForAYear) {
  constexpr int64_t kGrainUs = 7'000'001;
  Spec spec;
  spec.strategy = "token_bucket";
  spec.limit = 3;
  spec.burst = 100;
  const Limit limit = *spec.Create();
  Registers cell{};
  int64_t admitted = 0;
  int64_t now_us = 0;
  for (; now_us < kYearUs; now_us += kGrainUs) {
    const int64_t cost = limit.Step({cell}, now_us, 1, false).remaining;
    cell = limit.Step({cell}, now_us, cost, true).registers;
    admitted += cost;
  }
  EXPECT_EQ(admitted, spec.burst + (now_us - kGrainUs) * spec.limit / 1'000'000);
}

TEST(LawsCoverage, EveryStrategyHasAModel) {
  for (absl::string_view name : StrategyNames()) {
    Spec spec;
    spec.strategy = std::string(name);
    EXPECT_NE(NewModel(spec), nullptr) << name;
  }
}

}  // namespace
}  // namespace sluice
