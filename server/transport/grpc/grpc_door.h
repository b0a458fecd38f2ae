// The gRPC port, held by gRPC C++.
#ifndef SLUICE_TRANSPORT_GRPC_GRPC_DOOR_H_
#define SLUICE_TRANSPORT_GRPC_GRPC_DOOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/clock.h"
#include "service/health_service.h"
#include "service/limiter_service.h"
#include "service/ratelimit_service.h"
#include "telemetry/telemetry.h"

namespace sluice {

// What the door leads to. All of it outlives the door.
struct GrpcHandlers {
  LimiterService& limiter;
  RateLimitService& ratelimit;
  HealthService& health;
  Telemetry& telemetry;
  const Clock& clock;
};

class GrpcDoor {
 public:
  // Stops at once what Shutdown has not.
  virtual ~GrpcDoor() = default;

  // The port it listens on, when port 0 was asked for too.
  virtual int port() const = 0;

  // Takes no new call (GOAWAY), lets open ones finish for at most `grace_us` microseconds, then
  // cancels them. Blocks until all are done.
  virtual void Shutdown(int64_t grace_us) = 0;
};

// Serves the native API, Envoy's rate limit service, health and reflection on `address`
// (HOST:PORT). The error is one line that names the address and the reason.
absl::StatusOr<std::unique_ptr<GrpcDoor>> NewGrpcDoor(const std::string& address,
                                                      const GrpcHandlers& handlers);

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_GRPC_GRPC_DOOR_H_
