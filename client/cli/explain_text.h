// Why a request is treated as it is, as people read it.
#ifndef SLUICE_CLI_EXPLAIN_TEXT_H_
#define SLUICE_CLI_EXPLAIN_TEXT_H_

#include <string>

#include "sluice/v1/admin.pb.h"

namespace sluice::cli {

// For each throttle a line that tells whether it applies, and below it a row for each thing that
// decided: its value, what said so, and the place in the configuration. What no file says is
// "default".
std::string ExplainText(const v1::ExplainResponse& response, bool color);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_EXPLAIN_TEXT_H_
