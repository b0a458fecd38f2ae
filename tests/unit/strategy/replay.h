// A history played against a limit, with or without a bug.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REPLAY_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/charge.h"
#include "tests/unit/strategy/spec.h"

namespace sluice {

// What is on trial: a Limit, or the same with a bug. `label` is what the request says in the
// context key, from LabelsOf().
struct Judge {
  std::function<Verdict(const Counter& counter, int64_t now_us, int64_t cost, bool take,
                        const std::string& label)>
      step;
  std::function<Verdict(const Counter& counter, int64_t now_us, int64_t amount,
                        const std::string& label)>
      settle;
  // Which of the key's counters the request is judged by.
  std::function<std::string(const std::string& label)> split;
};

Judge JudgeOf(const Limit& limit);

// One event, with its counter before and after it.
struct Moment {
  size_t index;
  Event event;
  std::string split;
  int64_t now_us;
  // The instant at which this counter was changed last, in whole ticks; 0 for never.
  int64_t last_us;
  Counter before;
  Verdict verdict;
  Counter after;
};

std::vector<Moment> Replay(const Judge& judge, const Case& one);

// The verdict in words.
std::string Tell(const Verdict& verdict);

// In all that a client is told.
bool SameAnswer(const Verdict& a, const Verdict& b);

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REPLAY_H_
