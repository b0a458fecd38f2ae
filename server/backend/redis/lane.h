// The decisions of one loop on their way to Redis.
#ifndef SLUICE_BACKEND_REDIS_LANE_H_
#define SLUICE_BACKEND_REDIS_LANE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "backend/backend.h"
#include "backend/redis/options.h"
#include "backend/redis/router.h"
#include "io/event_loop.h"

namespace sluice {

// What the lanes of a backend count together. Written on their loops, read from any thread.
struct LaneCounts {
  RouterCounts router;
  std::atomic<int64_t> coalesced{0};
  std::atomic<int64_t> queue{0};  // decisions that are not answered yet
  std::array<std::atomic<int64_t>, RoundTrips::kBoundsUs.size() + 1> round_trips{};
  std::atomic<int64_t> round_trips_sum_us{0};
  std::atomic<int64_t> clock_behind_us{0};
};

// Of one key at most one call is on its way; decisions that come meanwhile wait and go together in
// the next, each with its own answer. A decision has the lane of its first key: for those of one
// charge this holds for the whole node.
class Lane {
 public:
  virtual ~Lane() = default;

  // Thread-safe; answered on the loop.
  virtual void Decide(Decision& decision) = 0;
  virtual void Forget(Forgetting& forgetting) = 0;

  // Off the loop, once, before it is destroyed: answers what still waits, with an error, and
  // returns when the loop has nothing of it left.
  virtual void Stop() = 0;
};

// All outlive it.
std::unique_ptr<Lane> NewLane(const RedisOptions& options, LaneCounts& counts, EventLoop& loop);

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_LANE_H_
