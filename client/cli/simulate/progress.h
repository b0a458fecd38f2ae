// How far it has come, on a terminal.
#ifndef SLUICE_CLI_SIMULATE_PROGRESS_H_
#define SLUICE_CLI_SIMULATE_PROGRESS_H_

#include <cstdint>
#include <ostream>

#include "core/clock.h"

namespace sluice::cli {

// A line that is written over, from the first second on. Not thread-safe.
class Progress {
 public:
  // Both outlive it.
  Progress(const Clock& clock, std::ostream& out);
  // Takes the line away.
  ~Progress();

  // Once a row.
  void Row() {
    if (++rows_ % kRowsALook == 0) Look();
  }

 private:
  static constexpr int64_t kRowsALook = 4096;

  void Look();

  const Clock& clock_;
  std::ostream& out_;
  const int64_t began_us_;
  int64_t shown_us_;
  int64_t rows_ = 0;
  bool shown_ = false;
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_PROGRESS_H_
