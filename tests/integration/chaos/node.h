// A node of a fleet: all that sluiced has between its doors and Redis.
#ifndef SLUICE_TESTS_INTEGRATION_CHAOS_NODE_H_
#define SLUICE_TESTS_INTEGRATION_CHAOS_NODE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "backend/redis/options.h"
#include "backend/resilient/resilient_backend.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "io/event_loop.h"
#include "limiter/limiter.h"
#include "main/recoveries.h"
#include "tests/fakes/redis/redis_cluster.h"
#include "tests/fakes/redis/redis_sentinel.h"
#include "tests/fakes/redis/redis_server.h"
#include "tests/fakes/redis/tcp_proxy.h"

namespace sluice {

// The throttles of every node. Windows are so long that none of them rolls in a test.
//   tight    kTight hits in a window: used up before or after the fault
//   wide     more than any test has hits for, so that its counter tells every charge
//   other    the same; it stands beside `wide` in one decision
//   bucket   a token bucket of kBucket that fills at kBucket a second
inline constexpr int64_t kTight = 20;
inline constexpr int64_t kWide = 1'000'000;
inline constexpr int64_t kBucket = 10;

// Where a node finds its Redis. The deadline is the one that redis.md has by default.
RedisOptions ReachOf(const std::vector<std::string>& endpoints);
RedisOptions ReachOf(const RedisServer& server);
RedisOptions ReachOf(const TcpProxy& proxy);
RedisOptions ReachOf(const RedisSentinel& sentinel);
RedisOptions ReachOf(const RedisCluster& cluster);

class Node {
 public:
  static constexpr int64_t kDeadlineUs = 15'000;

  // `on_error` as a policy says it; its fallback is called `spare`.
  Node(const RedisOptions& reach, absl::string_view on_error);
  // Nothing is on its way any more.
  ~Node();

  Limiter& limiter() { return *limiter_; }
  const Clock& clock() const { return *clock_; }
  BreakerState breaker() const { return resilient_->breaker(); }
  BackendStats Stats() const { return resilient_->Stats(); }
  // Counters that the fallback holds.
  int64_t Spare() const { return spare_->Stats().keys; }

  // How often its breaker closed again, and when it did last (SteadyUs); 0: never.
  int64_t closings() const { return closings_; }
  int64_t last_closed_us() const { return last_closed_us_; }

  // Decisions on a key, as the backend answered them, that failed but may have been charged.
  int64_t Unproved(const std::string& key) const;
  std::map<std::string, int64_t> errors() const;  // by their text

 private:
  class Witness;
  class Silent;

  std::atomic<int64_t> closings_{0};
  std::atomic<int64_t> last_closed_us_{0};
  const std::unique_ptr<Clock> clock_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::unique_ptr<Silent> observer_;
  std::unique_ptr<Recoveries> recoveries_;
  ResilientBackend* resilient_ = nullptr;
  std::shared_ptr<Witness> witness_;
  std::shared_ptr<Backend> spare_;
  std::unique_ptr<Limiter> limiter_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_INTEGRATION_CHAOS_NODE_H_
