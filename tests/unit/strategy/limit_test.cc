#include "strategy/limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/required_params.h"
#include "tests/unit/strategy/any_case.h"
#include "tests/unit/strategy/reference/exactness.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr int64_t kNow = 1'700'000'000 * kSecond;

absl::StatusOr<Limit> Make(absl::string_view strategy, absl::string_view rate,
                           const Params& params = {}) {
  return Limit::Create(strategy, Rate::Parse(rate).value(), params);
}

struct Refusal {
  std::string message;
  std::vector<std::string> params;  // that it speaks of
};

Refusal RefusalOf(absl::string_view strategy, absl::string_view rate, const Params& params = {}) {
  const absl::StatusOr<Limit> limit = Make(strategy, rate, params);
  if (limit.ok()) return {absl::StrCat("loaded as ", limit->shape()), {}};
  EXPECT_EQ(limit.status().code(), absl::StatusCode::kInvalidArgument);
  Refusal refusal{std::string(limit.status().message()), {}};
  for (const ParamError& error : ParamErrorsOf(limit.status())) {
    EXPECT_THAT(refusal.message, HasSubstr(error.text));
    refusal.params.push_back(error.param);
  }
  return refusal;
}

TEST(LimitTest, StrategiesStandInRegistryOrder) {
  EXPECT_THAT(
      StrategyNames(),
      ElementsAre("fixed_window", "sliding_window_counter", "sliding_window_log", "token_bucket",
                  "token_bucket_with_debt", "leaky_bucket", "leaky_bucket_with_queue", "gcra",
                  "tiered_rate", "adaptive_throttle", "priority_queue", "quota_with_rollover",
                  "time_of_day", "cost_based_token_bucket"));
}

TEST(LimitTest, LoadsTheRatesThatTheContractNames) {
  for (const absl::string_view strategy : StrategyNames()) {
    for (const char* rate : {"10/ms", "1000000/s", "1000000/day", "100/365d", "0/s", "0/365d"}) {
      const absl::StatusOr<Limit> limit = Make(strategy, rate, RequiredParams(strategy));
      EXPECT_TRUE(limit.ok()) << rate << ": " << limit.status();
    }
  }
}

TEST(LimitTest, FixedWindowLoadsEveryUint32PerAnyUnit) {
  for (const char* unit : {"ms", "s", "min", "h", "d", "w", "365d"}) {
    const absl::StatusOr<Limit> limit = Make("fixed_window", absl::StrCat(UINT32_MAX, "/", unit));
    ASSERT_TRUE(limit.ok()) << limit.status();
    EXPECT_EQ(limit->most(), int64_t{UINT32_MAX});
    EXPECT_EQ(limit->tick_us(), 1);
    EXPECT_TRUE(limit->Step({}, kNow, UINT32_MAX, true).allowed);
  }
}

