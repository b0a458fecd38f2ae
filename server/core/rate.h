// So much per so long.
#ifndef SLUICE_CORE_RATE_H_
#define SLUICE_CORE_RATE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Amounts and times stay below this, so that every product of a step fits in a double's 53 bits
// (Redis's Lua has no other numbers) with room for one debt of the same size.
inline constexpr int64_t kMaxAmount = int64_t{1} << 52;

// Ratios and multipliers are kept in millionths.
inline constexpr int64_t kMillion = 1'000'000;

// Periods in microseconds; months and years as Envoy counts them.
inline constexpr int64_t kMillisecondUs = 1'000;
inline constexpr int64_t kSecondUs = 1'000 * kMillisecondUs;
inline constexpr int64_t kMinuteUs = 60 * kSecondUs;
inline constexpr int64_t kHourUs = 60 * kMinuteUs;
inline constexpr int64_t kDayUs = 24 * kHourUs;
inline constexpr int64_t kWeekUs = 7 * kDayUs;
inline constexpr int64_t kMonthUs = 30 * kDayUs;
inline constexpr int64_t kYearUs = 365 * kDayUs;

// A limit per period, or unlimited. Immutable.
class Rate {
 public:
  // Accepts `<limit>/<n><unit>` and `<limit> per <n> <unit>`, blank-tolerant and case-insensitive:
  // "100/min", "5/s", "2 per second", "10/10s", "1000/500ms", "10/30 seconds"; and "unlimited".
  // Units: ms, s sec, m min, h hr, d, w and their long names, plural too.
  static absl::StatusOr<Rate> Parse(absl::string_view text);

  // `limit` in [0, kMaxAmount), `period_us` in [1000, kMaxAmount) and whole milliseconds.
  static absl::StatusOr<Rate> Create(int64_t limit, int64_t period_us);
  static Rate Unlimited() { return Rate(); }

  bool unlimited() const { return period_us_ == 0; }
  // Hits per period; 0 admits nothing, and stands when unlimited.
  int64_t limit() const { return limit_; }
  // Microseconds; 0 when unlimited.
  int64_t period_us() const { return period_us_; }
  // Canonical text, which parses back to the same rate: "100/min", "10/30s", "unlimited".
  std::string ToString() const;

  friend bool operator==(const Rate& a, const Rate& b) {
    return a.limit_ == b.limit_ && a.period_us_ == b.period_us_;
  }

 private:
  Rate() = default;
  Rate(int64_t limit, int64_t period_us) : limit_(limit), period_us_(period_us) {}

  int64_t limit_ = 0;
  int64_t period_us_ = 0;
};

// "1min", "30s", "500ms": the duration with the largest unit that divides it; "min" when
// `omit_one` and it is exactly one unit.
std::string DurationText(int64_t us, bool omit_one = false);

// "250ms", "2s", "1 hour", with a unit and without a sign. Microseconds; the same units as rates.
absl::StatusOr<int64_t> ParseDuration(absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_CORE_RATE_H_
