#include "service/health_service.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using grpc::health::v1::HealthCheckResponse;

constexpr std::array<absl::string_view, 4> kServices = {
    "", "sluice.v1.Limiter", "envoy.service.ratelimit.v3.RateLimitService", "ratelimit"};

bool IsKnown(absl::string_view service) {
  return std::find(kServices.begin(), kServices.end(), service) != kServices.end();
}

}  // namespace

absl::optional<HealthService::ServingStatus> HealthService::Status(
    absl::string_view service) const {
  MutexLock lock(mutex_);
  if (closed_) return absl::nullopt;
  if (!IsKnown(service)) return HealthCheckResponse::SERVICE_UNKNOWN;
  return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

void HealthService::Check(const grpc::health::v1::HealthCheckRequest& request, const CallContext&,
                          HealthCheckResponse* response, Reply reply) {
  if (!IsKnown(request.service())) {
    reply(absl::NotFoundError(absl::StrCat("no service '", request.service(), "' is known here")));
    return;
  }
  response->set_status(serving() ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING);
  reply(absl::OkStatus());
}

void HealthService::Watch(std::shared_ptr<HealthWatcher> watcher) {
  MutexLock lock(mutex_);
  watchers_.push_back(std::move(watcher));
}

void HealthService::Unwatch(const HealthWatcher& watcher) {
  MutexLock lock(mutex_);
  watchers_.erase(std::remove_if(watchers_.begin(), watchers_.end(),
                                 [&](const auto& each) { return each.get() == &watcher; }),
                  watchers_.end());
}

// A watcher may end its call within, which comes back to Unwatch: no lock is held.
void HealthService::TellAll() {
  std::vector<std::shared_ptr<HealthWatcher>> watchers;
  {
    MutexLock lock(mutex_);
    watchers = watchers_;
  }
  for (const auto& watcher : watchers) watcher->OnChange();
}

void HealthService::Drain() {
  {
    MutexLock lock(mutex_);
    serving_ = false;
  }
  TellAll();
}

void HealthService::CloseWatches() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  TellAll();
}

bool HealthService::serving() const {
  MutexLock lock(mutex_);
  return serving_;
}

}  // namespace sluice
