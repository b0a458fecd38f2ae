#include "core/rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000;
constexpr int64_t kSecond = 1'000 * kMs;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kWeek = 7 * kDay;

struct Spelling {
  const char* name;
  int64_t us;
};

const std::vector<Spelling>& Spellings() {
  static const auto& all = *new std::vector<Spelling>{
      {"ms", kMs},          {"millisecond", kMs}, {"milliseconds", kMs}, {"s", kSecond},
      {"sec", kSecond},     {"secs", kSecond},    {"second", kSecond},   {"seconds", kSecond},
      {"m", kMinute},       {"min", kMinute},     {"mins", kMinute},     {"minute", kMinute},
      {"minutes", kMinute}, {"h", kHour},         {"hr", kHour},         {"hrs", kHour},
      {"hour", kHour},      {"hours", kHour},     {"d", kDay},           {"day", kDay},
      {"days", kDay},       {"w", kWeek},         {"week", kWeek},       {"weeks", kWeek}};
  return all;
}

void ExpectRate(const std::string& text, int64_t limit, int64_t period_us) {
  const absl::StatusOr<Rate> rate = Rate::Parse(text);
  ASSERT_TRUE(rate.ok()) << rate.status();
  EXPECT_EQ(rate->limit(), limit) << text;
  EXPECT_EQ(rate->period_us(), period_us) << text;
  EXPECT_FALSE(rate->unlimited()) << text;
}

