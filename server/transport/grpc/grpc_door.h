// The gRPC port and the Admin port, held by gRPC C++.
#ifndef SLUICE_TRANSPORT_GRPC_GRPC_DOOR_H_
#define SLUICE_TRANSPORT_GRPC_GRPC_DOOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "core/clock.h"
#include "policy/policy_set.h"
#include "service/admin_service.h"
#include "service/health_service.h"
#include "service/limiter_service.h"
#include "service/ratelimit_service.h"
#include "telemetry/telemetry.h"

namespace sluice {

struct DoorOptions {
  std::string address;  // HOST:PORT
  // nullopt: in the clear. The files are read again within seconds of a change, for connections
  // that come then; while they do not fit together, those are refused.
  absl::optional<TlsSpec> tls = absl::nullopt;
  // Microseconds, above 0, give or take a tenth: a connection that is older gets GOAWAY, and its
  // open calls finish.
  absl::optional<int64_t> max_connection_age_us = absl::nullopt;
};

// What the gRPC door leads to. All of it outlives the door.
struct GrpcHandlers {
  LimiterService& limiter;
  RateLimitService& ratelimit;
  HealthService& health;
  Telemetry& telemetry;
  const Clock& clock;
};

// What the Admin door leads to. All of it outlives the door.
struct AdminHandlers {
  AdminService& admin;
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

// The errors of both are one line that names the address and the reason.

// Serves the native API, Envoy's rate limit service, health and reflection.
absl::StatusOr<std::unique_ptr<GrpcDoor>> NewGrpcDoor(const DoorOptions& options,
                                                      const GrpcHandlers& handlers);

// Serves sluice.v1.Admin and reflection.
absl::StatusOr<std::unique_ptr<GrpcDoor>> NewAdminDoor(const DoorOptions& options,
                                                       const AdminHandlers& handlers);

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_GRPC_GRPC_DOOR_H_
