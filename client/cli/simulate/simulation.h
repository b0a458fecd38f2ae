// What `sluicectl simulate` is asked.
#ifndef SLUICE_CLI_SIMULATE_SIMULATION_H_
#define SLUICE_CLI_SIMULATE_SIMULATION_H_

#include <string>
#include <vector>

namespace sluice::cli {

// As it stands on the command line.
struct Simulation {
  std::vector<std::string> strategies;  // at least one
  std::string rate;
  std::vector<std::string> params;  // `k=v`, or `STRATEGY:k=v`
  std::string trace;                // a file; empty or "-": standard input
  std::string plot;                 // a file for the picture; empty: none
  bool summary = false;
  std::string backend;  // where counters are kept; empty: here, in memory
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_SIMULATION_H_
