#include "cli/text.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "core/rate.h"
#include "core/utf8.h"

namespace sluice::cli {
namespace {

// Above what any limit can say, below where microseconds overflow.
constexpr double kLongestMs = 1e15;

// How durations below `end` are shown: a multiple of `step`, in `unit` and what is left of it in
// `rest`, or as a decimal of `unit` where there is no `rest`. Microseconds.
struct Scale {
  int64_t end;
  int64_t step;
  int64_t unit;
  absl::string_view unit_name;
  int64_t rest = 0;
  absl::string_view rest_name = {};
};

constexpr Scale kScales[] = {
    {kMillisecondUs, 1, 1, "us"},
    {10 * kMillisecondUs, kMillisecondUs / 10, kMillisecondUs, "ms"},
    {kSecondUs, kMillisecondUs, kMillisecondUs, "ms"},
    {10 * kSecondUs, kSecondUs / 100, kSecondUs, "s"},
    {kMinuteUs, kSecondUs / 10, kSecondUs, "s"},
    {kHourUs, kSecondUs, kMinuteUs, "min", kSecondUs, "s"},
    {kDayUs, kMinuteUs, kHourUs, "h", kMinuteUs, "min"},
    {INT64_MAX, kHourUs, kDayUs, "d", kHourUs, "h"},
};

std::string FormatOn(const Scale& scale, int64_t us) {
  if (scale.rest == 0) {
    return absl::StrCat(static_cast<double>(us) / static_cast<double>(scale.unit), " ",
                        scale.unit_name);
  }
  std::string text = absl::StrCat(us / scale.unit, " ", scale.unit_name);
  const int64_t rest = us % scale.unit / scale.rest;
  if (rest > 0) absl::StrAppend(&text, " ", rest, " ", scale.rest_name);
  return text;
}

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

std::string FormatDuration(double ms) {
  if (std::isnan(ms)) return std::string(kAbsent);
  if (std::isinf(ms)) return "never";
  const int64_t us = std::llround(std::clamp(ms, 0.0, kLongestMs) * 1000);
  if (us == 0) return "0 s";
  // Rounding up can reach the next scale: 59.96 s is a minute.
  for (const Scale& scale : kScales) {
    const int64_t rounded = (us + scale.step - 1) / scale.step * scale.step;
    if (rounded < scale.end) return FormatOn(scale, rounded);
  }
  return std::string(kAbsent);
}

std::string FormatInstant(double ms) {
  const absl::Time time = absl::FromUnixMicros(std::llround(ms * 1000));
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

std::string FormatNumber(double value) {
  if (std::isinf(value)) return value > 0 ? "unlimited" : "-unlimited";
  if (value == std::trunc(value) && std::abs(value) < 1e17) return absl::StrFormat("%.0f", value);
  if (std::abs(value) < 1e6) return absl::StrFormat("%.6g", value);
  // Epoch times keep their microseconds.
  const std::string fixed = absl::StrFormat("%.3f", value);
  return fixed.substr(0, fixed.find_last_not_of('0') + 1);
}

std::string Printable(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const unsigned char lead = static_cast<unsigned char>(text[0]);
    // U+0080 to U+009F are control characters too, which terminals obey.
    const bool control = absl::ascii_iscntrl(lead) || (lead == 0xC2 && length == 2 &&
                                                       static_cast<unsigned char>(text[1]) < 0xA0);
    const size_t taken = std::max<size_t>(length, 1);
    if (length == 0 || control) {
      for (char byte : text.substr(0, taken)) {
        absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(byte));
      }
    } else {
      out.append(text.data(), taken);
    }
    text.remove_prefix(taken);
  }
  return out;
}

size_t DisplayWidth(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !IsContinuation(byte); }));
}

}  // namespace sluice::cli