std::string RateError(absl::string_view text) {
  const absl::StatusOr<Rate> rate = Rate::Parse(text);
  if (rate.ok()) return absl::StrCat("parsed as ", rate->ToString());
  EXPECT_EQ(rate.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(rate.status().message());
}

std::string DurationError(absl::string_view text) {
  const absl::StatusOr<int64_t> us = ParseDuration(text);
  if (us.ok()) return absl::StrCat("parsed as ", *us);
  EXPECT_EQ(us.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(us.status().message());
}

TEST(RateTest, ParsesTheFormsOfTheContract) {
  ExpectRate("100/min", 100, kMinute);
  ExpectRate("5/s", 5, kSecond);
  ExpectRate("2 per second", 2, kSecond);
  ExpectRate("10/10s", 10, 10 * kSecond);
  ExpectRate("1000/500ms", 1000, 500 * kMs);
  ExpectRate("10/30 seconds", 10, 30 * kSecond);
  ExpectRate("50/d", 50, kDay);
  ExpectRate("100/week", 100, kWeek);
  ExpectRate("0/s", 0, kSecond);
}

TEST(RateTest, KnowsEveryUnitWithAndWithoutANumber) {
  for (const Spelling& unit : Spellings()) {
    ExpectRate(absl::StrCat("7/", unit.name), 7, unit.us);
    ExpectRate(absl::StrCat("7/3", unit.name), 7, 3 * unit.us);
    ExpectRate(absl::StrCat("7 per ", unit.name), 7, unit.us);
    ExpectRate(absl::StrCat("7 per 3 ", unit.name), 7, 3 * unit.us);
  }
}

TEST(RateTest, ToleratesBlanksAndCase) {
  ExpectRate("  100 / 10 MIN  ", 100, 10 * kMinute);
  ExpectRate("100/ min", 100, kMinute);
  ExpectRate("100\t/\tMin\n", 100, kMinute);
  ExpectRate("100   PER   10   Seconds", 100, 10 * kSecond);
  ExpectRate("2 per 10s", 2, 10 * kSecond);
  EXPECT_TRUE(Rate::Parse(" UnLimited ")->unlimited());
}

TEST(RateTest, UnlimitedIsARate) {
  const absl::StatusOr<Rate> rate = Rate::Parse("unlimited");
  ASSERT_TRUE(rate.ok());
  EXPECT_TRUE(rate->unlimited());
  EXPECT_EQ(rate->period_us(), 0);
  EXPECT_EQ(rate->ToString(), "unlimited");
  EXPECT_EQ(*rate, Rate::Unlimited());
}

TEST(RateTest, TakesNumbersUpToTheEdgeAndRefusesTheNext) {
  ExpectRate("4503599627370495/s", kMaxAmount - 1, kSecond);
  ExpectRate("000000000000000000000007/s", 7, kSecond);
  EXPECT_THAT(RateError("4503599627370496/s"), HasSubstr("the limit must be below 2^52"));
  EXPECT_THAT(RateError("99999999999999999999999/s"), HasSubstr("the limit must be below 2^52"));
  ExpectRate("1/7446w", 1, 7446 * kWeek);
  EXPECT_THAT(RateError("1/7447w"), HasSubstr("the period is too long"));
  EXPECT_THAT(RateError("1/9223372036854775807w"), HasSubstr("the period is too long"));
  EXPECT_THAT(RateError("1/99999999999999999999s"), HasSubstr("the number is too large"));
}

TEST(RateTest, ErrorsNameTheTextAndWhatWouldBeRight) {
  EXPECT_THAT(RateError("100/fortnight"),
              AllOf(HasSubstr("rate '100/fortnight'"), HasSubstr("unknown unit 'fortnight'"),
                    HasSubstr("ms, s, min, h, d or w"), HasSubstr("for example 100/min")));
  EXPECT_THAT(RateError("100/"), HasSubstr("the unit is missing: ms, s, min, h, d or w"));
  EXPECT_THAT(RateError("100/5"), HasSubstr("the unit is missing"));
  EXPECT_THAT(RateError("100"), HasSubstr("a '/' or ' per ' stands after the limit"));
  EXPECT_THAT(RateError("100 s"), HasSubstr("a '/' or ' per ' stands after the limit"));
  EXPECT_THAT(RateError("1e3/s"), HasSubstr("a '/' or ' per ' stands after the limit"));
  EXPECT_THAT(RateError("100per second"), HasSubstr("a '/' or ' per ' stands after the limit"));
  EXPECT_THAT(RateError("100 persecond"), HasSubstr("a '/' or ' per ' stands after the limit"));
  EXPECT_THAT(RateError("100/0s"), HasSubstr("the period must be above 0"));
  EXPECT_THAT(RateError("100/-1s"), HasSubstr("unknown unit '-1s'"));
  EXPECT_THAT(RateError("100/1.5s"), HasSubstr("unknown unit '.5s'"));
  EXPECT_THAT(RateError("100/mss"), HasSubstr("unknown unit 'mss'"));
  EXPECT_THAT(RateError("100/s/s"), HasSubstr("unknown unit 's/s'"));
}

TEST(RateTest, RefusesWhatDoesNotStartWithANumber) {
  for (const char* text : {"", "  ", "/s", "-5/s", "+5/s", ".5/s", "per second", "infinite"}) {
    EXPECT_THAT(RateError(text), HasSubstr("it starts with a whole number")) << text;
  }
}

TEST(RateTest, RefusesLongTextWithoutRepeatingIt) {
  const std::string error = RateError(std::string(100'000, '9'));
  EXPECT_THAT(error, HasSubstr("it is too long"));
  EXPECT_LT(error.size(), 200u);
}

TEST(RateTest, CreateChecksTheRangesOfTheHeader) {
  EXPECT_TRUE(Rate::Create(0, 1'000).ok());
  EXPECT_TRUE(Rate::Create(kMaxAmount - 1, kDay).ok());
  EXPECT_THAT(Rate::Create(-1, kDay).status().message(), HasSubstr("the limit -1 is outside"));
  EXPECT_FALSE(Rate::Create(kMaxAmount, kDay).ok());
  for (const int64_t period_us : {int64_t{0}, int64_t{-1'000}, int64_t{999}, int64_t{1'500},
                                  kMaxAmount / 1'000 * 1'000 + 1'000}) {
    EXPECT_THAT(Rate::Create(1, period_us).status().message(), HasSubstr("whole milliseconds"))
        << period_us;
  }
}

TEST(RateTest, WritesTheLargestUnitThatDivides) {
  EXPECT_EQ(Rate::Parse("10/60s")->ToString(), "10/min");
  EXPECT_EQ(Rate::Parse("10/90s")->ToString(), "10/90s");
  EXPECT_EQ(Rate::Parse("10/14d")->ToString(), "10/2w");
  EXPECT_EQ(Rate::Parse("10/1500ms")->ToString(), "10/1500ms");
  EXPECT_EQ(DurationText(kMinute), "1min");
  EXPECT_EQ(DurationText(kMinute, /*omit_one=*/true), "min");
  EXPECT_EQ(DurationText(2 * kHour, /*omit_one=*/true), "2h");
  EXPECT_EQ(DurationText(1'500), "1500us");
  EXPECT_EQ(DurationText(0), "0us");
}

RC_GTEST_PROP(RateProperty, ParsesBackFromItsText, ()) {
  const int64_t limit = *rc::gen::inRange<int64_t>(0, kMaxAmount);
  const int64_t ms = *rc::gen::oneOf(rc::gen::inRange<int64_t>(1, 100'000),
                                     rc::gen::inRange<int64_t>(1, kMaxAmount / kMs));
  const absl::StatusOr<Rate> rate = Rate::Create(limit, ms * kMs);
  RC_ASSERT(rate.ok());
  const absl::StatusOr<Rate> again = Rate::Parse(rate->ToString());
  RC_ASSERT(again.ok());
  RC_ASSERT(*again == *rate);
}

RC_GTEST_PROP(RateProperty, BlanksAndCaseChangeNothing, ()) {
  const auto unit = *rc::gen::elementOf(Spellings());
  const int64_t limit = *rc::gen::inRange<int64_t>(0, 1'000'000);
  const int64_t count = *rc::gen::inRange<int64_t>(1, 1'000);
  const auto blank = [](int least) {
    return std::string(static_cast<size_t>(*rc::gen::inRange(least, 4)), ' ');
  };
  const std::string sign = *rc::gen::arbitrary<bool>() ? absl::StrCat(blank(0), "/", blank(0))
                                                       : absl::StrCat(blank(1), "per", blank(1));
  std::string text = absl::StrCat(blank(0), limit, sign, count, blank(0), unit.name, blank(0));
  if (*rc::gen::arbitrary<bool>()) text = absl::AsciiStrToUpper(text);
  const absl::StatusOr<Rate> rate = Rate::Parse(text);
  RC_ASSERT(rate.ok());
  RC_ASSERT(rate->limit() == limit);
  RC_ASSERT(rate->period_us() == count * unit.us);
}

RC_GTEST_PROP(RateProperty, AnyTextIsARateOrAnErrorThatQuotesIt, (const std::string& text)) {
  const absl::StatusOr<Rate> rate = Rate::Parse(text);
  if (rate.ok()) {
    RC_ASSERT(Rate::Parse(rate->ToString()).value() == *rate);
  } else {
    RC_ASSERT(absl::StrContains(rate.status().message(), text.substr(0, 32)));
  }
}

TEST(DurationTest, ParsesEveryUnit) {
  for (const Spelling& unit : Spellings()) {
    EXPECT_EQ(ParseDuration(absl::StrCat("1", unit.name)).value(), unit.us);
    EXPECT_EQ(ParseDuration(absl::StrCat(" 250 ", absl::AsciiStrToUpper(unit.name), " ")).value(),
              250 * unit.us);
    EXPECT_EQ(ParseDuration(absl::StrCat("0", unit.name)).value(), 0);
  }
  EXPECT_EQ(ParseDuration("0").value(), 0);
  EXPECT_EQ(ParseDuration("00 s").value(), 0);
}

TEST(DurationTest, ErrorsNameTheTextAndWhatWouldBeRight) {
  EXPECT_THAT(DurationError("5"), AllOf(HasSubstr("duration '5'"), HasSubstr("the unit is missing"),
                                        HasSubstr("for example 250ms")));
  EXPECT_THAT(DurationError("s"), HasSubstr("it starts with a whole number"));
  EXPECT_THAT(DurationError(""), HasSubstr("it starts with a whole number"));
  EXPECT_THAT(DurationError("-5s"), HasSubstr("it starts with a whole number"));
  EXPECT_THAT(DurationError("5 parsecs"), HasSubstr("unknown unit 'parsecs'"));
  EXPECT_THAT(DurationError("99999999999999999999s"), HasSubstr("the number is too large"));
  EXPECT_THAT(DurationError("7447w"), HasSubstr("the period is too long"));
  EXPECT_THAT(DurationError(std::string(129, '1')), HasSubstr("it is too long"));
}

RC_GTEST_PROP(DurationProperty, ParsesBackFromItsText, ()) {
  const int64_t us = *rc::gen::inRange<int64_t>(1, kMaxAmount / kMs) * kMs;
  RC_ASSERT(ParseDuration(DurationText(us)).value() == us);
}

}  // namespace
}  // namespace sluice
