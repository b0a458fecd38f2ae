// Counts what happens, and shows it to Prometheus.
#ifndef SLUICE_TELEMETRY_TELEMETRY_H_
#define SLUICE_TELEMETRY_TELEMETRY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backend/backend.h"
#include "limiter/observer.h"

namespace sluice {

struct BuildInfo {
  std::string version;
  std::string commit;
};

// Thread-safe. No label ever comes from a caller, only from the configuration or the code.
class Telemetry : public Observer {
 public:
  // One answered RPC; `method` is a name of the code's own ("Hit"), the duration in microseconds.
  virtual void OnRequest(absl::string_view method, absl::StatusCode code, int64_t duration_us) = 0;

  // Shows the backend's own counts from now on. It outlives the telemetry.
  virtual void AddBackend(absl::string_view name, const Backend& backend) = 0;
  // A policy was loaded and decides from now on.
  virtual void OnPolicyLoaded(uint64_t generation) = 0;

  // All metrics in Prometheus's text format.
  virtual std::string Scrape() const = 0;
};

std::unique_ptr<Telemetry> NewTelemetry(BuildInfo build);

}  // namespace sluice

#endif  // SLUICE_TELEMETRY_TELEMETRY_H_
