#include "backend/redis/redis_backend.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "backend/redis/lane.h"
#include "backend/redis/router.h"

namespace sluice {
namespace {

class RedisBackend final : public Backend {
 public:
  RedisBackend(const RedisOptions& options, const std::vector<EventLoop*>& loops)
      : options_(options) {
    counts_.router.on_up = options_.on_up;
    counts_.router.on_trouble = options_.on_trouble;
    for (int i = 0; i < options_.connections; ++i) {
      lanes_.push_back(NewLane(options_, counts_, *loops[static_cast<size_t>(i) % loops.size()]));
    }
  }
  ~RedisBackend() override {
    for (const auto& lane : lanes_) lane->Stop();
  }

  void Decide(Decision& decision) override {
    if (decision.charges.empty()) return decision.Done(absl::OkStatus());
    const int64_t waiting = counts_.queue.fetch_add(1, std::memory_order_relaxed);
    if (waiting >= static_cast<int64_t>(options_.max_inflight)) {
      counts_.queue.fetch_sub(1, std::memory_order_relaxed);
      counts_.router.errors[kShedError].fetch_add(1, std::memory_order_relaxed);
      decision.Done(NotRun(absl::ResourceExhaustedError(absl::StrCat(
          "max_inflight (", options_.max_inflight, ") decisions wait for Redis already"))));
      return;
    }
    LaneOf(decision.charges.front().key).Decide(decision);
  }

  uint32_t Unit(const CounterKey& key) const override {
    return options_.mode == RedisOptions::Mode::kCluster ? SlotOf(key.ToString(options_.hash_tag))
                                                         : 0;
  }

  void Forget(Forgetting& forgetting) override { lanes_.front()->Forget(forgetting); }

  BackendStats Stats() const override {
    BackendStats stats;
    // Each lane has a router of its own.
    stats.up = counts_.router.up.load() == options_.connections;
    RemoteStats& remote = stats.remote.emplace();
    remote.commands = counts_.router.commands.load();
    remote.coalesced = counts_.coalesced.load();
    remote.queue = counts_.queue.load();
    for (size_t i = 0; i < kErrorKinds; ++i) remote.errors[i] = counts_.router.errors[i].load();
    for (size_t i = 0; i < remote.round_trips.counts.size(); ++i) {
      remote.round_trips.counts[i] = counts_.round_trips[i].load();
    }
    remote.round_trips.sum_us = counts_.round_trips_sum_us.load();
    remote.clock_behind_us = counts_.clock_behind_us.load();
    return stats;
  }

 private:
  Lane& LaneOf(const CounterKey& key) { return *lanes_[key.fingerprint().high % lanes_.size()]; }

  const RedisOptions options_;
  LaneCounts counts_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace

std::unique_ptr<Backend> NewRedisBackend(const RedisOptions& options,
                                         const std::vector<EventLoop*>& loops) {
  return std::make_unique<RedisBackend>(options, loops);
}

}  // namespace sluice
