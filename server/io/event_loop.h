// One thread that waits for sockets, timers and tasks.
#ifndef SLUICE_IO_EVENT_LOOP_H_
#define SLUICE_IO_EVENT_LOOP_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "core/clock.h"

namespace sluice {

// epoll on a thread of its own. What it watches and its timers belong to that thread: "on the loop"
// below means called there.
class EventLoop {
 public:
  // Told of a file descriptor's events. Outlives its watch.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    // EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, as epoll_wait tells them. It may forget its own or
    // another descriptor, whose events of the same wakeup are then not told any more.
    virtual void OnEvents(uint32_t events) = 0;
  };

  // An instant at which `task` runs on the loop. Belongs to the loop; must not outlive it.
  class Timer {
   public:
    virtual ~Timer() = default;
    // At that instant of the loop's clock, in microseconds since the Unix epoch, or at the next
    // wakeup when it is past. Takes the place of what was set before.
    virtual void Set(int64_t at_us) = 0;
    virtual void Cancel() = 0;
    virtual bool is_set() const = 0;
  };

  virtual ~EventLoop() = default;

  // Thread-safe. Tasks run on the loop, in the order in which they were posted. What is posted
  // before the loop ends is still run.
  virtual void Post(std::function<void()> task) = 0;
  // Thread-safe. The task runs on the loop, once, so many microseconds after the wakeup that hears
  // of it. What is not due by then ends with the loop, and never runs.
  virtual void RunAfter(int64_t delay_us, std::function<void()> task) = 0;
  // Thread-safe.
  virtual bool OnLoop() const = 0;

  // On the loop. Level-triggered. A descriptor is forgotten before it is closed.
  virtual void Watch(int fd, uint32_t events, Watcher& watcher) = 0;
  virtual void Change(int fd, uint32_t events) = 0;
  virtual void Forget(int fd) = 0;

  // On the loop. `task` may set its timer again, and may destroy it.
  virtual std::unique_ptr<Timer> NewTimer(std::function<void()> task) = 0;

  // On the loop: runs once this wakeup's events, timers and tasks have been told, so that what
  // they write goes out together. What it adds itself runs in the same wakeup, too.
  virtual void AtEndOfWakeup(std::function<void()> task) = 0;

  // On the loop: the clock, read once a wakeup. Microseconds since the Unix epoch.
  virtual int64_t now_us() const = 0;
};

// Its destructor, called off the loop, runs what was posted, and then ends the thread. The clock
// outlives it.
std::unique_ptr<EventLoop> NewEventLoop(const Clock& clock);

}  // namespace sluice

#endif  // SLUICE_IO_EVENT_LOOP_H_
