#include "policy/policy_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>

namespace sluice {
namespace {

// A file that is still being written tells nothing before it is closed.
constexpr uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// A folder that never comes to rest is looked at all the same.
constexpr int kMaxQuietRounds = 20;

// A file descriptor; -1 for one that could not be had.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// Without inotify, whose instances and watches the system limits, there is the polling alone: a
// change is then seen within seconds instead of at once.
class Watcher final : public PolicyWatcher {
 public:
  Watcher(PolicySource& source, WatchOptions options)
      : source_(source),
        options_(options),
        stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        changes_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
        thread_([this] { Run(); }) {}

  ~Watcher() override {
    stopping_ = true;
    // Cannot fail: the counter is far from full. Without it, the next poll ends the thread.
    [[maybe_unused]] const int written = eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  void Run() {
    while (!stopping_) {
      WatchFolders();
      // What changed before its folder was watched is found now.
      source_.CheckForChange();
      WaitForChange();
    }
  }

  void WaitForChange() {
    if (!Wait(options_.poll_ms)) return;
    for (int round = 0; round < kMaxQuietRounds && !stopping_; ++round) {
      if (!Wait(options_.quiet_ms)) return;
    }
  }

  // True when something changed or the watcher stops, false when `ms` have passed first.
  bool Wait(int ms) {
    std::array<pollfd, 2> waiting = {{{stop_.get(), POLLIN, 0}, {changes_.get(), POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), ms) <= 0) return false;
    std::array<char, 4096> events;
    while (read(changes_.get(), events.data(), events.size()) > 0) {
    }
    return true;
  }

  // Adding a folder again is nothing new, unless another one stands there now.
  void WatchFolders() {
    std::set<int> watches;
    for (const std::string& folder : source_.folders()) {
      const int watch = inotify_add_watch(changes_.get(), folder.c_str(), kChanges);
      if (watch >= 0) watches.insert(watch);
    }
    for (const int old : watches_) {
      if (watches.count(old) == 0) inotify_rm_watch(changes_.get(), old);
    }
    watches_ = std::move(watches);
  }

  PolicySource& source_;
  const WatchOptions options_;
  const Descriptor stop_;
  const Descriptor changes_;
  std::atomic<bool> stopping_{false};
  std::set<int> watches_;  // of the thread alone
  std::thread thread_;
};

}  // namespace

std::unique_ptr<PolicyWatcher> WatchPolicy(PolicySource& source, WatchOptions options) {
  return std::make_unique<Watcher>(source, options);
}

}  // namespace sluice
