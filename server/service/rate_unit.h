// Periods as Envoy's units.
#ifndef SLUICE_SERVICE_RATE_UNIT_H_
#define SLUICE_SERVICE_RATE_UNIT_H_

#include <cstdint>

#include "absl/types/optional.h"
#include "core/rate.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "envoy/type/v3/ratelimit_unit.pb.h"

namespace sluice {

struct RateUnit {
  using Unit = envoy::service::ratelimit::v3::RateLimitResponse::RateLimit;
  Unit::Unit unit = Unit::UNKNOWN;
  int64_t multiplier = 1;
};

// The largest unit that divides the period, and how often; UNKNOWN below a second.
RateUnit UnitOf(const Rate& rate);

// Microseconds of an override's unit; nullopt for UNKNOWN and what is no unit.
absl::optional<int64_t> UnitUs(envoy::type::v3::RateLimitUnit unit);

}  // namespace sluice

#endif  // SLUICE_SERVICE_RATE_UNIT_H_
