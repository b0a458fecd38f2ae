#include "policy/policy_source.h"

#include <utility>

namespace sluice {

class PolicySource::Turn {
 public:
  explicit Turn(PolicySource& source) : source_(source) {
    MutexLock lock(source_.mutex_);
    while (source_.loading_) source_.turn_over_.Wait(source_.mutex_);
    source_.loading_ = true;
  }
  ~Turn() {
    MutexLock lock(source_.mutex_);
    source_.loading_ = false;
    source_.turn_over_.NotifyOne();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  PolicySource& source_;
};

PolicyLoad PolicySource::Reload() {
  const Turn turn(*this);
  return LoadInTurn();
}

absl::optional<PolicyLoad> PolicySource::CheckForChange() {
  const Turn turn(*this);
  PolicyInputs tried;
  PolicyInputs loaded;
  bool stale = false;
  {
    MutexLock lock(mutex_);
    tried = tried_;
    loaded = loaded_;
    stale = status_.stale && status_.policy != nullptr;
  }
  // The fingerprint of an attempt is that of what it read, so a change while it read is seen here.
  if (tried.PresentFingerprint() == tried.fingerprint()) return absl::nullopt;
  if (stale && loaded.PresentFingerprint() == loaded.fingerprint()) return Restore();
  return LoadInTurn();
}

PolicyLoad PolicySource::LoadInTurn() {
  uint64_t generation = 1;
  if (const auto policy = status().policy; policy != nullptr) generation += policy->generation;
  PolicyResult result = load_(generation);
  PolicyLoad load{std::move(result.policy), std::move(result.errors), std::move(result.warnings)};
  if (load.policy != nullptr) {
    if (const absl::Status status = publish_(load.policy); !status.ok()) {
      load.errors.push_back({{load.policy->source, 1, 1}, std::string(status.message()), ""});
      load.policy = nullptr;
      load.warnings.clear();
    }
  }
  Keep(load, std::move(result.inputs));
  report_(load);
  return load;
}

void PolicySource::Keep(const PolicyLoad& load, PolicyInputs inputs) {
  const int64_t now_us = clock_.Now();
  MutexLock lock(mutex_);
  tried_ = std::move(inputs);
  status_.stale = load.policy == nullptr;
  status_.errors = load.errors;
  ++(status_.stale ? status_.failures : status_.successes);
  if (status_.stale) return;
  loaded_ = tried_;
  status_.policy = load.policy;
  status_.loaded_at_us = now_us;
}

PolicyLoad PolicySource::Restore() {
  PolicyLoad load;
  load.restored = true;
  {
    MutexLock lock(mutex_);
    tried_ = loaded_;
    status_.stale = false;
    status_.errors.clear();
    load.policy = status_.policy;
  }
  report_(load);
  return load;
}

PolicyStatus PolicySource::status() const {
  MutexLock lock(mutex_);
  return status_;
}

std::vector<std::string> PolicySource::folders() const {
  MutexLock lock(mutex_);
  return tried_.Folders();
}

}  // namespace sluice