TEST(LimitTest, TheTickIsTheSmallestThatKeepsTheProductBelow2To52) {
  EXPECT_EQ(Make("token_bucket", "10/ms")->tick_us(), 1);
  EXPECT_EQ(Make("token_bucket", "1000000/s")->tick_us(), 1);
  EXPECT_EQ(Make("token_bucket", "100/365d")->tick_us(), 1);
  EXPECT_EQ(Make("token_bucket", "1000000/day")->tick_us(), 1'000);
  EXPECT_EQ(Make("token_bucket", "1000000000/day")->tick_us(), kSecond);
  // 52124 x 86400 s is below 2^52 us, 52125 x 86400 s is above.
  EXPECT_EQ(Make("token_bucket", "1/d", {{"burst_size", "52124"}})->tick_us(), 1);
  EXPECT_EQ(Make("token_bucket", "1/d", {{"burst_size", "52125"}})->tick_us(), 1'000);
}

TEST(LimitTest, TheTickDividesThePeriodAndEveryDuration) {
  // A second would be coarse enough to count, but 1500 ms is no whole number of them.
  EXPECT_THAT(RefusalOf("token_bucket", "1/1500ms", {{"burst_size", "4503599627370495"}}).message,
              HasSubstr("too large to count exactly"));
  EXPECT_TRUE(Make("token_bucket", "1/s", {{"burst_size", "4503599627370495"}}).ok());
  const auto with_tolerance = [](const char* tolerance) {
    return Make("gcra", "1000000/day", {{"burst_tolerance", tolerance}});
  };
  EXPECT_EQ(with_tolerance("86400s")->tick_us(), 1'000);
  EXPECT_EQ(Make("gcra", "1000000000/day", {{"burst_tolerance", "86400s"}})->tick_us(), kSecond);
  EXPECT_THAT(RefusalOf("gcra", "1000000000/day", {{"burst_tolerance", "86400001ms"}}).message,
              HasSubstr("too large to count exactly"));
}

// The rule of the contract in its own words, on whatever can be written.
RC_GTEST_PROP(LimitProperty, TheTickFollowsTheRule, ()) {
  const std::string strategy(*rc::gen::elementOf(StrategyNames()));
  const Spec spec = *AnyWrittenSpec(strategy);
  RC_PRE(spec.limit > 0);
  int64_t smallest_us = 0;
  for (const int64_t tick_us : {kSecond, int64_t{1'000}, int64_t{1}}) {
    if (CountsExactly(spec, tick_us)) smallest_us = tick_us;
  }
  RC_ASSERT(spec.tick_us == smallest_us);
}

TEST(LimitTest, TheTickIsCoarserOnlyWhereAStepMultiplies) {
  const Params debt = {{"max_debt", "1"}};
  EXPECT_EQ(Make("sliding_window_counter", "1000000/day")->tick_us(), 1'000);
  EXPECT_EQ(Make("sliding_window_log", "1000000/day")->tick_us(), 1);
  EXPECT_EQ(Make("priority_queue", "1000000/day")->tick_us(), 1);
  EXPECT_EQ(Make("quota_with_rollover", "1000000/day")->tick_us(), 1);
  EXPECT_EQ(Make("tiered_rate", "1000000/day", RequiredParams("tiered_rate"))->tick_us(), 1);
  EXPECT_EQ(Make("time_of_day", "1000000/day", RequiredParams("time_of_day"))->tick_us(), 1);
  EXPECT_EQ(Make("adaptive_throttle", "1000000/day")->tick_us(), 1);
  EXPECT_EQ(Make("leaky_bucket_with_queue", "1000000/day")->tick_us(), 1'000);
  // B + D is what the state holds: 52124 x 86400 s is below 2^52 us, 52125 x 86400 s is above.
  EXPECT_EQ(Make("token_bucket_with_debt", "52123/day", debt)->tick_us(), 1);
  EXPECT_EQ(Make("token_bucket_with_debt", "52124/day", debt)->tick_us(), 1'000);
  // Four times the capacity may wait in the queue: 2^50 s are too many microseconds by any measure.
  const Params queue = {{"capacity", "1125899906842623"}};
  EXPECT_EQ(Make("leaky_bucket_with_queue", "1/s", queue)->tick_us(), kSecond);
  // A thousandth of the rate is a unit.
  EXPECT_EQ(Make("cost_based_token_bucket", "52/day")->tick_us(), 1);
  EXPECT_EQ(Make("cost_based_token_bucket", "53/day")->tick_us(), 1'000);
}

TEST(LimitTest, RatiosBoundTheLimit) {
  // 4503599627 x 10^6 is below 2^52, 4503599628 x 10^6 is above.
  for (const absl::string_view strategy : {"adaptive_throttle", "quota_with_rollover"}) {
    EXPECT_TRUE(Make(strategy, "4503599627/s").ok()) << strategy;
    EXPECT_THAT(RefusalOf(strategy, "4503599628/s").message,
                HasSubstr("the limit in millionths, as its ratios are counted, of 4503599628/s is "
                          "too large to count exactly (use a smaller limit)"));
  }
  const auto tiered = [](const char* multiplier) {
    const Params params = {{"tiers", ParamValue::Map({{"a", multiplier}})}, {"default_tier", "a"}};
    return Make("tiered_rate", "1000000/s", params).ok();
  };
  EXPECT_TRUE(tiered("4503.599627"));
  EXPECT_FALSE(tiered("4503.599628"));
}

TEST(LimitTest, AnAdaptiveLimitRecoversWithinWhatCanBeCounted) {
  const Params slow = {{"recovery_rate", "0.000001"}};
  EXPECT_EQ(Make("adaptive_throttle", "1000000/60d", slow)->tick_us(), kSecond);
  // A million windows of sixty days and a millisecond, which no second divides.
  EXPECT_THAT(RefusalOf("adaptive_throttle", "1000000/5184000001ms", slow).message,
              HasSubstr("the time in which the limit recovers of 1000000/5184000001ms is too large "
                        "to count exactly (use a larger recovery_rate or a shorter period)"));
}

TEST(LimitTest, WhatIsWorthAWarningWorks) {
  EXPECT_EQ(Make("sliding_window_log", "10/s")->warning(), "");
  EXPECT_THAT(Make("sliding_window_log", "10/s", {{"max_entries", "9"}})->warning(),
              HasSubstr("max_entries is 9: while so many requests are remembered every further one "
                        "is denied, although the limit is 10"));
  EXPECT_THAT(Make("sliding_window_log", "100001/s")->warning(),
              HasSubstr("max_entries is 100000"));
  EXPECT_THAT(Make("priority_queue", "10/s", {{"max_entries", "9"}})->warning(),
              HasSubstr("priority_queue: max_entries is 9"));
}

TEST(LimitTest, TiersAndPrioritiesAreReadOfTheContext) {
  const Params params = {{"tiers", ParamValue::Map({{"free", "0.5"}, {"pro", "5"}})},
                         {"default_tier", "free"},
                         {"tier_key", "plan"}};
  const Limit tiered = *Make("tiered_rate", "10/s", params);
  EXPECT_EQ(tiered.context_key(), "plan");
  EXPECT_EQ(tiered.SplitOf(tiered.TagOf("pro")), "pro");
  EXPECT_EQ(tiered.SplitOf(tiered.TagOf("nobody knows")), "free");
  EXPECT_EQ(tiered.SplitOf(tiered.TagOf("")), "free");
  EXPECT_EQ(tiered.most(tiered.TagOf("pro")), 50);
  EXPECT_EQ(tiered.most(tiered.TagOf("free")), 5);

  const Limit queue = *Make("priority_queue", "10/s", {{"default_priority", "high"}});
  EXPECT_EQ(queue.context_key(), "priority");
  const std::vector<std::pair<absl::string_view, int>> priorities = {
      {"low", 1}, {"1", 1}, {"normal", 2}, {"High", 3}, {"critical", 4},
      {"4", 4},   {"", 3},  {"5", 3},      {"0", 3},    {"urgent", 3}};
  for (const auto& [value, priority] : priorities) {
    EXPECT_EQ(queue.TagOf(value), priority) << value;
    EXPECT_EQ(queue.SplitOf(priority), "") << "all priorities share a counter";
  }
  EXPECT_EQ(Make("gcra", "1/s")->context_key(), "");
}

// What is wrong with a parameter, and the line that says so.
struct Wrong {
  const char* strategy;
  Params params;
  const char* message;
};

TEST(LimitTest, EveryWrongParameterIsNamedWithWhatWouldBeRight) {
  const auto map = [](std::vector<std::pair<std::string, ParamValue>> entries) {
    return ParamValue::Map(std::move(entries));
  };
  const auto windows = [&](const char* from, const char* to, const char* multiplier) {
    return ParamValue::List({map({{"from", from}, {"to", to}, {"multiplier", multiplier}})});
  };
  const std::vector<Wrong> wrongs = {
      {"token_bucket_with_debt", {}, "max_debt: is missing (how far below zero the tokens may go"},
      {"token_bucket_with_debt", {{"max_debt", "-1"}}, "'-1' is not a whole number from 0 to 2^52"},
      {"leaky_bucket", {{"capacity", "0"}}, "capacity: '0' is not a whole number from 1"},
      {"leaky_bucket", {{"burst_size", "1"}}, "burst_size: unknown parameter (it has capacity)"},
      {"leaky_bucket",
       {{"capacity", ParamValue::List({"1"})}},
       "capacity: a list (give one value)"},
      {"sliding_window_log", {{"max_entries", "100001"}}, "is not a whole number from 1 to 100000"},
      {"gcra", {{"count_denied", "true"}}, "count_denied: unknown parameter"},
      {"fixed_window", {{"count_denied", "yes"}}, "count_denied: 'yes' is not one of true, false"},
      {"adaptive_throttle", {{"load_threshold", "0"}}, "'0' is not a decimal from 0.000001 to 1"},
      {"adaptive_throttle",
       {{"recovery_rate", "1.1"}},
       "'1.1' is not a decimal from 0.000001 to 1"},
      {"adaptive_throttle", {{"recovery_rate", ".5"}}, "'.5' is not a decimal"},
      {"adaptive_throttle", {{"recovery_rate", "0.1234567"}}, "with at most 6 digits after the"},
      {"quota_with_rollover", {{"rollover_percentage", "50"}}, "'50' is not a decimal from 0 to 1"},
      {"cost_based_token_bucket", {{"min_refill_rate", "0.0001"}}, "with at most 3 digits after"},
      {"cost_based_token_bucket",
       {{"cost_window", "0"}},
       "is not a whole number from 1 to 1000000"},
      {"priority_queue",
       {{"default_priority", "5"}},
       "'5' is no priority (1 low, 2 normal, 3 high"},
      {"priority_queue", {{"priority_key", ""}}, "priority_key: '' is empty (name a context key)"},
      {"tiered_rate",
       {{"default_tier", "a"}},
       "tiers: is missing (for example {free: 0.5, pro: 5})"},
      {"tiered_rate", {{"tiers", "a"}, {"default_tier", "a"}}, "tiers: 'a' is no map of 1 to 256"},
      {"tiered_rate", {{"tiers", map({{"a", "1"}})}}, "default_tier: is missing (name the tier of"},
      {"tiered_rate",
       {{"tiers", map({{"a", "1"}})}, {"default_tier", "b"}},
       "'b' is no tier (name"},
      {"tiered_rate",
       {{"tiers", map({{"a", "-1"}})}, {"default_tier", "a"}},
       "a: '-1' is not a mul"},
      {"tiered_rate",
       {{"tiers", map({{"", "1"}})}, {"default_tier", "a"}},
       "a tier's name is empty"},
      {"time_of_day", {}, "windows: is missing (for example [{from: 8, to: 20, multiplier: 2}"},
      {"time_of_day", {{"windows", "all day"}}, "windows: 'all day' is no list of hours"},
      {"time_of_day", {{"windows", ParamValue::List({"8"})}}, "'8' is no {from, to, multiplier}"},
      {"time_of_day",
       {{"windows", windows("24", "8", "1")}},
       "from: '24' is not a whole hour from"},
      {"time_of_day",
       {{"windows", windows("0", "25", "1")}},
       "to: '25' is not a whole hour from 0"},
      {"time_of_day", {{"windows", windows("0", "24", "x")}}, "multiplier: 'x' is not a decimal"},
      {"time_of_day",
       {{"windows", windows("8", "8", "1")}},
       "from and to are both 8 (for the whole"},
      {"time_of_day", {{"windows", windows("1", "24", "1")}}, "hour 0 stands in none of them"},
      {"time_of_day",
       {{"windows", ParamValue::List({map({{"from", "0"}, {"to", "24"}})})}},
       "multiplier is missing"},
      {"time_of_day",
       {{"windows", ParamValue::List({map({{"form", "0"}})})}},
       "form: is unknown (it has from, to and multiplier)"},
      {"time_of_day",
       {{"windows",
         ParamValue::List({windows("0", "24", "1").items[0], windows("3", "4", "1").items[0]})}},
       "hour 3 stands in two of them (each hour once)"},
      {"time_of_day",
       {{"windows", windows("0", "24", "1")}, {"timezone", "Europe/Atlantis"}},
       "timezone: 'Europe/Atlantis' is no time zone that this machine knows (an IANA name"},
      {"time_of_day",
       {{"windows", windows("0", "24", "1")}, {"timezone", "/etc/passwd"}},
       "'/etc/passwd' is no time zone"},
  };
  for (const Wrong& wrong : wrongs) {
    EXPECT_THAT(RefusalOf(wrong.strategy, "10/s", wrong.params).message, HasSubstr(wrong.message))
        << wrong.strategy;
  }
}

TEST(LimitTest, RefusesWhatCannotBeCountedWithReasonAndFix) {
  const Refusal refusal = RefusalOf("token_bucket", "4294967295/365d");
  EXPECT_THAT(refusal.message,
              AllOf(HasSubstr("token_bucket: the burst times the period of 4294967295/365d"),
                    HasSubstr("too large to count exactly"),
                    HasSubstr("use a smaller burst or a shorter period")));
  EXPECT_THAT(refusal.params, IsEmpty());
  EXPECT_THAT(RefusalOf("gcra", "4294967295/365d", {{"oversize", "pay_later"}}).message,
              HasSubstr("too large to count exactly"));
  EXPECT_TRUE(Make("gcra", "4294967295/365d").ok()) << "a burst of 1 fits";
  const Params queue = {{"capacity", "1125899906842624"}};
  EXPECT_THAT(RefusalOf("leaky_bucket_with_queue", "1/s", queue).message,
              AllOf(HasSubstr("what waits in the queue of 1/s"), HasSubstr("a smaller capacity")));
  EXPECT_TRUE(Make("leaky_bucket", "1/s", queue).ok());
}

TEST(LimitTest, RefusesAnUnlimitedRate) {
  EXPECT_THAT(RefusalOf("token_bucket", "unlimited").message, HasSubstr("give a rate"));
}

TEST(LimitTest, RefusesStrategiesByName) {
  EXPECT_THAT(RefusalOf("concurrency", "1/s").message,
              AllOf(HasSubstr("'concurrency' is not supported yet"),
                    HasSubstr("use one of fixed_window, sliding_window_counter, ")));
  EXPECT_THAT(RefusalOf("token_buckett", "1/s").message,
              HasSubstr("unknown strategy 'token_buckett' (did you mean 'token_bucket'?)"));
  EXPECT_THAT(RefusalOf("whatever", "1/s").message,
              HasSubstr("unknown strategy 'whatever' (use one of fixed_window"));
}

TEST(LimitTest, ParameterErrorsNameTheParameterAndWhatWouldBeRight) {
  for (const char* burst : {"0", "-1", "1.5", "many", "", "4503599627370496"}) {
    const Refusal refusal = RefusalOf("token_bucket", "1/s", {{"burst_size", burst}});
    EXPECT_THAT(refusal.message, AllOf(HasSubstr("token_bucket: burst_size: '"),
                                       HasSubstr("not a whole number from 1 to 2^52 - 1")));
    EXPECT_THAT(refusal.params, ElementsAre("burst_size"));
  }
  const Refusal duration = RefusalOf("gcra", "1/s", {{"burst_tolerance", "soon"}});
  EXPECT_THAT(duration.message, HasSubstr("gcra: burst_tolerance: duration 'soon'"));
  EXPECT_THAT(duration.params, ElementsAre("burst_tolerance"));
  const Refusal choice = RefusalOf("gcra", "1/s", {{"oversize", "maybe"}});
  EXPECT_THAT(choice.message, HasSubstr("'maybe' is not one of deny, pay_later"));
  EXPECT_THAT(choice.params, ElementsAre("oversize"));
}

TEST(LimitTest, BothWordsForTheBurstAreAnError) {
  const Refusal refusal = RefusalOf("gcra", "1/s", {{"burst", "2"}, {"burst_tolerance", "0ms"}});
  EXPECT_THAT(refusal.message, HasSubstr("give one of the two"));
  EXPECT_THAT(refusal.params, ElementsAre("burst_tolerance"));
}

TEST(LimitTest, UnknownParametersNameTheNearest) {
  const Refusal slip = RefusalOf("token_bucket", "1/s", {{"burstsize", "2"}});
  EXPECT_THAT(slip.message, HasSubstr("unknown parameter (did you mean 'burst_size'?)"));
  EXPECT_THAT(slip.params, ElementsAre("burstsize"));
  EXPECT_THAT(RefusalOf("gcra", "1/s", {{"colour", "red"}}).message,
              HasSubstr("it has burst, burst_tolerance, oversize"));
  EXPECT_THAT(RefusalOf("fixed_window", "1/s", {{"burst", "2"}}).message,
              HasSubstr("it has count_denied"));
}

TEST(LimitTest, AllThatIsWrongWithParametersIsTold) {
  const absl::StatusOr<Limit> limit =
      Make("gcra", "1/s", {{"burst", "x"}, {"oversize", "y"}, {"bust\n", "3"}});
  const std::vector<ParamError> errors = ParamErrorsOf(limit.status());
  ASSERT_THAT(errors, SizeIs(3));
  EXPECT_EQ(errors[0].param, "burst");
  EXPECT_EQ(errors[0].text, "gcra: burst: 'x' is not a whole number from 1 to 2^52 - 1");
  EXPECT_EQ(errors[1].param, "oversize");
  EXPECT_EQ(errors[1].text, "gcra: oversize: 'y' is not one of deny, pay_later");
  EXPECT_EQ(errors[2].param, "bust\n");
  EXPECT_EQ(errors[2].text, "gcra: bust\n: unknown parameter (did you mean 'burst'?)");
  EXPECT_EQ(limit.status().message(),
            absl::StrCat(errors[0].text, "; ", errors[1].text, "; ", errors[2].text));
}

TEST(LimitTest, ParamErrorsAreOfParametersOnly) {
  EXPECT_THAT(ParamErrorsOf(absl::OkStatus()), IsEmpty());
  EXPECT_THAT(ParamErrorsOf(absl::InternalError("x")), IsEmpty());
  EXPECT_THAT(RefusalOf("gcra", "unlimited").params, IsEmpty());
}

TEST(LimitTest, TheShapeIsStrategyVersionPeriodAndTick) {
  EXPECT_EQ(Make("fixed_window", "10/min")->shape(), "fixed_window.1.1min.1us");
  EXPECT_EQ(Make("fixed_window", "99/60s")->shape(), Make("fixed_window", "1/min")->shape());
  EXPECT_EQ(Make("token_bucket", "1000000/day")->shape(), "token_bucket.1.1d.1ms");
  EXPECT_EQ(Make("gcra", "5/s", {{"burst", "7"}})->shape(), Make("gcra", "9/s")->shape());
  EXPECT_NE(Make("gcra", "5/s")->shape(), Make("token_bucket", "5/s")->shape());
}

TEST(LimitTest, TellsWhatItWasMadeOf) {
  const Limit limit = *Make("token_bucket", "10/s", {{"burst_size", "40"}});
  EXPECT_EQ(limit.strategy(), "token_bucket");
  EXPECT_EQ(limit.rate(), Rate::Parse("10/s").value());
  EXPECT_EQ(limit.most(), 40);
  EXPECT_EQ(limit.registers(), 2);
  EXPECT_EQ(limit.terms().period, kSecond);
}

TEST(LimitTest, OnlyAlignedWindowsEnd) {
  const Limit window = *Make("fixed_window", "10/min");
  EXPECT_EQ(window.WindowEndsIn(60 * kSecond), 60 * kSecond);
  EXPECT_EQ(window.WindowEndsIn(60 * kSecond + 1), 60 * kSecond - 1);
  EXPECT_EQ(window.WindowEndsIn(120 * kSecond - 1), 1);
  EXPECT_EQ(Make("token_bucket", "10/min")->WindowEndsIn(1), 0);
  EXPECT_EQ(Make("gcra", "10/min")->WindowEndsIn(1), 0);
}

TEST(LimitTest, WaitsCountFromTheMicrosecondAndNotFromTheTick) {
  const Limit limit = *Make("token_bucket", "1000000/day");
  ASSERT_EQ(limit.tick_us(), 1'000);
  const Registers empty = limit.Step({}, kNow, 1'000'000, true).registers;
  // A token each 86.4 ms, so the next is there in 87 whole ticks.
  const Verdict denied = limit.Step({empty}, kNow + 999, 1, true);
  EXPECT_EQ(denied.wait_us, 87'000 - 999);
  EXPECT_FALSE(limit.Step({empty}, kNow + 86'999, 1, true).allowed);
  EXPECT_TRUE(limit.Step({empty}, kNow + 87'000, 1, true).allowed);
}

TEST(LimitTest, OnlyATakeThatPassesIsTaken) {
  const Limit limit = *Make("fixed_window", "1/s");
  EXPECT_FALSE(limit.Step({}, kNow, 1, false).taken);
  EXPECT_FALSE(limit.Step({}, kNow, 2, true).taken);
  EXPECT_TRUE(limit.Step({}, kNow, 1, true).taken);
  EXPECT_TRUE(limit.Settle({}, kNow, 0).taken);
  EXPECT_EQ(limit.Step({}, kNow, 1, true).now_us, kNow);
}

TEST(LimitTest, ALimitOfZeroAdmitsNothing) {
  for (const absl::string_view strategy : StrategyNames()) {
    const Limit limit = *Make(strategy, "0/min", RequiredParams(strategy));
    const Verdict hit = limit.Step({}, kNow, 1, true);
    EXPECT_FALSE(hit.allowed) << strategy;
    EXPECT_EQ(hit.remaining, 0) << strategy;
    EXPECT_EQ(hit.wait_us, kNever) << strategy;
    const Verdict debit = limit.Settle({}, kNow, 5);
    EXPECT_FALSE(debit.allowed) << strategy;
    EXPECT_EQ(debit.wait_us, kNever) << strategy;
    EXPECT_EQ(debit.reset_us, 0) << strategy;
  }
}

// A refund of three must give back all three, although a single hit of more than one never passes.
TEST(LimitTest, AFractionalBurstKeepsAndRefundsItsWholeDebt) {
  const Limit limit = *Make("gcra", "1/s", {{"burst_tolerance", "900ms"}});
  ASSERT_EQ(limit.most(), 1);
  const Registers owing = limit.Settle({}, kNow, 3).registers;
  EXPECT_EQ(limit.Step({owing}, kNow, 1, false).reset_us, 3 * kSecond);
  const Registers at_most = limit.Settle({}, kNow, 4).registers;
  EXPECT_EQ(limit.Step({at_most}, kNow, 1, false).reset_us, 3'800'000);
  EXPECT_EQ(limit.Settle({owing}, kNow, -3).reset_us, 0);
}

// 52 billion hits of one a day are 142 million years.
TEST(LimitTest, WaitsBeyondWhatMicrosecondsCanTellAreFarOff) {
  const Limit limit = *Make("token_bucket", "1/d", {{"burst_size", "52124995687"}});
  const Verdict hit = limit.Step({}, kNow, 52'124'995'687, true);
  EXPECT_TRUE(hit.allowed);
  EXPECT_EQ(hit.reset_us, kFarOffUs);
  EXPECT_EQ(limit.Step({hit.registers}, kNow, 52'124'995'687, true).wait_us, kFarOffUs);
  EXPECT_EQ(limit.Step({hit.registers}, kNow, 1, true).wait_us, kDay);
}

}  // namespace
}  // namespace sluice
