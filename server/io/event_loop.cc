#include "io/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "core/mutex.h"

namespace sluice {
namespace {

constexpr size_t kEventsPerWakeup = 256;

// A process that cannot have these cannot serve: as when a thread cannot be started, it ends.
int Needed(int fd, const char* what) {
  if (fd >= 0) return fd;
  std::fprintf(stderr, "sluice: %s: %s\n", what, std::strerror(errno));
  std::abort();
}

class Loop final : public EventLoop {
 public:
  explicit Loop(const Clock& clock)
      : clock_(clock),
        epoll_(Needed(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        wake_(Needed(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
        now_us_(clock.Now()) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<uint64_t>(wake_);
    Needed(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
    thread_ = std::thread([this] { Run(); });
  }

  ~Loop() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      WakeIfAsleep();
    }
    thread_.join();
    close(wake_);
    close(epoll_);
  }

  void Post(std::function<void()> task) override {
    MutexLock lock(mutex_);
    posted_.push_back(std::move(task));
    // Under the lock: once the task has run, its owner may end the loop, and the descriptor is
    // gone.
    WakeIfAsleep();
  }
  void RunAfter(int64_t delay_us, std::function<void()> task) override {
    Post([this, delay_us, task = std::move(task)] {
      const auto timer = one_shots_.emplace(one_shots_.end());
      *timer = NewTimer([this, timer, task] {
        one_shots_.erase(timer);
        task();
      });
      (*timer)->Set(now_us_ + delay_us);
    });
  }
  bool OnLoop() const override { return current_ == this; }

  void Watch(int fd, uint32_t events, Watcher& watcher) override {
    if (watches_.size() <= static_cast<size_t>(fd)) watches_.resize(static_cast<size_t>(fd) + 1);
    watches_[fd] = {&watcher, ++generation_};
    if (Control(EPOLL_CTL_ADD, fd, events)) return;
    // The kernel has no room for it: nobody would ever tell the watcher anything.
    Post([this, fd, generation = generation_] { Tell(fd, generation, EPOLLERR); });
  }
  void Change(int fd, uint32_t events) override { Control(EPOLL_CTL_MOD, fd, events); }
  void Forget(int fd) override {
    watches_[fd] = {};
    Control(EPOLL_CTL_DEL, fd, 0);
  }

  std::unique_ptr<Timer> NewTimer(std::function<void()> task) override {
    return std::make_unique<LoopTimer>(*this, std::move(task));
  }
  void AtEndOfWakeup(std::function<void()> task) override { at_end_.push_back(std::move(task)); }
  int64_t now_us() const override { return now_us_; }

 private:
  // By instant, and by who was set first.
  using TimerKey = std::pair<int64_t, uint64_t>;

  class LoopTimer final : public Timer {
   public:
    LoopTimer(Loop& loop, std::function<void()> task) : loop_(loop), task_(std::move(task)) {}
    ~LoopTimer() override {
      Cancel();
      if (loop_.running_ == this) loop_.running_ = nullptr;
    }

    void Set(int64_t at_us) override {
      Cancel();
      // Nothing is due before now: so what is set while timers run comes after all that are due.
      key_ = {std::max(at_us, loop_.now_us_), ++loop_.times_set_};
      loop_.timers_.emplace(key_, this);
      set_ = true;
    }
    void Cancel() override {
      if (!set_) return;
      loop_.timers_.erase(key_);
      set_ = false;
    }
    bool is_set() const override { return set_; }

    void Run() {
      Cancel();
      // The task may destroy the timer: it must not go with it while it runs.
      std::function<void()> task = std::move(task_);
      Loop& loop = loop_;
      loop.running_ = this;
      task();
      if (loop.running_ == this) task_ = std::move(task);
      loop.running_ = nullptr;
    }

   private:
    Loop& loop_;
    std::function<void()> task_;
    TimerKey key_;
    bool set_ = false;
  };

  struct Watched {
    Watcher* watcher = nullptr;
    // Tells a descriptor from an earlier one of the same number, of which the wakeup has events.
    uint32_t generation = 0;
  };

  void Run() {
    current_ = this;
    std::array<epoll_event, kEventsPerWakeup> events;
    std::vector<std::function<void()>> tasks;
    while (true) {
      bool idle;
      {
        MutexLock lock(mutex_);
        idle = posted_.empty();
        if (idle && stopping_) break;
        asleep_ = idle;
      }
      const int told =
          epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), idle ? WaitMs() : 0);
      tasks.clear();
      {
        MutexLock lock(mutex_);
        asleep_ = false;
        tasks.swap(posted_);
      }
      now_us_ = clock_.Now();
      const uint64_t set_before = times_set_;
      for (int i = 0; i < told; ++i) {
        const uint64_t data = events[i].data.u64;
        Tell(static_cast<int>(data & 0xffffffff), static_cast<uint32_t>(data >> 32),
             events[i].events);
      }
      RunTimers(set_before);
      for (std::function<void()>& task : tasks) {
        task();
        task = nullptr;  // what it holds is gone before the next one runs
      }
      RunAtEnd();
    }
    current_ = nullptr;
  }

  // Rounded up, so that no timer wakes the loop before its instant.
  int WaitMs() const {
    if (timers_.empty()) return -1;
    const int64_t wait_us = timers_.begin()->first.first - clock_.Now();
    if (wait_us <= 0) return 0;
    return static_cast<int>(
        std::min<int64_t>((wait_us - 1) / 1000 + 1, std::numeric_limits<int>::max()));
  }

  void WakeIfAsleep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!asleep_) return;
    asleep_ = false;
    // Cannot fail: the counter is far from full.
    [[maybe_unused]] const int written = eventfd_write(wake_, 1);
  }

  void Tell(int fd, uint32_t generation, uint32_t events) {
    if (fd == wake_) {
      eventfd_t ignored;
      [[maybe_unused]] const int read = eventfd_read(wake_, &ignored);
      return;
    }
    const Watched& watched = watches_[fd];
    if (watched.watcher == nullptr || watched.generation != generation) return;
    watched.watcher->OnEvents(events);
  }

  void RunTimers(uint64_t set_before) {
    while (!timers_.empty()) {
      const auto& [key, timer] = *timers_.begin();
      if (key.first > now_us_ || key.second > set_before) return;
      timer->Run();
    }
  }

  void RunAtEnd() {
    for (size_t i = 0; i < at_end_.size(); ++i) {
      const std::function<void()> task = std::move(at_end_[i]);
      task();
    }
    at_end_.clear();
  }

  bool Control(int operation, int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = (uint64_t{watches_[fd].generation} << 32) | static_cast<uint32_t>(fd);
    return epoll_ctl(epoll_, operation, fd, &event) == 0;
  }

  static thread_local const Loop* current_;

  const Clock& clock_;
  const int epoll_;
  const int wake_;

  Mutex mutex_;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(mutex_);
  bool asleep_ ABSL_GUARDED_BY(mutex_) = false;  // nobody has woken it yet
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // Of the thread alone.
  int64_t now_us_;
  std::vector<Watched> watches_;  // by descriptor
  uint32_t generation_ = 0;
  std::map<TimerKey, LoopTimer*> timers_;
  uint64_t times_set_ = 0;
  LoopTimer* running_ = nullptr;
  std::vector<std::function<void()>> at_end_;
  std::list<std::unique_ptr<Timer>> one_shots_;  // of RunAfter

  std::thread thread_;
};

thread_local const Loop* Loop::current_ = nullptr;

}  // namespace

std::unique_ptr<EventLoop> NewEventLoop(const Clock& clock) {
  return std::make_unique<Loop>(clock);
}

}  // namespace sluice
