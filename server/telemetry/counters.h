// Counters on hot paths: kept apart per thread, summed when scraped.
#ifndef SLUICE_TELEMETRY_COUNTERS_H_
#define SLUICE_TELEMETRY_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/mutex.h"

namespace sluice {

// `Width` counters for each pair of labels, which come from the configuration and are few. Adding
// takes a lock that only the threads of one shard share. Thread-safe.
template <int Width>
class LabelledCounters {
 public:
  using Row = std::array<uint64_t, Width>;

  // `add(row)` changes the counters of the pair.
  template <class Add>
  void Update(absl::string_view first, absl::string_view second, Add add) {
    Shard& shard = shards_[ThreadShard()];
    MutexLock lock(shard.mutex);
    auto& group = FindOrInsert(shard.rows, first);
    add(FindOrInsert(group, second));
  }

  struct Sum {
    std::string first;
    std::string second;
    Row row;
  };
  // In the order of the labels.
  std::vector<Sum> Sums() const;

 private:
  static constexpr size_t kShards = 16;

  using Group = absl::flat_hash_map<std::string, Row>;
  struct alignas(64) Shard {
    mutable Mutex mutex;
    absl::flat_hash_map<std::string, Group> rows ABSL_GUARDED_BY(mutex);
  };

  static size_t ThreadShard();

  // The key is only copied when it is new.
  template <class Map>
  static typename Map::mapped_type& FindOrInsert(Map& map, absl::string_view key) {
    const auto found = map.find(key);
    if (found != map.end()) return found->second;
    return map[std::string(key)];
  }

  std::array<Shard, kShards> shards_;
};

template <int Width>
size_t LabelledCounters<Width>::ThreadShard() {
  static std::atomic<size_t> next{0};
  thread_local const size_t mine = next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return mine;
}

template <int Width>
std::vector<typename LabelledCounters<Width>::Sum> LabelledCounters<Width>::Sums() const {
  std::map<std::pair<std::string, std::string>, Row> sums;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [first, group] : shard.rows) {
      for (const auto& [second, row] : group) {
        Row& sum = sums[{first, second}];
        for (size_t i = 0; i < row.size(); ++i) sum[i] += row[i];
      }
    }
  }
  std::vector<Sum> out;
  out.reserve(sums.size());
  for (const auto& [labels, row] : sums) out.push_back({labels.first, labels.second, row});
  return out;
}

}  // namespace sluice

#endif  // SLUICE_TELEMETRY_COUNTERS_H_
