#include "backend/memory/memory_backend.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "backend/memory/decide.h"
#include "backend/memory/shard.h"

namespace sluice {
namespace {

// Fewer would make a shard's share of max_keys too rough.
constexpr int64_t kLeastKeysAShard = 4096;

int64_t ShardCount(const MemoryOptions& options) {
  const int64_t least = options.max_keys / Table::kMaxSize + 1;
  const int64_t useful = std::max<int64_t>(options.max_keys / kLeastKeysAShard, 1);
  const int64_t wanted = std::min<int64_t>(useful, options.shards);
  return static_cast<int64_t>(std::max(std::bit_ceil(static_cast<uint64_t>(least)),
                                       std::bit_floor(static_cast<uint64_t>(wanted))));
}

// A decision over a few new counters must find room in one shard.
constexpr int64_t kLeastOfSeveral = 16;

// What shard `i` of `count` may hold.
int64_t CapacityOf(int64_t max_keys, int64_t count, int64_t i) {
  const int64_t share = max_keys / count + (i < max_keys % count ? 1 : 0);
  return std::clamp<int64_t>(share, count > 1 ? kLeastOfSeveral : 1, Table::kMaxSize);
}

class MemoryEngine final : public MemoryBackend {
 public:
  explicit MemoryEngine(const MemoryOptions& options) : allow_when_full_(options.allow_when_full) {
    const int64_t count = ShardCount(options);
    for (int64_t i = 0; i < count; ++i) {
      shards_.push_back(std::make_unique<Shard>(CapacityOf(options.max_keys, count, i)));
    }
  }

  void Decide(Decision& decision) override {
    if (decision.deadline_us < decision.now_us) {
      decision.Done(absl::DeadlineExceededError("the deadline had passed before the decision"));
      return;
    }
    const int slots =
        DecideInShards(decision, shards_, allow_when_full_.load(std::memory_order_relaxed));
    int most = most_slots_a_call_.load(std::memory_order_relaxed);
    while (most < slots && !most_slots_a_call_.compare_exchange_weak(most, slots)) {
    }
    decision.Done(absl::OkStatus());
  }

  void Forget(Forgetting& forgetting) override {
    const int64_t now_ms = forgetting.now_us / 1000;
    forgetting.forgotten = forgetting.scope.has_value() ? ForgetScope(*forgetting.scope, now_ms)
                                                        : ForgetKeys(forgetting.keys, now_ms);
    forgetting.Done(absl::OkStatus());
  }

  int64_t Resize(const MemoryOptions& options) override {
    allow_when_full_ = options.allow_when_full;
    const auto count = static_cast<int64_t>(shards_.size());
    int64_t total = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t capacity = CapacityOf(options.max_keys, count, i);
      Shard& shard = *shards_[static_cast<size_t>(i)];
      MutexLock lock(shard.mutex);
      shard.SetCapacity(capacity);
      total += capacity;
    }
    return total;
  }

  BackendStats Stats() const override {
    BackendStats stats;
    for (const auto& shard : shards_) {
      MutexLock lock(shard->mutex);
      stats.keys += shard->size();
      stats.evictions += shard->evictions;
      stats.full += shard->full;
    }
    return stats;
  }

  MemoryUse Use() const override {
    MemoryUse use;
    use.most_slots_a_call = most_slots_a_call_;
    for (const auto& shard : shards_) {
      MutexLock lock(shard->mutex);
      use.bytes += shard->bytes();
    }
    return use;
  }

 private:
  int64_t ForgetKeys(absl::Span<const CounterKey> keys, int64_t now_ms) {
    std::vector<Fingerprint> fingerprints;
    fingerprints.reserve(keys.size());
    for (const CounterKey& key : keys) fingerprints.push_back(key.fingerprint());
    // One that is named twice may have come back in between, and would count twice.
    std::sort(fingerprints.begin(), fingerprints.end());
    fingerprints.erase(std::unique(fingerprints.begin(), fingerprints.end()), fingerprints.end());
    const int shard_bits = std::countr_zero(shards_.size());
    int64_t forgotten = 0;
    for (const Fingerprint& fingerprint : fingerprints) {
      Shard& shard = *shards_[ShardNumber(fingerprint, shard_bits)];
      MutexLock lock(shard.mutex);
      if (shard.Forget(fingerprint, now_ms)) ++forgotten;
    }
    return forgotten;
  }

  int64_t ForgetScope(const KeyScope& scope, int64_t now_ms) {
    std::vector<ShardWalk> walks(shards_.size());
    int64_t forgotten = 0;
    // A stretch of each shard in turn, because whoever waits for a lock would not get it from one
    // who takes it again at once.
    for (bool more = true; more;) {
      more = false;
      for (size_t i = 0; i < shards_.size(); ++i) {
        MutexLock lock(shards_[i]->mutex);
        more = shards_[i]->Forget(scope, now_ms, walks[i], forgotten) || more;
      }
    }
    return forgotten;
  }

  std::atomic<bool> allow_when_full_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<int> most_slots_a_call_ = 0;
};

}  // namespace

std::unique_ptr<MemoryBackend> NewMemoryBackend(const MemoryOptions& options) {
  return std::make_unique<MemoryEngine>(options);
}

}  // namespace sluice
