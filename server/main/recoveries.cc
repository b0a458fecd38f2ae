#include "main/recoveries.h"

#include <algorithm>
#include <utility>

namespace sluice {

Recoveries::Recoveries(std::function<void(const std::string& backend)> task)
    : task_(std::move(task)), thread_([this] { Run(); }) {}

void Recoveries::Add(const std::string& backend) {
  MutexLock lock(mutex_);
  if (std::find(waiting_.begin(), waiting_.end(), backend) != waiting_.end()) return;
  waiting_.push_back(backend);
  changed_.NotifyAll();
}

void Recoveries::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Recoveries::Run() {
  for (;;) {
    std::vector<std::string> turn;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      turn = std::exchange(waiting_, {});
    }
    for (const std::string& backend : turn) task_(backend);
  }
}

}  // namespace sluice
