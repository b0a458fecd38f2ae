// Backends as they are across a network: one that answers later, one that fails.
#ifndef SLUICE_TESTS_FAKES_LATE_BACKEND_H_
#define SLUICE_TESTS_FAKES_LATE_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "absl/types/optional.h"
#include "backend/backend.h"
#include "core/mutex.h"

namespace sluice {

// Hands each decision, and what is to be forgotten, to another backend on a thread of its own,
// after Decide or Forget has returned. Once destroyed it has answered everything.
class LateBackend final : public Backend {
 public:
  // In the order in which they came, or shuffled among those that wait.
  explicit LateBackend(std::unique_ptr<Backend> inner,
                       absl::optional<uint64_t> shuffle_seed = absl::nullopt)
      : inner_(std::move(inner)),
        shuffled_(shuffle_seed.has_value()),
        generator_(shuffle_seed.value_or(0)),
        thread_([this] { Run(); }) {}

  ~LateBackend() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      held_ = false;
      changed_.NotifyAll();
    }
    thread_.join();
  }

  void Decide(Decision& decision) override {
    Enqueue([this, &decision] { inner_->Decide(decision); });
  }
  void Forget(Forgetting& forgetting) override {
    Enqueue([this, &forgetting] { inner_->Forget(forgetting); });
  }

  BackendStats Stats() const override { return inner_->Stats(); }

  // From here on all that comes only waits; one whose turn has come is still answered.
  void Hold() {
    MutexLock lock(mutex_);
    held_ = true;
  }
  void Release() {
    MutexLock lock(mutex_);
    held_ = false;
    changed_.NotifyAll();
  }
  size_t waiting() const {
    MutexLock lock(mutex_);
    return waiting_.size();
  }

 private:
  using Task = std::function<void()>;

  void Enqueue(Task task) {
    MutexLock lock(mutex_);
    waiting_.push_back(std::move(task));
    changed_.NotifyAll();
  }

  void Run() {
    while (const Task task = Next()) task();
  }

  // Null when there will be no more.
  Task Next() {
    MutexLock lock(mutex_);
    while ((waiting_.empty() && !stopping_) || held_) changed_.Wait(mutex_);
    if (waiting_.empty()) return nullptr;
    auto next = waiting_.begin();
    if (shuffled_) {
      std::uniform_int_distribution<size_t> any(0, waiting_.size() - 1);
      next += static_cast<std::ptrdiff_t>(any(generator_));
    }
    Task task = std::move(*next);
    waiting_.erase(next);
    return task;
  }

  const std::unique_ptr<Backend> inner_;
  const bool shuffled_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Task> waiting_ ABSL_GUARDED_BY(mutex_);
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::mt19937_64 generator_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Answers everything with one error, at once.
class FailingBackend final : public Backend {
 public:
  explicit FailingBackend(absl::Status error) : error_(std::move(error)) {}

  void Decide(Decision& decision) override { decision.Done(error_); }
  void Forget(Forgetting& forgetting) override { forgetting.Done(error_); }
  BackendStats Stats() const override {
    BackendStats stats;
    stats.up = false;
    return stats;
  }

 private:
  const absl::Status error_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_LATE_BACKEND_H_
