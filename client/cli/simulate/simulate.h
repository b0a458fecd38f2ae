// `sluicectl simulate`: a trace through strategies, in the trace's own time.
#ifndef SLUICE_CLI_SIMULATE_SIMULATE_H_
#define SLUICE_CLI_SIMULATE_SIMULATE_H_

#include <ostream>

#include "cli/simulate/csv.h"
#include "cli/simulate/simulation.h"
#include "core/clock.h"

namespace sluice::cli {

// What it reads and writes, which outlives it.
struct SimulationStreams {
  ByteSource in;  // standard input
  std::ostream& out;
  std::ostream& err;
  const Clock* progress = nullptr;  // by which to show progress on `err`; nullptr: shows none
};

// Writes the answers to `out` as they come, before it waits for more rows; then the picture, and
// the summary to `err`. Returns the exit code: kExitFine whatever was denied, kExitError after one
// line on `err`.
int Simulate(const Simulation& simulation, const SimulationStreams& streams);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_SIMULATE_H_
