// Values as people read them.
#ifndef SLUICE_CLI_TEXT_H_
#define SLUICE_CLI_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice::cli {

// What stands where there is no value.
inline constexpr absl::string_view kAbsent = "-";

// "250 ms", "1.5 s", "2 min 30 s", "3 d 4 h"; "never" for +infinity. Milliseconds. Rounded up,
// so that who waits as long as it says has waited long enough.
std::string FormatDuration(double ms);

// "2023-11-14T22:13:20.5Z". Milliseconds since the Unix epoch.
std::string FormatInstant(double ms);

// "40", "0.00166667"; "unlimited" for +infinity.
std::string FormatNumber(double value);

// `text` with control characters and bytes that are not UTF-8 percent-encoded: nobody's identifier
// moves the cursor of somebody's terminal.
std::string Printable(absl::string_view text);

// Characters of a text that is valid UTF-8.
size_t DisplayWidth(absl::string_view text);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_TEXT_H_
