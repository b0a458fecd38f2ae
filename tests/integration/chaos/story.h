// One case: nodes under load, a fault, and what must hold.
#ifndef SLUICE_TESTS_INTEGRATION_CHAOS_STORY_H_
#define SLUICE_TESTS_INTEGRATION_CHAOS_STORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/integration/chaos/load.h"
#include "tests/integration/chaos/metronome.h"
#include "tests/integration/chaos/node.h"

namespace sluice {

// What may have become of a case's counters.
struct Bounds {
  int losses = 0;        // how often Redis lost its state
  bool recovers = true;  // Redis decides again when the fault is over
};

class Story {
 public:
  // How long a fault lasts that is only waited out.
  static constexpr int64_t kFaultUs = int64_t{SLUICE_CHAOS_SECONDS} * 1'000'000;
  static constexpr int kPerSecond = SLUICE_CHAOS_RATE;

  explicit Story(std::string name) : name_(std::move(name)) {}

  Node& Add(const RedisOptions& reach, absl::string_view on_error);
  Node& node(size_t i) { return *nodes_[i]; }

  // Waits until every node is decided for by Redis, unless that is not to be waited for, and lets
  // the load begin; with a Redis, a second passes in which all is well.
  void Begin(bool with_redis = true);
  // From now on Redis can decide again. Goes on until it has done so for a while.
  void FaultEnds();
  // Ends the load, prints the numbers and what failed, and checks all that must hold in every case:
  // each decision is answered once and in time, what is admitted keeps within its bound, no more
  // was charged than was admitted or may have been lost, nothing is half charged, Redis decides
  // again within 2 s.
  void End(const Bounds& bounds);

  // Once it has ended.
  const std::vector<Seen>& seen() const { return seen_; }
  // Decisions on a kind (any when empty), so decided, that began in a span.
  int64_t Count(absl::string_view kind, Seen::By by, int64_t from_us, int64_t to_us) const;
  int64_t fault_ended_us() const { return fault_ended_us_; }

 private:
  void CheckAnswers();
  void CheckTight(const Bounds& bounds) const;
  void CheckBuckets(const Bounds& bounds) const;
  void CheckCharges(const Bounds& bounds);
  void CheckFallbacks() const;
  int64_t RecoveryUs(size_t node) const;
  int64_t Allowed(absl::string_view kind, int who, Seen::By by) const;
  void Print(const Bounds& bounds, int64_t recovery_us) const;

  const std::string name_;
  const Metronome metronome_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::unique_ptr<Load> load_;
  int64_t fault_ended_us_ = 0;
  std::vector<Seen> seen_;
};

// Lets time pass in which the load goes on.
void Meanwhile(int64_t us);

}  // namespace sluice

#endif  // SLUICE_TESTS_INTEGRATION_CHAOS_STORY_H_
