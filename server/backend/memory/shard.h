// A part of the counters under one lock.
#ifndef SLUICE_BACKEND_MEMORY_SHARD_H_
#define SLUICE_BACKEND_MEMORY_SHARD_H_

#include <array>
#include <cstdint>
#include <limits>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "backend/memory/table.h"
#include "core/key.h"
#include "core/mutex.h"

namespace sluice {

class Shard;

// What a full shard says to a new counter.
struct Eviction {
  static constexpr int64_t kNobody = std::numeric_limits<int64_t>::max();

  Shard* shard;
  Table* table = nullptr;  // holds the victim; null: there is none, all in reach are at their limit
  Fingerprint victim{};
  bool in_use = false;          // dropping it forgets something, because it is not absent yet
  int64_t absent_ms = kNobody;  // when the soonest in reach is absent
};

// Which of 2^shard_bits shards holds the counter.
inline size_t ShardNumber(const Fingerprint& fingerprint, int shard_bits) {
  return shard_bits == 0 ? 0 : fingerprint.high >> (64 - shard_bits);
}

// How far a walk over all of a shard's counters has come.
struct ShardWalk {
  size_t table = 0;
  Table::Index end = Table::kNone;  // slots of that table below it are still to be looked at
};

// Aligned, so that the locks of two shards do not share a cache line.
class alignas(64) Shard {
 public:
  explicit Shard(int64_t capacity) : capacity_(capacity) {}

  Mutex mutex;
  int64_t evictions ABSL_GUARDED_BY(mutex) = 0;
  int64_t full ABSL_GUARDED_BY(mutex) = 0;

  // Counters that are held, and that may be. More are held for a while after the capacity was
  // lowered.
  int64_t size() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  int64_t capacity() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return capacity_; }
  void SetCapacity(int64_t capacity) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { capacity_ = capacity; }
  int64_t bytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // The table of counters with so many registers, and with or without a log.
  Table& TableOf(int registers, bool keeps_logs) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // Samples a bucket of 16 neighbours, which `newcomer` chooses: absent ones go first, then the
  // smallest share, then the soonest absent; never one at its limit, nor one that is spared.
  Eviction Sample(const Fingerprint& newcomer, int64_t now_ms,
                  absl::FunctionRef<bool(const Fingerprint&)> spared)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // The upkeep that one call owes, within what is left of its budget of slots: growth, a little of
  // the sweep, and one counter is dropped, as by Sample, while there are more than may be.
  void Maintain(int64_t now_ms, int& budget) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // Erases the counter, if it is held. Whether it was in use.
  bool Forget(const Fingerprint& fingerprint, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Erases counters of the scope on the next stretch of the walk, of at most 1024 slots, and adds
  // to `forgotten` those that were in use. Whether there is more to walk. The lock may be released
  // between two stretches.
  bool Forget(const KeyScope& scope, int64_t now_ms, ShardWalk& walk, int64_t& forgotten)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

 private:
  // Sample, in the bucket that begins at a position among all slots.
  Eviction SampleAt(uint64_t position, int64_t now_ms,
                    absl::FunctionRef<bool(const Fingerprint&)> spared)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Drops a counter of those that are too many.
  void Drain(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  int64_t capacity_ ABSL_GUARDED_BY(mutex);
  uint64_t drained_to_ ABSL_GUARDED_BY(mutex) = 0;  // the position where Drain goes on
  // Made when they are first used: most shards have one or two.
  std::array<std::unique_ptr<Table>, 2 * kMaxRegisters> tables_ ABSL_GUARDED_BY(mutex);
  absl::InlinedVector<Table*, 4> used_ ABSL_GUARDED_BY(mutex);
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_MEMORY_SHARD_H_
