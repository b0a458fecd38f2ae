// One strategy that replays a trace.
#ifndef SLUICE_CLI_SIMULATE_PLAYER_H_
#define SLUICE_CLI_SIMULATE_PLAYER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "cli/simulate/setup.h"
#include "cli/simulate/trace.h"
#include "core/charge.h"
#include "core/log.h"

namespace sluice::cli {

// As a row of the output has it.
struct Answer {
  bool allowed = false;
  int64_t remaining = 0;  // kNever: unlimited
  int64_t wait_us = 0;    // kNever: it never passes
  int64_t reset_us = 0;
  size_t counter = 0;  // which one was asked, from 0 in the order in which they came up
  // What beside the row's key tells that counter from others, such as a tier; empty: nothing.
  absl::string_view split = {};
};

// Keeps every counter that it ever met. Not thread-safe.
class Player {
 public:
  // The contestant outlives the player.
  explicit Player(const Contestant& contestant) : limit_(contestant.limit) {}

  // The column of the trace that it reads; empty: none.
  absl::string_view context_key() const;
  // `context` is the row's cell in that column; empty: absent. Time is the row's, exactly.
  Answer Play(const TraceRow& row, absl::string_view context);
  size_t counters() const { return indices_.size(); }

 private:
  struct Counter {
    Registers registers{};
    std::unique_ptr<DequeLog> log;  // of those that keep one
  };

  size_t FindCounter(absl::string_view key, absl::string_view split);

  const absl::optional<Limit>& limit_;
  absl::flat_hash_map<std::string, size_t> indices_;
  std::vector<Counter> counters_;
  std::string name_;  // of the counter that is looked for, kept for its memory
};

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_PLAYER_H_
