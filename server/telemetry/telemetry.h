// Counts what happens, and shows it to Prometheus.
#ifndef SLUICE_TELEMETRY_TELEMETRY_H_
#define SLUICE_TELEMETRY_TELEMETRY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backend/backend.h"
#include "limiter/observer.h"
#include "policy/policy_source.h"

namespace sluice {

struct BuildInfo {
  std::string version;
  std::string commit;
};

struct NamedBackend {
  std::string name;
  std::shared_ptr<const Backend> backend;
};

// Thread-safe. No label ever comes from a caller, only from the configuration or the code.
class Telemetry : public Observer {
 public:
  // One answered RPC; `method` is a name of the code's own ("Hit"), the duration in microseconds.
  virtual void OnRequest(absl::string_view method, absl::StatusCode code, int64_t duration_us) = 0;

  // Shows the counts of these backends from now on, instead of those before.
  virtual void ShowBackends(std::vector<NamedBackend> backends) = 0;
  // Shows which policy decides, and how loading goes. The source outlives the last Scrape.
  virtual void ShowPolicy(const PolicySource& source) = 0;

  // All metrics in Prometheus's text format.
  virtual std::string Scrape() const = 0;
};

std::unique_ptr<Telemetry> NewTelemetry(BuildInfo build);

}  // namespace sluice

#endif  // SLUICE_TELEMETRY_TELEMETRY_H_
