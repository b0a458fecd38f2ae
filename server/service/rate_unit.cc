#include "service/rate_unit.h"

#include <array>

namespace sluice {
namespace {

using OverrideUnit = envoy::type::v3::RateLimitUnit;
using Unit = RateUnit::Unit;

struct UnitRow {
  Unit::Unit unit;
  OverrideUnit override_unit;  // UNKNOWN: an override cannot say it
  int64_t us;
};
constexpr std::array<UnitRow, 7> kUnits = {{
    {Unit::YEAR, OverrideUnit::YEAR, kYearUs},
    {Unit::MONTH, OverrideUnit::MONTH, kMonthUs},
    {Unit::WEEK, OverrideUnit::UNKNOWN, kWeekUs},
    {Unit::DAY, OverrideUnit::DAY, kDayUs},
    {Unit::HOUR, OverrideUnit::HOUR, kHourUs},
    {Unit::MINUTE, OverrideUnit::MINUTE, kMinuteUs},
    {Unit::SECOND, OverrideUnit::SECOND, kSecondUs},
}};

}  // namespace

RateUnit UnitOf(const Rate& rate) {
  for (const UnitRow& row : kUnits) {
    if (rate.period_us() % row.us == 0) return {row.unit, rate.period_us() / row.us};
  }
  return {};
}

absl::optional<int64_t> UnitUs(OverrideUnit unit) {
  for (const UnitRow& row : kUnits) {
    if (unit != OverrideUnit::UNKNOWN && row.override_unit == unit) return row.us;
  }
  return absl::nullopt;
}

}  // namespace sluice
