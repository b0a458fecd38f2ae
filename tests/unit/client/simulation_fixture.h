// `sluicectl simulate` in this process, with a trace from a string.
#ifndef SLUICE_TESTS_UNIT_CLIENT_SIMULATION_FIXTURE_H_
#define SLUICE_TESTS_UNIT_CLIENT_SIMULATION_FIXTURE_H_

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/variant.h"
#include "cli/command_line.h"
#include "cli/simulate/csv.h"
#include "cli/simulate/simulate.h"
#include "gtest/gtest.h"

namespace sluice::cli {

// Gives `text` in pieces of at most `piece` bytes.
inline ByteSource FromText(std::string text, size_t piece = SIZE_MAX) {
  const auto taken = std::make_shared<size_t>(0);
  return [text = std::move(text), taken, piece](char* to, size_t room) -> absl::StatusOr<size_t> {
    const size_t size = std::min({room, piece, text.size() - *taken});
    std::copy_n(text.data() + *taken, size, to);
    *taken += size;
    return size;
  };
}

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// `arguments` stand behind `simulate`.
inline Outcome SimulateText(std::vector<std::string> arguments, const std::string& trace) {
  arguments.insert(arguments.begin(), "simulate");
  const auto parsed = ParseCommandLine(arguments);
  if (const Notice* notice = absl::get_if<Notice>(&parsed)) {
    return {notice->exit_code, "", notice->text};
  }
  std::ostringstream out;
  std::ostringstream err;
  const Simulation& simulation = absl::get<Simulation>(absl::get<Command>(parsed).ask);
  const int exit_code = Simulate(simulation, {FromText(trace), out, err});
  return {exit_code, out.str(), err.str()};
}

}  // namespace sluice::cli

#endif  // SLUICE_TESTS_UNIT_CLIENT_SIMULATION_FIXTURE_H_
