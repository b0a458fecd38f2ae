#include "service/rate_unit.h"

#include <array>

namespace sluice {
namespace {

using OverrideUnit = envoy::type::v3::RateLimitUnit;
using Unit = RateUnit::Unit;

constexpr int64_t kDayUs = 86'400'000'000;

struct UnitRow {
  Unit::Unit unit;
  OverrideUnit override_unit;  // UNKNOWN: an override cannot say it
  int64_t us;
};
constexpr std::array<UnitRow, 7> kUnits = {{
    {Unit::YEAR, OverrideUnit::YEAR, 365 * kDayUs},
    {Unit::MONTH, OverrideUnit::MONTH, 30 * kDayUs},
    {Unit::WEEK, OverrideUnit::UNKNOWN, 7 * kDayUs},
    {Unit::DAY, OverrideUnit::DAY, kDayUs},
    {Unit::HOUR, OverrideUnit::HOUR, 3'600'000'000},
    {Unit::MINUTE, OverrideUnit::MINUTE, 60'000'000},
    {Unit::SECOND, OverrideUnit::SECOND, 1'000'000},
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
