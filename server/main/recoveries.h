// Does what is to be done when a backend works again.
#ifndef SLUICE_MAIN_RECOVERIES_H_
#define SLUICE_MAIN_RECOVERIES_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/mutex.h"

namespace sluice {

// Runs one task for each backend that has recovered, on a thread of its own, because those who find
// out must not wait. Thread-safe.
class Recoveries {
 public:
  explicit Recoveries(std::function<void(const std::string& backend)> task);
  ~Recoveries() { Stop(); }

  // One that is told again before its turn has one turn. After Stop it is not heard.
  void Add(const std::string& backend);
  // Waits for the task that runs; what waits is dropped. To be called once what the task needs
  // goes.
  void Stop();

 private:
  void Run();

  const std::function<void(const std::string& backend)> task_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sluice

#endif  // SLUICE_MAIN_RECOVERIES_H_
