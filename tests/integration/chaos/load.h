// Decisions that come at their own pace, whatever becomes of those before them.
#ifndef SLUICE_TESTS_INTEGRATION_CHAOS_LOAD_H_
#define SLUICE_TESTS_INTEGRATION_CHAOS_LOAD_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "limiter/call.h"
#include "tests/integration/chaos/node.h"

namespace sluice {

// One decision, as its caller saw it. Times are SteadyUs().
struct Seen {
  // Who decided.
  enum class By { kRedis, kSpare, kOnError, kNobody };

  const char* kind = "";  // the throttle, "pair" (wide and other together) or "check" (of tight)
  int who = 0;            // the identifier is its kind and this number
  size_t node = 0;
  int64_t began_us = 0;
  int64_t ended_us = 0;
  int64_t times = 0;  // that it was answered
  By by = By::kNobody;
  bool allowed = false;
  // Of a pair, whether one was charged and the other was not.
  bool torn = false;

  int64_t took_us() const { return ended_us - began_us; }
};

// Hits and Checks over all nodes, in turn: a quarter each of `tight`, `wide` and `bucket`, an
// eighth each of pairs and Checks, each of kWho identifiers.
class Load {
 public:
  static constexpr int kWho = 4;

  // `per_second` for each node, from a thread of its own. Begins at once. The nodes outlive it.
  Load(std::vector<Node*> nodes, int per_second, bool checks_only = false);
  ~Load();

  // Ends it; waits for the answers that are missing, for 5 s. To be called once.
  std::vector<Seen> Stop();

  // What `kind` and the throttle of that name count for: their identifier.
  static std::string WhoOf(absl::string_view kind, int who);

 private:
  class Asked;
  using Calls = std::vector<std::unique_ptr<Asked>>;

  void Run(size_t node);
  std::unique_ptr<Asked> Next(size_t node, int64_t number);

  const std::vector<Node*> nodes_;
  const int per_second_;
  const bool checks_only_;
  std::atomic<bool> stopping_{false};
  std::vector<Calls> calls_;  // a node each, of its thread until that has ended
  std::vector<std::thread> threads_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_INTEGRATION_CHAOS_LOAD_H_
