// One strategy that replays a trace.
#ifndef SLUICE_CLI_SIMULATE_PLAYER_H_
#define SLUICE_CLI_SIMULATE_PLAYER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/simulate/setup.h"
#include "cli/simulate/trace.h"
#include "core/charge.h"

namespace sluice::cli {

struct Question {
  TraceRow row;
  // The row's cell in the column of the context key; empty: absent.
  absl::string_view context;
};

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

// Keeps every counter that it ever met. Time is the rows', exactly. Not thread-safe.
class Player {
 public:
  // The contestant outlives the player.
  explicit Player(const Contestant& contestant) : limit_(contestant.limit) {}
  virtual ~Player() = default;
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // The column of the trace that it reads; empty: none.
  absl::string_view context_key() const;
  // One answer for each question, in order. After an error there is no next call.
  virtual absl::Status Play(absl::Span<const Question> questions, std::vector<Answer>& answers) = 0;
  size_t counters() const { return indices_.size(); }

 protected:
  // The index of a counter, and whether it is a new one.
  std::pair<size_t, bool> FindCounter(absl::string_view key, absl::string_view split);
  static bool Takes(const TraceRow& row) { return row.op == Op::kHit && row.cost > 0; }
  static Answer AnswerOf(const TraceRow& row, const Verdict& verdict, size_t counter,
                         absl::string_view split);

  const absl::optional<Limit>& limit_;

 private:
  absl::flat_hash_map<std::string, size_t> indices_;
  std::string name_;  // of the counter that is looked for, kept for its memory
};

// Counters in this process. It never fails.
std::unique_ptr<Player> NewMemoryPlayer(const Contestant& contestant);

}  // namespace sluice::cli

#endif  // SLUICE_CLI_SIMULATE_PLAYER_H_
