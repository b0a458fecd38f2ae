#include "tests/integration/chaos/metronome.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "tests/fakes/redis/patience.h"

namespace sluice {
namespace {

constexpr int64_t kBeatUs = 1'000;
constexpr int64_t kNotedUs = 4'000;

}  // namespace

Metronome::Metronome() {
  const size_t processors = std::max(1U, std::thread::hardware_concurrency());
  {
    MutexLock lock(mutex_);
    gaps_.resize(processors);
  }
  for (size_t i = 0; i < processors; ++i) threads_.emplace_back([this, i] { Run(i); });
}

Metronome::~Metronome() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void Metronome::Run(size_t processor) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(processor, &only);
  // One that must not go there stays where it may be.
  static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof(only), &only));
  int64_t before_us = SteadyUs();
  while (!stopping_) {
    SleepUs(kBeatUs);
    const int64_t now_us = SteadyUs();
    if (now_us - before_us > kNotedUs) {
      MutexLock lock(mutex_);
      gaps_[processor].emplace_back(before_us, now_us);
    }
    before_us = now_us;
  }
}

int64_t Metronome::StarvedUs(int64_t from_us, int64_t to_us) const {
  MutexLock lock(mutex_);
  int64_t most_us = 0;
  for (const auto& gaps : gaps_) {
    int64_t sum_us = 0;
    for (const auto& [begin_us, end_us] : gaps) {
      sum_us += std::max<int64_t>(std::min(end_us, to_us) - std::max(begin_us, from_us), 0);
    }
    most_us = std::max(most_us, sum_us);
  }
  return most_us;
}

}  // namespace sluice
