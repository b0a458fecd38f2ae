// The backends of the policies, from one policy to the next.
#ifndef SLUICE_MAIN_BACKENDS_H_
#define SLUICE_MAIN_BACKENDS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "backend/backend.h"
#include "backend/memory/memory_backend.h"
#include "backend/resilient/breakers.h"
#include "backend/resilient/resilient_backend.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "io/event_loop.h"
#include "main/trouble_filter.h"
#include "policy/policy_set.h"

namespace sluice {

// Thread-safe, but for Adopt. Destroyed once nobody uses a backend any more.
class Backends final : public Breakers {
 public:
  // `recovered` hears, on any thread, of each backend whose breaker has closed again. It must not
  // block, and lives as long as the backends; so does the clock.
  Backends(const Clock& clock, std::function<void(const std::string& name)> recovered)
      : clock_(clock), recovered_(std::move(recovered)) {}

  // Those that the policy names, in its order. What the policy before had under the same name, of
  // the same type, goes on: one in memory with its counters, at the size that it has now; a Redis
  // with its connections, unless what they are made of has changed; its breaker stays as an
  // operator has set it. The error names the backend that cannot be made, and all is then as
  // before. Not to be called twice at once.
  absl::StatusOr<std::vector<std::shared_ptr<Backend>>> Adopt(const PolicySet& policy);

  // Tells the operator of backends that are full, and ends those that no policy names and no call
  // uses any more; to be called once a minute. The last call that uses a backend must not end it:
  // it runs on the backend's own stack.
  void Tend();

  absl::Status Set(absl::string_view backend, BreakerMode mode) override;

 private:
  struct Row {
    std::string name;
    std::shared_ptr<Backend> backend;
    // What it is: one of the two.
    MemoryBackend* memory = nullptr;
    ResilientBackend* resilient = nullptr;
    absl::optional<RedisSpec> made_of;              // of a Redis
    BreakerMode breaker = BreakerMode::kAutomatic;  // as an operator has set it
    std::shared_ptr<TroubleFilter> troubles;        // of a Redis
    int64_t reported_full = 0;
  };

  // Null when there is none.
  Row* FindRow(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Replace(std::vector<Row> rows);
  // Sets what the row says, also when that changes meanwhile.
  void ApplyBreaker(absl::string_view name);
  static bool Serves(const Row& row, const BackendSpec& spec);
  static void Configure(const Row& row, const BackendSpec& spec);
  absl::StatusOr<Row> Make(const BackendSpec& spec);
  absl::StatusOr<Row> MakeRedis(const BackendSpec& spec);
  ResilientHooks HooksOf(const std::string& name);
  // Made when they are needed first.
  std::vector<EventLoop*> Loops();

  const Clock& clock_;
  const std::function<void(const std::string& name)> recovered_;
  std::vector<std::unique_ptr<EventLoop>> loops_;  // of Adopt alone

  Mutex mutex_;
  std::vector<Row> rows_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Backend>> removed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice

#endif  // SLUICE_MAIN_BACKENDS_H_
