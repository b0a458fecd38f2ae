// A Redis that keeps the counters of a replay.
#ifndef SLUICE_CLI_SIMULATE_SHARED_STORE_H_
#define SLUICE_CLI_SIMULATE_SHARED_STORE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/simulate/player.h"
#include "cli/simulate/setup.h"

namespace sluice::cli {

// Under a namespace of its own, which no other replay uses. Nothing expires before RemoveKeys().
// Not thread-safe.
class SharedStore {
 public:
  virtual ~SharedStore() = default;

  // Neither may outlive the store. The contestant has a limit, and a strategy that no other has.
  virtual std::unique_ptr<Player> NewPlayer(const Contestant& contestant) = 0;
  // What the players have left. The error says which keys are still there.
  virtual absl::Status RemoveKeys() = 0;
};

// `url` is redis://[user:password@]host[:port][/database], or rediss:// with the system's
// authorities. It has answered within some 2 s, or the error says what is wrong; no password stands
// in one.
absl::StatusOr<std::unique_ptr<SharedStore>> ConnectStore(const std::string& url);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_SHARED_STORE_H_
