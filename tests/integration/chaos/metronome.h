// When the machine had no processor for a thread that wanted one.
#ifndef SLUICE_TESTS_INTEGRATION_CHAOS_METRONOME_H_
#define SLUICE_TESTS_INTEGRATION_CHAOS_METRONOME_H_

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "core/mutex.h"

namespace sluice {

// A thread on each processor that sleeps for 1 ms again and again, and notes when it woke too late.
// It shares nothing with what is tested, so that a stall of that is none of its own.
class Metronome {
 public:
  Metronome();
  ~Metronome();

  // How much of a span (SteadyUs) one of its threads waited for its processor.
  int64_t StarvedUs(int64_t from_us, int64_t to_us) const;

 private:
  using Gap = std::pair<int64_t, int64_t>;

  void Run(size_t processor);

  std::atomic<bool> stopping_{false};
  mutable Mutex mutex_;
  std::vector<std::vector<Gap>> gaps_ ABSL_GUARDED_BY(mutex_);  // a processor each
  std::vector<std::thread> threads_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_INTEGRATION_CHAOS_METRONOME_H_
