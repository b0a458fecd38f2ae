// The one source of time.
#ifndef SLUICE_CORE_CLOCK_H_
#define SLUICE_CORE_CLOCK_H_

#include <cstdint>
#include <memory>

namespace sluice {

// Microseconds since the Unix epoch. Thread-safe. Injected, never a global; read once a decision.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t Now() const = 0;
};

// A steady clock anchored to UTC: steps forward at once when UTC is more than 1 s ahead, otherwise
// slews towards it by at most 500 ppm, and never runs back.
std::unique_ptr<Clock> NewSystemClock();

// The clock of NewSystemClock() over given readings, so that it can be tested: `steady_us` never
// runs back, `utc_us` may jump. Both are asked on every Now(), from any thread.
class ClockSource {
 public:
  virtual ~ClockSource() = default;
  virtual int64_t SteadyUs() const = 0;
  virtual int64_t UtcUs() const = 0;
};
std::unique_ptr<Clock> NewDisciplinedClock(std::unique_ptr<ClockSource> source);

}  // namespace sluice

#endif  // SLUICE_CORE_CLOCK_H_
