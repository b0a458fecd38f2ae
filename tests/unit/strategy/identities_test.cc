// Strategies that are the same thing in other words.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/strategy/any_case.h"
#include "tests/unit/strategy/case_count.h"
#include "tests/unit/strategy/replay.h"

namespace sluice {
namespace {

const ::testing::Environment* const kCaseCount =
    ::testing::AddGlobalTestEnvironment(new CaseCount(SLUICE_LAW_CASES / 20));

// The same history under another limit.
std::vector<Moment> Under(const Spec& spec, Case one) {
  one.spec = spec;
  return Replay(JudgeOf(*spec.Create()), one);
}

void AssertSameAnswers(const Spec& twin, const Case& one) {
  const std::vector<Moment> a = Under(one.spec, one);
  const std::vector<Moment> b = Under(twin, one);
  for (size_t i = 0; i < a.size(); ++i) {
    RC_LOG() << "event " << i << ": " << Tell(a[i].verdict) << "\n"
             << twin << ": " << Tell(b[i].verdict);
    RC_ASSERT(SameAnswer(a[i].verdict, b[i].verdict));
  }
}

Spec Renamed(const Spec& spec, const std::string& strategy) {
  Spec twin;
  twin.strategy = strategy;
  twin.limit = spec.limit;
  twin.period_us = spec.period_us;
  twin.count_denied = spec.count_denied;
  twin.tick_us = spec.tick_us;
  return twin;
}

// The same bucket in four words.
RC_GTEST_PROP(IdentityProperty, ABurstAndADebtAreOneBurstInAnyBucket, ()) {
  Case one = *AnyCase("token_bucket_with_debt");
  RC_PRE(one.spec.limit > 0);
  const int64_t burst = one.spec.burst > 0 ? one.spec.burst : one.spec.limit;
  for (const char* strategy : {"token_bucket", "leaky_bucket", "gcra"}) {
    Spec twin = Renamed(one.spec, strategy);
    twin.burst = burst + one.spec.max_debt;
    AssertSameAnswers(twin, one);
  }
}

RC_GTEST_PROP(IdentityProperty, TokenBucketAndGcraOfOneBurstAdmitTheSame, ()) {
  const Case one = *AnyCase("token_bucket");
  RC_PRE(one.spec.limit > 0);
  Spec twin = Renamed(one.spec, "gcra");
  twin.burst = one.spec.burst > 0 ? one.spec.burst : one.spec.limit;
  AssertSameAnswers(twin, one);
}

RC_GTEST_PROP(IdentityProperty, AQueueBesideALeakyBucketDecidesNothing, ()) {
  const Case one = *AnyCase("leaky_bucket_with_queue");
  Spec twin = Renamed(one.spec, "leaky_bucket");
  twin.burst = one.spec.burst;
  AssertSameAnswers(twin, one);
}

RC_GTEST_PROP(IdentityProperty, ATierOfOneIsAFixedWindow, ()) {
  const Case one = *AnyCase("fixed_window");
  Spec twin = Renamed(one.spec, "tiered_rate");
  twin.tiers = {{"only", kMillion}};
  twin.default_tier = "only";
  AssertSameAnswers(twin, one);
}

RC_GTEST_PROP(IdentityProperty, ADayOfOneIsAFixedWindow, ()) {
  const Case one = *AnyCase("fixed_window");
  Spec twin = Renamed(one.spec, "time_of_day");
  twin.hours = {{0, 12, kMillion}, {12, 0, kMillion}};
  twin.timezone = "Europe/Berlin";
  AssertSameAnswers(twin, one);
}

// Their ticks differ, so the clock moves in those of the coarser and the waits are not compared.
RC_GTEST_PROP(IdentityProperty, CostsOfOneAreATokenBucket, ()) {
  Case one = *AnyCase("cost_based_token_bucket");
  const int64_t tick_us = one.spec.tick_us;
  one.start_us -= one.start_us % tick_us;
  for (Event& event : one.events) {
    event.advance = Event::Advance::kBy;
    event.by_us -= event.by_us % tick_us;
    if (event.kind != Kind::kSettle) event.amount = 1;
  }
  Spec twin = Renamed(one.spec, "token_bucket");
  twin.burst = one.spec.burst;
  twin.tick_us = TickOf(twin);
  const std::vector<Moment> a = Under(one.spec, one);
  const std::vector<Moment> b = Under(twin, one);
  for (size_t i = 0; i < a.size(); ++i) {
    RC_ASSERT(a[i].verdict.allowed == b[i].verdict.allowed);
    RC_ASSERT(a[i].verdict.remaining == b[i].verdict.remaining);
  }
}

RC_GTEST_PROP(IdentityProperty, OnePriorityIsASlidingWindowLog, ()) {
  Case one = *AnyCase("sliding_window_log");
  one.spec.count_denied = false;
  Spec twin = Renamed(one.spec, "priority_queue");
  twin.max_entries = one.spec.max_entries > 0 ? one.spec.max_entries : one.spec.limit;
  RC_PRE(twin.max_entries > 0 && twin.max_entries <= 100'000);
  AssertSameAnswers(twin, one);
}

// A bucket of 3/s that is emptied every 7.000001 s: a stored floor(P/L) would lose a third of a
// microsecond with each hit, which is 31 hits in the end.
TEST(ExactnessTest, ThreeASecondAreThreeASecondForAYear) {
  constexpr int64_t kGrainUs = 7'000'001;
  Spec spec;
  spec.strategy = "token_bucket";
  spec.limit = 3;
  spec.burst = 100;
  const Judge judge = JudgeOf(*spec.Create());
  Counter counter;
  int64_t admitted = 0;
  int64_t now_us = 0;
  for (; now_us < kYearUs; now_us += kGrainUs) {
    const int64_t cost = judge.step(counter, now_us, 1, false, "").remaining;
    counter.Apply(judge.step(counter, now_us, cost, true, ""));
    admitted += cost;
  }
  EXPECT_EQ(admitted, spec.burst + (now_us - kGrainUs) * spec.limit / 1'000'000);
}

}  // namespace
}  // namespace sluice
