// From the words of a command line to limits.
#ifndef SLUICE_CLI_SIMULATE_SETUP_H_
#define SLUICE_CLI_SIMULATE_SETUP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "cli/simulate/simulation.h"
#include "core/rate.h"
#include "strategy/limit.h"

namespace sluice::cli {

// One of the strategies that replay the trace.
struct Contestant {
  std::string strategy;
  std::string params;           // those that it has been given, for people: "burst=10, ..."
  absl::optional<Limit> limit;  // nullopt: unlimited
};

struct Setup {
  Rate rate = Rate::Unlimited();
  std::vector<Contestant> contestants;
};

// A parameter goes to each strategy that knows it, and one must; `STRATEGY:k=v` goes to that one.
// An error is INVALID_ARGUMENT, one line that names what is wrong and what would be right.
absl::StatusOr<Setup> Prepare(const Simulation& simulation);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_SETUP_H_
