// One strategy's random histories through a backend, held against what they natively come to.
#ifndef SLUICE_TESTS_CONFORMANCE_DIFFERENTIAL_H_
#define SLUICE_TESTS_CONFORMANCE_DIFFERENTIAL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "backend/backend.h"
#include "io/event_loop.h"

namespace sluice {

class History;

// Histories as the laws draw them (any_case.h): any limit, hits, looks and settlements, a clock
// that jumps, tiers and priorities, changes of the local clock. Some counters go on under another
// limit of their shape; some histories run on three keys at once, so that commands carry several.
//
// Each answer must be that of Limit::Step, of the memory backend and, under the first limit, of the
// reference model. Not thread-safe.
class Differential {
 public:
  // The backend has time from the decisions, drops no counter, and decides in the order in which it
  // is asked. Both outlive this.
  Differential(absl::string_view strategy, Backend& backend, EventLoop& loop);

  // Whole histories of together at least so many steps, many of them at once.
  void Run(int64_t steps, uint64_t seed);

  int64_t steps() const { return steps_; }
  int64_t differences() const { return differences_; }
  // The first of them, with its history.
  const std::string& first() const { return first_; }

 private:
  using Histories = std::vector<std::unique_ptr<History>>;

  void Judge(const Histories& histories);

  const std::string strategy_;
  Backend& backend_;
  EventLoop& loop_;
  int64_t steps_ = 0;
  int64_t differences_ = 0;
  std::string first_;
};

// That of SLUICE_DIFFERENTIAL_SEED in the environment, or a fresh one.
uint64_t FreshSeed();

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_DIFFERENTIAL_H_
