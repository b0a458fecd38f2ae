// Local hours: what the clock on the wall says, daylight saving included.
#ifndef SLUICE_STRATEGY_CALENDAR_H_
#define SLUICE_STRATEGY_CALENDAR_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "strategy/params.h"

namespace sluice {

// A value for each local hour, 0 to 23.
using HourTable = std::array<int64_t, 24>;

// A stretch of time in which the local hour is the same; microseconds since the epoch. Whole
// seconds.
struct Hour {
  int hour = 0;  // 0 to 23
  int64_t from_us = 0;
  int64_t until_us = 0;  // not part of it
};

// The hours of one time zone. Thread-safe.
//
// To look an hour up costs three questions to the time zone, some 150 ns, and most instants lie in
// the hour of the one before. So the last hours are remembered, each as one word that is read and
// written at once, without a lock: a step takes a third of the time, and a denied one less than a
// quarter (tests/bench/strategy_bench).
class LocalHours {
 public:
  LocalHours() : LocalHours(absl::UTCTimeZone()) {}
  explicit LocalHours(const absl::TimeZone& zone) : zone_(zone) {}
  // The copy remembers nothing yet.
  LocalHours(const LocalHours& other) : LocalHours(other.zone_) {}
  LocalHours& operator=(const LocalHours&) = delete;

  // The stretch that an instant >= 0 lies in.
  Hour At(int64_t at_us) const;

  // The first instant in [from_us, until_us) whose hour `fits`; nullopt: none. After 8 days without
  // one it gives up: hours come back each day, unless the clocks are moved.
  absl::optional<int64_t> First(int64_t from_us, int64_t until_us,
                                absl::FunctionRef<bool(const Hour&)> fits) const;

 private:
  Hour LookUp(int64_t at_s) const;

  const absl::TimeZone zone_;
  // By the number of the hour since the epoch; 0: none.
  mutable std::array<std::atomic<uint64_t>, 4> known_{};
};

// The parameter `name`: a list of {from, to, multiplier}, in whole hours, which cover the day
// without overlap. Millionths. Refuses what it is not.
HourTable ReadHourTable(absl::string_view name, ParamReader& params);

// The parameter `name`: an IANA name; UTC when absent. Refuses one that this machine does not know.
LocalHours ReadZone(absl::string_view name, ParamReader& params);

}  // namespace sluice

#endif  // SLUICE_STRATEGY_CALENDAR_H_
