// Counters by fingerprint: a hash table that never stops to rebuild itself.
#ifndef SLUICE_BACKEND_MEMORY_TABLE_H_
#define SLUICE_BACKEND_MEMORY_TABLE_H_

#include <cstdint>

#include "backend/memory/log_pool.h"
#include "backend/memory/segmented_array.h"
#include "core/charge.h"
#include "core/key.h"

namespace sluice {

// What the sweep and the eviction know of a counter, in the 8 bytes that a slot has for it.
struct SlotUse {
  static constexpr uint16_t kAtLimit = 0xffff;

  // Milliseconds since the Unix epoch, rounded up; from then on the counter is as if never used.
  int64_t absent_ms = 0;
  // How much of the limit was used when it was last written; kAtLimit: nothing was left.
  uint16_t share = 0;

  bool AbsentAt(int64_t now_ms) const { return absent_ms <= now_ms; }
};

// How `limit` left a counter with this verdict.
SlotUse UseOf(const Verdict& verdict, int64_t most);

// Slots stand side by side without gaps, in the order in which they came: a new one goes to the
// end, and when one leaves, the last takes its place. So all memory is in use, a sweep is a walk,
// and a sample of neighbours is a fair one (where a slot stands says nothing about its key).
//
// Beside each slot is a link to the next slot of its chain, and there is a head for each chain.
// This is linear hashing (Litwin 1980): heads are added one at a time, and the new head takes its
// share of the slots of exactly one older chain. Nothing is ever rehashed at large, slots do not
// move when the table grows, and a chain holds one or two of them on average.
//
// Work is bounded by a budget, in slots visited, which the caller shares out over all that one call
// does. Not thread-safe.
class Table {
 public:
  using Index = uint32_t;
  static constexpr Index kNone = 0xffffff;
  static constexpr int64_t kMaxSize = kNone;

  // `registers`: how many of them a slot keeps, 1 to kMaxRegisters. `keeps_logs`: whether it has a
  // log too.
  explicit Table(int registers, bool keeps_logs = false);

  Index size() const { return slots_.size(); }
  int64_t bytes() const { return slots_.bytes() + links_.bytes() + heads_.bytes() + logs_.bytes(); }

  // kNone when there is none.
  Index Find(const Fingerprint& fingerprint) const;

  Fingerprint FingerprintAt(Index index) const {
    const uint64_t* slot = slots_[index];
    return {slot[kHigh], slot[kLow]};
  }
  SlotUse UseAt(Index index) const;
  // Those that are not kept are 0.
  Registers RegistersAt(Index index) const;
  // kEmpty of a table without logs.
  LogPool::Handle LogAt(Index index) const;
  void Write(Index index, const Registers& registers, const SlotUse& use,
             LogPool::Handle log = LogPool::kEmpty);

  // The fingerprint is not there yet, and the size is below kMaxSize.
  void Insert(const Fingerprint& fingerprint, const Registers& registers, const SlotUse& use,
              LogPool::Handle log = LogPool::kEmpty);
  // Frees its log, and moves the last slot.
  void Erase(Index index);

  // Of all its slots; a log belongs to the slot that it is written to.
  LogPool& logs() { return logs_; }

  // Adds the heads that are missing, as far as the budget goes.
  void Grow(int& budget);
  // Looks at the next `slots` slots and erases those that are absent, as far as the budget goes.
  void Sweep(int64_t now_ms, int slots, int& budget);
  // Looks at the slots below `end` from the back, and erases those of the scope, as far as the
  // budget goes. Adds to `forgotten` those that were in use. Returns the `end` to go on with: what
  // comes and goes between two calls moves no slot from below it to above it.
  Index Forget(const KeyScope& scope, int64_t now_ms, Index end, int& budget, int64_t& forgotten);

 private:
  // A slot's words; registers follow, and the log's handle.
  enum Word { kHigh, kLow, kUse, kFirstRegister };

  struct Link {
    uint32_t index : 24;
    uint32_t tag : 8;
  };

  // Of the bits that Fingerprint leaves to look at, the last of `low` tell apart what meets in a
  // chain, and the lower ones of `high` choose it: its upper ones have chosen the shard.
  static uint32_t TagOf(const Fingerprint& fingerprint) { return fingerprint.low & 0xff; }
  Index ChainOf(const Fingerprint& fingerprint) const;
  // The head or link that leads to the slot.
  Link* LinkTo(Index index);
  // Puts the slot at the front of its chain.
  void Enchain(Index index);
  void AppendHead();
  // Adds the head that is due. Returns the number of slots visited.
  int SplitNext();

  const int registers_;
  const bool keeps_logs_;
  const int words_;  // of a slot
  SegmentedArray<uint64_t> slots_;
  SegmentedArray<Link> links_;  // for each slot, to the next of its chain
  SegmentedArray<Link> heads_;  // for each chain, to its first
  LogPool logs_;
  Index hand_ = 0;  // where the sweep goes on
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_MEMORY_TABLE_H_
