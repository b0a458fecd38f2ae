// Is this configuration right?
#ifndef SLUICE_CLI_VALIDATE_H_
#define SLUICE_CLI_VALIDATE_H_

#include <ostream>

#include "cli/command_line.h"

namespace sluice::cli {

// Loads each file as sluiced would. Prints every error as a line `file:line:column: what (hint)`,
// and `FILE: ok, N throttles, M domains` for a file without; as JSON, one ValidatePolicyResponse
// for all. kExitDenied when there are errors, else kExitFine.
int Validate(const Validation& validation, Output output, std::ostream& out);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_VALIDATE_H_
