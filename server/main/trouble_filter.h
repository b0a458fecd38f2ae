// Which of a backend's troubles the log hears of.
#ifndef SLUICE_MAIN_TROUBLE_FILTER_H_
#define SLUICE_MAIN_TROUBLE_FILTER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "core/mutex.h"

namespace sluice {

// What goes wrong with a Redis goes wrong many times a second: each reason is told once in ten
// seconds, and no two within one. Thread-safe; the clock outlives it.
class TroubleFilter {
 public:
  explicit TroubleFilter(const Clock& clock) : clock_(clock) {}

  // Whether the log hears of this trouble.
  bool Passes(absl::string_view why);
  // From now on it hears of nothing: the backend is not in use any more.
  void Close();
  // Whether the log hears that all is well: for the first time, and when it has heard of a trouble.
  bool PassesWell();

 private:
  const Clock& clock_;
  Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool well_is_news_ ABSL_GUARDED_BY(mutex_) = true;
  // Of the last ten seconds, by reason.
  std::map<std::string, int64_t, std::less<>> told_us_ ABSL_GUARDED_BY(mutex_);
  int64_t last_told_us_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice

#endif  // SLUICE_MAIN_TROUBLE_FILTER_H_
