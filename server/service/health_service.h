// grpc.health.v1.Health: one status for all services, by name.
#ifndef SLUICE_SERVICE_HEALTH_SERVICE_H_
#define SLUICE_SERVICE_HEALTH_SERVICE_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "core/mutex.h"
#include "grpc/health/v1/health.pb.h"
#include "service/handler.h"

namespace sluice {

// One open Watch. Told from the thread that changes the status, without locks held.
class HealthWatcher {
 public:
  virtual ~HealthWatcher() = default;
  // Status() may give another answer now.
  virtual void OnChange() = 0;
};

// Thread-safe. Serving from the start.
class HealthService {
 public:
  using ServingStatus = grpc::health::v1::HealthCheckResponse::ServingStatus;

  void Check(const grpc::health::v1::HealthCheckRequest& request, const CallContext& context,
             grpc::health::v1::HealthCheckResponse* response, Reply reply);

  // What a Watch shows: SERVICE_UNKNOWN for a service that is not here; nullopt when watches are to
  // end.
  absl::optional<ServingStatus> Status(absl::string_view service) const;
  // Tells the watcher of changes until Unwatch. One that is told at that moment is told once more.
  void Watch(std::shared_ptr<HealthWatcher> watcher);
  void Unwatch(const HealthWatcher& watcher);

  // NOT_SERVING from now on, to checks and watchers.
  void Drain();
  // Ends all watches, and those that come later.
  void CloseWatches();

  bool serving() const;

 private:
  void TellAll();

  mutable Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = true;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<HealthWatcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice

#endif  // SLUICE_SERVICE_HEALTH_SERVICE_H_
