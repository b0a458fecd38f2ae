// Where counters live.
#ifndef SLUICE_BACKEND_BACKEND_H_
#define SLUICE_BACKEND_BACKEND_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "core/charge.h"
#include "core/key.h"

namespace sluice {

// Why a command to a backend failed.
enum ErrorKind : size_t {
  kConnectError,  // it could not be connected, or the login was refused
  kCutError,      // the connection was cut before the answer
  kTimeoutError,  // no answer came by the deadline
  kShedError,     // too many were waiting
  kRefusedError,  // an error reply that proves that nothing ran
  kReplyError,    // another error reply
  kBreakerError,  // the breaker was open, so that it was not asked
  kErrorKinds
};
// As the metrics name them.
inline constexpr std::array<absl::string_view, kErrorKinds> kErrorKindNames = {
    "connect", "cut", "timeout", "shed", "refused", "reply", "breaker"};

// Times from sending a command to its reply.
struct RoundTrips {
  // Upper bounds, in microseconds; one more row counts what is longer.
  static constexpr std::array<int64_t, 12> kBoundsUs = {
      100, 250, 500, 1'000, 2'500, 5'000, 10'000, 15'000, 25'000, 50'000, 100'000, 1'000'000};
  std::array<int64_t, kBoundsUs.size() + 1> counts{};
  int64_t sum_us = 0;
};

enum class BreakerState { kClosed, kHalfOpen, kOpen };

// What a backend across a network tells beside.
struct RemoteStats {
  int64_t commands = 0;   // sent
  int64_t coalesced = 0;  // decisions that went in another one's command
  int64_t queue = 0;      // decisions that wait now
  std::array<int64_t, kErrorKinds> errors{};
  RoundTrips round_trips;
  // How far its clock is behind ours: after a failover counters stand still for so long.
  int64_t clock_behind_us = 0;
  BreakerState breaker = BreakerState::kClosed;
};

// What a backend tells of itself for the metrics; all since its start but `keys`.
struct BackendStats {
  int64_t keys = 0;       // counters held
  int64_t evictions = 0;  // counters dropped that were still in use
  int64_t full = 0;       // charges refused because every counter in reach was at its limit
  bool up = true;         // whether it can be reached
  absl::optional<RemoteStats> remote;
};

// An error after which it is certain that nothing was charged, so that the same may be asked again.
// The others leave that open.
absl::Status NotRun(absl::Status status);
bool ProvesNotRun(const absl::Status& status);

// Counters that are to be as if never used. The caller's object, as Decision is: goes down once,
// comes up once.
class Forgetting {
 public:
  Forgetting() = default;
  Forgetting(const Forgetting&) = delete;
  Forgetting& operator=(const Forgetting&) = delete;
  virtual ~Forgetting() = default;

  // Exactly once, on any thread; before Forget returns or later. OK: they are forgotten. An error:
  // some of them may be, and `forgotten` means nothing. The object may be destroyed within.
  virtual void Done(absl::Status status) = 0;

  // These counters; they live until Done. One that is named twice counts once.
  absl::Span<const CounterKey> keys;
  // Or, without keys, all of these.
  absl::optional<KeyScope> scope;
  // Of a scope's keys those of these namespaces, because others may use the same Redis; none: all.
  // A backend of this process's own need not look at them.
  std::vector<std::string> name_spaces;
  // Microseconds since the Unix epoch. A backend with a clock of its own ignores it.
  int64_t now_us = 0;
  // Written before Done: how many are gone that were still in use (not absent yet, to the
  // millisecond).
  int64_t forgotten = 0;
};

// Thread-safe. tests/conformance says what every backend must do.
class Backend {
 public:
  virtual ~Backend() = default;

  // Decides all charges at one instant, then calls decision.Done exactly once. Their keys are of
  // one unit.
  virtual void Decide(Decision& decision) = 0;

  // What is decided together: charges whose keys are of different units take a Decide each. Most
  // backends are one unit; a Redis Cluster is one for each slot.
  virtual uint32_t Unit(const CounterKey& key) const {
    static_cast<void>(key);
    return 0;
  }

  // Forgets what is asked for, then calls forgetting.Done exactly once. It is no decision: those
  // that come meanwhile find some of the counters forgotten and others not yet. What was counted
  // before the call is gone after it; what is counted during the call may be gone or stay.
  virtual void Forget(Forgetting& forgetting) = 0;

  virtual BackendStats Stats() const = 0;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_BACKEND_H_
