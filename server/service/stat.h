// A verdict as the API shows it.
#ifndef SLUICE_SERVICE_STAT_H_
#define SLUICE_SERVICE_STAT_H_

#include <cstdint>

#include "core/rate.h"
#include "limiter/call.h"
#include "sluice/v1/limiter.pb.h"

namespace sluice {

// Milliseconds; +infinity for kNever.
double ToMs(int64_t us);

void FillRate(const Rate& rate, v1::Rate& out);

// Writes what became of one throttle: its outcome, what was taken and, when `with_stat` and there
// is one, its state with the strategy's metadata.
void FillResult(const Line& line, bool with_stat, v1::ThrottleResult& result);

}  // namespace sluice

#endif  // SLUICE_SERVICE_STAT_H_
