// sluicectl, apart from the process that it runs in.
#ifndef SLUICE_CLI_RUN_H_
#define SLUICE_CLI_RUN_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "cli/remote.h"
#include "core/clock.h"

namespace sluice::cli {

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool color = false;               // whether `out` takes colours
  int in = 0;                       // the descriptor of standard input
  const Clock* progress = nullptr;  // by which to show progress on `err`; nullptr: shows none
};

// As Dial.
using Dialer = absl::FunctionRef<std::unique_ptr<Remote>(const Target& target)>;

// `arguments` without the program's name; returns the exit code.
int Run(const std::vector<std::string>& arguments, Console console, Dialer dial);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_RUN_H_
