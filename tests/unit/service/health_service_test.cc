#include "service/health_service.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/fakes/awaited_reply.h"

namespace sluice {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr const char* kServices[] = {"", "sluice.v1.Limiter",
                                     "envoy.service.ratelimit.v3.RateLimitService", "ratelimit"};

Answered<HealthCheckResponse> Check(HealthService& health, const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  return CallHandler(health, &HealthService::Check, request, CallContext{});
}

class CountingWatcher final : public HealthWatcher {
 public:
  void OnChange() override {
    ++changes;
    if (react) react();
  }

  int changes = 0;
  std::function<void()> react;
};

TEST(HealthServiceTest, ServesEveryServiceByName) {
  HealthService health;
  EXPECT_TRUE(health.serving());
  for (const char* service : kServices) {
    SCOPED_TRACE(service);
    EXPECT_EQ(Check(health, service).response.status(), HealthCheckResponse::SERVING);
    EXPECT_EQ(health.Status(service), HealthCheckResponse::SERVING);
  }
  EXPECT_TRUE(absl::IsNotFound(Check(health, "sluice.v1.Nobody").status));
  EXPECT_EQ(health.Status("sluice.v1.Nobody"), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST(HealthServiceTest, DrainingIsToldToChecksAndWatchers) {
  HealthService health;
  const auto stays = std::make_shared<CountingWatcher>();
  const auto leaves = std::make_shared<CountingWatcher>();
  health.Watch(stays);
  health.Watch(leaves);
  EXPECT_EQ(stays->changes, 0);
  health.Unwatch(*leaves);
  health.Drain();
  EXPECT_EQ(stays->changes, 1);
  EXPECT_EQ(leaves->changes, 0);
  EXPECT_FALSE(health.serving());
  for (const char* service : kServices) {
    EXPECT_TRUE(Check(health, service).status.ok());
    EXPECT_EQ(Check(health, service).response.status(), HealthCheckResponse::NOT_SERVING);
    EXPECT_EQ(health.Status(service), HealthCheckResponse::NOT_SERVING);
  }
  EXPECT_EQ(health.Status("sluice.v1.Nobody"), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST(HealthServiceTest, ClosedWatchesHaveNoStatusAndChecksGoOn) {
  HealthService health;
  const auto watcher = std::make_shared<CountingWatcher>();
  health.Watch(watcher);
  health.CloseWatches();
  EXPECT_EQ(watcher->changes, 1);
  EXPECT_EQ(health.Status(""), absl::nullopt);
  EXPECT_EQ(health.Status("sluice.v1.Nobody"), absl::nullopt);
  EXPECT_EQ(Check(health, "").response.status(), HealthCheckResponse::SERVING);
}

TEST(HealthServiceTest, AWatcherMayLeaveAndAskWhileItIsTold) {
  HealthService health;
  const auto watcher = std::make_shared<CountingWatcher>();
  watcher->react = [&] {
    EXPECT_EQ(health.Status(""), HealthCheckResponse::NOT_SERVING);
    health.Unwatch(*watcher);
  };
  health.Watch(watcher);
  health.Drain();
  health.CloseWatches();
  EXPECT_EQ(watcher->changes, 1);
}

}  // namespace
}  // namespace sluice
