#include "core/rate.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

constexpr size_t kMaxTextLength = 128;
constexpr absl::string_view kUnitList = "ms, s, min, h, d or w";

struct Unit {
  absl::string_view name;  // canonical, in output
  int64_t us;
  std::array<absl::string_view, 3> others;  // with `s` added too
};

constexpr std::array<Unit, 6> kUnits = {{
    {"w", kWeekUs, {"week"}},
    {"d", kDayUs, {"day"}},
    {"h", kHourUs, {"hr", "hour"}},
    {"min", kMinuteUs, {"m", "minute"}},
    {"s", kSecondUs, {"sec", "second"}},
    {"ms", kMillisecondUs, {"millisecond"}},
}};

// "hrs", "mins" and "secs" are plurals too; one-letter units and "ms" have none.
bool IsNameOf(absl::string_view word, absl::string_view name) {
  if (word == name) return true;
  return name.size() > 1 && name != "ms" && word.size() == name.size() + 1 &&
         absl::StartsWith(word, name) && word.back() == 's';
}

const Unit* FindUnit(absl::string_view word) {
  for (const Unit& unit : kUnits) {
    if (IsNameOf(word, unit.name)) return &unit;
    for (absl::string_view other : unit.others) {
      if (!other.empty() && IsNameOf(word, other)) return &unit;
    }
  }
  return nullptr;
}

absl::string_view TakeDigits(absl::string_view& text) {
  size_t n = 0;
  while (n < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[n]))) ++n;
  const absl::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

absl::Status BadRate(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "rate '", text, "': ", why, " (for example 100/min, 2 per second, 10/30s or unlimited)"));
}

absl::Status BadDuration(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("duration '", text, "': ", why, " (for example 250ms, 2s or 1h)"));
}

// What stands after the `/` of a rate, or alone: `[n] unit`. An error is a phrase without context.
absl::StatusOr<int64_t> ParsePeriod(absl::string_view text, bool number_required) {
  const absl::string_view digits = TakeDigits(text);
  text = absl::StripAsciiWhitespace(text);
  int64_t count = 1;
  if (digits.empty()) {
    if (number_required) return absl::InvalidArgumentError("it starts with a whole number");
  } else if (!absl::SimpleAtoi(digits, &count)) {
    return absl::InvalidArgumentError("the number is too large");
  }
  if (text.empty())
    return absl::InvalidArgumentError(absl::StrCat("the unit is missing: ", kUnitList));
  const Unit* unit = FindUnit(text);
  if (unit == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("unknown unit '", text, "': use ", kUnitList));
  }
  if (count == 0) return absl::InvalidArgumentError("the period must be above 0");
  if (count > (kMaxAmount - 1) / unit->us)
    return absl::InvalidArgumentError("the period is too long");
  return count * unit->us;
}

}  // namespace

absl::StatusOr<Rate> Rate::Create(int64_t limit, int64_t period_us) {
  if (limit < 0 || limit >= kMaxAmount) {
    return absl::InvalidArgumentError(absl::StrCat("the limit ", limit, " is outside [0, 2^52)"));
  }
  if (period_us < kMillisecondUs || period_us >= kMaxAmount || period_us % kMillisecondUs != 0) {
    return absl::InvalidArgumentError("the period must be whole milliseconds, at least 1 ms");
  }
  return Rate(limit, period_us);
}

absl::StatusOr<Rate> Rate::Parse(absl::string_view original) {
  if (original.size() > kMaxTextLength) {
    return BadRate(absl::StrCat(original.substr(0, 32), "..."), "it is too long");
  }
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(original));
  if (lower == "unlimited") return Unlimited();

  absl::string_view text = lower;
  const absl::string_view digits = TakeDigits(text);
  if (digits.empty()) return BadRate(original, "it starts with a whole number");
  int64_t limit = 0;
  if (!absl::SimpleAtoi(digits, &limit) || limit >= kMaxAmount) {
    return BadRate(original, "the limit must be below 2^52");
  }
  const absl::string_view before = text;
  text = absl::StripLeadingAsciiWhitespace(text);
  if (!absl::ConsumePrefix(&text, "/")) {
    const bool apart = before.size() != text.size();
    if (!apart || !absl::ConsumePrefix(&text, "per") || text.empty() ||
        !absl::ascii_isspace(static_cast<unsigned char>(text[0]))) {
      return BadRate(original, "a '/' or ' per ' stands after the limit");
    }
  }
  const absl::StatusOr<int64_t> period = ParsePeriod(absl::StripAsciiWhitespace(text), false);
  if (!period.ok()) return BadRate(original, period.status().message());
  return Rate(limit, *period);
}

std::string Rate::ToString() const {
  if (unlimited()) return "unlimited";
  return absl::StrCat(limit_, "/", DurationText(period_us_, /*omit_one=*/true));
}

std::string DurationText(int64_t us, bool omit_one) {
  for (const Unit& unit : kUnits) {
    if (us < unit.us || us % unit.us != 0) continue;
    const int64_t count = us / unit.us;
    return count == 1 && omit_one ? std::string(unit.name) : absl::StrCat(count, unit.name);
  }
  return absl::StrCat(us, "us");
}

absl::StatusOr<int64_t> ParseDuration(absl::string_view original) {
  if (original.size() > kMaxTextLength) {
    return BadDuration(absl::StrCat(original.substr(0, 32), "..."), "it is too long");
  }
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(original));
  if (lower == "0") return 0;
  const absl::string_view text = lower;
  const size_t zeros = text.find_first_not_of('0');
  if (zeros != 0 && zeros != absl::string_view::npos &&
      FindUnit(absl::StripAsciiWhitespace(text.substr(zeros)))) {
    return 0;
  }
  absl::StatusOr<int64_t> us = ParsePeriod(text, true);
  if (!us.ok()) return BadDuration(original, us.status().message());
  return us;
}

}  // namespace sluice
