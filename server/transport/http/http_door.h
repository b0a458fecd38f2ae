// The HTTP port: metrics, health, and envoyproxy/ratelimit's /json and /rlconfig.
#ifndef SLUICE_TRANSPORT_HTTP_HTTP_DOOR_H_
#define SLUICE_TRANSPORT_HTTP_HTTP_DOOR_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/clock.h"
#include "limiter/limiter.h"
#include "policy/policy_source.h"
#include "service/health_service.h"
#include "service/ratelimit_service.h"
#include "telemetry/telemetry.h"

namespace sluice {

// What the door leads to. All of it outlives the door.
struct HttpHandlers {
  const Limiter& limiter;
  const PolicySource& source;
  RateLimitService& ratelimit;
  HealthService& health;
  Telemetry& telemetry;
  const Clock& clock;
};

class HttpDoor {
 public:
  // Stops listening, and waits for the requests that are being answered.
  virtual ~HttpDoor() = default;

  // The port it listens on, when port 0 was asked for too.
  virtual int port() const = 0;
};

// Serves on `address` (IP:PORT). The error is one line that names the address and the reason.
absl::StatusOr<std::unique_ptr<HttpDoor>> NewHttpDoor(const std::string& address,
                                                      const HttpHandlers& handlers);

}  // namespace sluice

#endif  // SLUICE_TRANSPORT_HTTP_HTTP_DOOR_H_
