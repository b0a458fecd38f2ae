// What sluicectl tells the one who started it.
#ifndef SLUICE_CLI_EXIT_CODE_H_
#define SLUICE_CLI_EXIT_CODE_H_

namespace sluice::cli {

inline constexpr int kExitFine = 0;
inline constexpr int kExitDenied = 1;
inline constexpr int kExitError = 2;

}  // namespace sluice::cli

#endif  // SLUICE_CLI_EXIT_CODE_H_
