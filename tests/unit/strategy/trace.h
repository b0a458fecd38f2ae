// A history as something to replay: a command line of sluicectl and the CSV that it reads.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_TRACE_H_
#define SLUICE_TESTS_UNIT_STRATEGY_TRACE_H_

#include <string>
#include <vector>

#include "tests/unit/strategy/replay.h"
#include "tests/unit/strategy/spec.h"

namespace sluice {

// sluicectl simulate --strategy ... --trace trace.csv, quoted for a shell.
std::string CommandLineOf(const Spec& spec);

// trace.csv: the hits and looks at the instants at which they were made. Settlements are left out.
std::string TraceOf(const Spec& spec, const std::vector<Moment>& moments);

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_TRACE_H_
