// Waiting for what other processes do, and giving up in words.
#ifndef SLUICE_TESTS_FAKES_REDIS_PATIENCE_H_
#define SLUICE_TESTS_FAKES_REDIS_PATIENCE_H_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "absl/functional/function_ref.h"

namespace sluice {

// Of a steady clock with a zero of its own.
inline int64_t SteadyUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline void SleepUs(int64_t us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }

// Asks every 5 ms. False when it was not so within `timeout_us`.
inline bool WaitUntil(absl::FunctionRef<bool()> condition, int64_t timeout_us = 10'000'000) {
  const int64_t end = SteadyUs() + timeout_us;
  while (!condition()) {
    if (SteadyUs() >= end) return false;
    SleepUs(5000);
  }
  return true;
}

// For what a fixture cannot do without. The children end with this process.
[[noreturn]] inline void GiveUp(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_REDIS_PATIENCE_H_
