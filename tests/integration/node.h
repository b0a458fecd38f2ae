// A server without doors: what they lead to, over a backend that answers later.
#ifndef SLUICE_TESTS_INTEGRATION_NODE_H_
#define SLUICE_TESTS_INTEGRATION_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "backend/memory/memory_backend.h"
#include "limiter/limiter.h"
#include "policy/policy_source.h"
#include "service/admin_service.h"
#include "service/health_service.h"
#include "service/limiter_service.h"
#include "service/ratelimit_service.h"
#include "telemetry/telemetry.h"
#include "tests/fakes/borrowed.h"
#include "tests/fakes/fake_breakers.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/late_backend.h"
#include "tests/fakes/policies.h"

namespace sluice {

struct Node {
  void Use(absl::string_view text) { limiter.Publish(PolicyOf(text), {Borrowed(backend)}); }
  // What a reload makes of it.
  PolicyLoad Reload(absl::string_view text) {
    config = std::string(text);
    return source.Reload();
  }

  LateBackend backend{NewMemoryBackend({})};
  const std::unique_ptr<FakeClock> clock = std::make_unique<FakeClock>();
  const std::unique_ptr<Telemetry> telemetry = NewTelemetry({"1.2.3", "abc"});
  Limiter limiter{HashSecret::FromSeed(1), *telemetry, *clock};
  LimiterService native{limiter};
  RateLimitService ratelimit{limiter};
  HealthService health;
  std::string config;
  PolicySource source{
      [this](uint64_t generation) { return LoadPolicyText("node.yaml", config, generation); },
      [this](std::shared_ptr<const PolicySet> policy) {
        limiter.Publish(std::move(policy), {Borrowed(backend)});
        return absl::OkStatus();
      },
      [](const PolicyLoad&) {}, *clock};
  FakeBreakers breakers;
  AdminService admin{limiter, source, breakers, /*local=*/true};
};

}  // namespace sluice

#endif  // SLUICE_TESTS_INTEGRATION_NODE_H_
