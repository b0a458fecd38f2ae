// sluicectl: Sluice from a terminal or a script.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/command_line.h"
#include "cli/remote.h"
#include "cli/run.h"
#include "core/clock.h"

namespace {

absl::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? absl::string_view() : absl::string_view(value);
}

// As https://no-color.org says.
bool WantsColor() {
  return isatty(STDOUT_FILENO) != 0 && Environment("NO_COLOR").empty() &&
         Environment("TERM") != "dumb";
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::unique_ptr<sluice::Clock> clock;
  if (isatty(STDERR_FILENO) != 0) clock = sluice::NewSystemClock();
  const int exit_code =
      sluice::cli::Run(arguments, {std::cout, std::cerr, WantsColor(), STDIN_FILENO, clock.get()},
                       sluice::cli::Dial);
  if (!std::cout.flush()) {
    std::cerr << "sluicectl: cannot write to standard output\n";
    return sluice::cli::kExitError;
  }
  return exit_code;
}
