// A server without doors: what they lead to, over a backend that answers later.
#ifndef SLUICE_TESTS_INTEGRATION_NODE_H_
#define SLUICE_TESTS_INTEGRATION_NODE_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "backend/memory/memory_backend.h"
#include "limiter/limiter.h"
#include "service/admin_service.h"
#include "service/health_service.h"
#include "service/limiter_service.h"
#include "service/ratelimit_service.h"
#include "telemetry/telemetry.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/late_backend.h"
#include "tests/fakes/policies.h"

namespace sluice {

struct Node {
  void Use(absl::string_view text) { limiter.Publish(PolicyOf(text), {&backend}); }

  LateBackend backend{NewMemoryBackend({})};
  const std::unique_ptr<FakeClock> clock = std::make_unique<FakeClock>();
  const std::unique_ptr<Telemetry> telemetry = NewTelemetry({"1.2.3", "abc"});
  Limiter limiter{HashSecret::FromSeed(1), *telemetry};
  LimiterService native{limiter};
  RateLimitService ratelimit{limiter};
  AdminService admin{limiter, /*local=*/true};
  HealthService health;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_INTEGRATION_NODE_H_
