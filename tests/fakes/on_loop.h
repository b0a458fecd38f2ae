// Work for an event loop that a test waits for.
#ifndef SLUICE_TESTS_FAKES_ON_LOOP_H_
#define SLUICE_TESTS_FAKES_ON_LOOP_H_

#include <functional>

#include "core/mutex.h"
#include "io/event_loop.h"

namespace sluice {

// Set once, by any thread.
class Flag {
 public:
  void Set() {
    MutexLock lock(mutex_);
    set_ = true;
    changed_.NotifyAll();
  }
  // False when it is not set within 30 s.
  bool Wait() {
    MutexLock lock(mutex_);
    while (!set_) {
      if (!changed_.WaitFor(mutex_, 30'000'000)) return set_;
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

// Runs `task` on the loop, and returns once it has run.
inline void RunOn(EventLoop& loop, const std::function<void()>& task) {
  Mutex mutex;
  CondVar changed;
  bool done = false;
  loop.Post([&] {
    task();
    MutexLock lock(mutex);
    done = true;
    changed.NotifyAll();
  });
  MutexLock lock(mutex);
  while (!done) changed.Wait(mutex);
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_ON_LOOP_H_
