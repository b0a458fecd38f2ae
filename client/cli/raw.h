// The arguments of a command line, sorted by option, as they stand.
#ifndef SLUICE_CLI_RAW_H_
#define SLUICE_CLI_RAW_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "cli/simulate/simulation.h"

namespace sluice::cli {

struct Raw {
  std::string address;
  std::string admin_address;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  std::string output;
  std::string timeout;
  std::string config;

  std::vector<std::string> throttles;
  absl::optional<std::string> id;
  absl::optional<std::string> cost;
  std::vector<std::string> costs;
  std::vector<std::string> context;
  std::string tenant;
  std::string detail;

  // Of an HTTP request.
  std::string method;
  std::string path;
  std::string remote_address;
  std::vector<std::string> headers;
  bool dry_run = false;

  // Of rls.
  std::string domain;
  std::vector<std::string> descriptors;
  std::string hits;

  // Of reset.
  bool all = false;

  // Of override.
  std::string throttle;
  absl::optional<std::string> enabled;
  absl::optional<std::string> shadow;
  absl::optional<std::string> rate;
  absl::optional<std::string> duration;
  bool end = false;

  // Of breaker.
  std::string backend;
  std::string breaker;

  std::vector<std::string> files;
  Simulation simulation;
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_RAW_H_
