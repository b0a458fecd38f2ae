#include "backend/memory/shard.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace sluice {
namespace {

constexpr uint64_t kBucket = 16;

// More than one, so that idle counters leave faster than new ones can come.
constexpr int kSweptPerCall = 2;

// A bucket is looked at, one slot erased, and the last one moved.
constexpr int kDrainCost = static_cast<int>(kBucket) + 2;

// Under one hold of the lock.
constexpr int kWalkedAtOnce = 1024;

}  // namespace

Table& Shard::TableOf(int registers, bool keeps_logs) {
  std::unique_ptr<Table>& table =
      tables_[static_cast<size_t>(registers - 1 + (keeps_logs ? kMaxRegisters : 0))];
  if (table == nullptr) {
    table = std::make_unique<Table>(registers, keeps_logs);
    used_.push_back(table.get());
  }
  return *table;
}

int64_t Shard::size() const {
  int64_t size = 0;
  for (const Table* table : used_) size += table->size();
  return size;
}

int64_t Shard::bytes() const {
  int64_t bytes = sizeof(Shard);
  for (const Table* table : used_) bytes += table->bytes();
  return bytes;
}

Eviction Shard::Sample(const Fingerprint& newcomer, int64_t now_ms,
                       absl::FunctionRef<bool(const Fingerprint&)> spared) {
  // Bits from the middle, because the upper ones have chosen the shard and are the same here.
  const uint64_t middle = newcomer.high >> 16 & 0xffffffff;
  return SampleAt(middle * static_cast<uint64_t>(size()) >> 32, now_ms, spared);
}

Eviction Shard::SampleAt(uint64_t position, int64_t now_ms,
                         absl::FunctionRef<bool(const Fingerprint&)> spared) {
  Eviction eviction{this};
  auto best = std::make_tuple(true, SlotUse::kAtLimit, std::numeric_limits<int64_t>::max());
  const auto population = static_cast<uint64_t>(size());
  for (uint64_t left = std::min(kBucket, population); left > 0; --left) {
    uint64_t row = position;
    auto table = used_.begin();
    for (; row >= (*table)->size(); ++table) row -= (*table)->size();
    position = position + 1 < population ? position + 1 : 0;

    const auto index = static_cast<Table::Index>(row);
    const SlotUse use = (*table)->UseAt(index);
    const bool in_use = !use.AbsentAt(now_ms);
    eviction.absent_ms = std::min(eviction.absent_ms, use.absent_ms);
    const auto rank = std::make_tuple(in_use, in_use ? use.share : uint16_t{0}, use.absent_ms);
    if (rank >= best || (in_use && use.share == SlotUse::kAtLimit)) continue;
    const Fingerprint fingerprint = (*table)->FingerprintAt(index);
    if (spared(fingerprint)) continue;
    best = rank;
    eviction.table = *table;
    eviction.victim = fingerprint;
    eviction.in_use = in_use;
  }
  return eviction;
}

void Shard::Maintain(int64_t now_ms, int& budget) {
  for (Table* table : used_) {
    table->Grow(budget);
    table->Sweep(now_ms, kSweptPerCall, budget);
  }
  if (size() > capacity_ && budget >= kDrainCost) {
    Drain(now_ms);
    budget -= kDrainCost;
  }
}

void Shard::Drain(int64_t now_ms) {
  // Bucket after bucket, so that one full of counters at their limit holds up nothing.
  if (drained_to_ >= static_cast<uint64_t>(size())) drained_to_ = 0;
  const Eviction eviction = SampleAt(drained_to_, now_ms, [](const Fingerprint&) { return false; });
  drained_to_ += kBucket;
  if (eviction.table == nullptr) return;
  eviction.table->Erase(eviction.table->Find(eviction.victim));
  if (eviction.in_use) ++evictions;
}

bool Shard::Forget(const Fingerprint& fingerprint, int64_t now_ms) {
  for (Table* table : used_) {
    const Table::Index index = table->Find(fingerprint);
    if (index == Table::kNone) continue;
    const bool in_use = !table->UseAt(index).AbsentAt(now_ms);
    table->Erase(index);
    return in_use;
  }
  return false;
}

bool Shard::Forget(const KeyScope& scope, int64_t now_ms, ShardWalk& walk, int64_t& forgotten) {
  int budget = kWalkedAtOnce;
  for (; walk.table < used_.size(); ++walk.table, walk.end = Table::kNone) {
    walk.end = used_[walk.table]->Forget(scope, now_ms, walk.end, budget, forgotten);
    if (walk.end > 0) return true;
  }
  return false;
}

}  // namespace sluice
