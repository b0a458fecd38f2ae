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
#include "tests/unit/strategy/spec.h"

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
  EXPECT_THAT(StrategyNames(), ElementsAre("fixed_window", "sliding_window_counter", "sliding_window_log", "token_bucket",
                          "token_bucket_with_debt", "leaky_bucket", "leaky_bucket_with_queue",
                          "gcra", "tiered_rate", "adaptive_throttle", "priority_queue",
                          "quota_with_rollover", "time_of_day", "cost_based_token_bucket"));
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
  const Spec spec = *AnySpec(strategy);
  const Limit limit = *spec.Create();
  const auto fits = [&](int64_t tick_us) {
    if (spec.period_us % tick_us != 0 || spec.tolerance_us.value_or(0) % tick_us != 0) return false;
    if (strategy == "fixed_window") return true;
    const absl::int128 period = spec.period_us / tick_us;
    absl::int128 largest = spec.burst > 0 ? spec.burst : strategy == "gcra" ? 1 : spec.limit;
    if (spec.pay_later) largest = std::max<absl::int128>(largest, spec.limit);
    const absl::int128 tolerance =
        absl::int128(spec.tolerance_us.value_or(0) / tick_us) * spec.limit + period;
    return std::max(largest * period, tolerance) < kMaxAmount || spec.limit == 0;
  };
  for (const int64_t tick_us : {int64_t{1}, int64_t{1'000}, kSecond}) {
    if (tick_us < limit.tick_us()) RC_ASSERT(spec.limit == 0 || !fits(tick_us));
    if (tick_us == limit.tick_us()) RC_ASSERT(fits(tick_us));
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
  EXPECT_THAT(RefusalOf("fixed_window", "1/s", {{"burst", "2"}}).message, HasSubstr("it has count_denied"));
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
