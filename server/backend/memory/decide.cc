#include "backend/memory/decide.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <numeric>

#include "absl/container/inlined_vector.h"
#include "absl/types/optional.h"
#include "strategy/limit.h"

namespace sluice {
namespace {

// What one call may move and sweep. A call with many new counters may do more, because growth has
// to keep up with it: it visits one or two slots for each counter that comes.
constexpr int kSlotsPerCall = 64;
constexpr int kSlotsPerCharge = 4;

// When there is nobody to wait for: the decision's own new counters alone are too many.
constexpr int64_t kAloneWaitUs = 1'000'000;

template <class T>
using Few = absl::InlinedVector<T, 8>;

// A key of the decision, and its registers as they will be stored.
struct Counter {
  Fingerprint fingerprint;
  Shard* shard;
  size_t shard_rank;  // among the shards of this decision
  Table* table = nullptr;
  Table::Index slot = Table::kNone;
  bool placed = false;   // it has a slot, or was promised one
  bool changed = false;  // to be stored
  int64_t sum = 0;       // of the amounts that are judged together
  int64_t taken = 0;     // of these, what was taken so far
  int64_t wait_us = 0;   // there is no place for it until then; 0: it was not refused one
  Registers registers{};
  LogPool::Handle log = LogPool::kEmpty;
  bool edits_log = false;
  LogEdit edit{};  // to be applied to the log when the part of the round is over
  SlotUse use{};
};

// The locks of the counters' shards. The counters are in the order of their fingerprints, whose
// upper bits are the shard's number: so one shard's stand together, and every decision takes its
// locks in one order. Which locks these are is known only at run time, which clang's analysis
// cannot follow; below, AssertHeld() tells it where they are held.
class ShardLocks {
 public:
  explicit ShardLocks(const Few<Counter>& counters) ABSL_NO_THREAD_SAFETY_ANALYSIS
      : counters_(counters) {
    for (size_t i = 0; i < counters_.size(); ++i) {
      if (IsFirstOfShard(i)) counters_[i].shard->mutex.Lock();
    }
  }
  ~ShardLocks() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (size_t i = counters_.size(); i-- > 0;) {
      if (IsFirstOfShard(i)) counters_[i].shard->mutex.Unlock();
    }
  }
  ShardLocks(const ShardLocks&) = delete;
  ShardLocks& operator=(const ShardLocks&) = delete;

  bool IsFirstOfShard(size_t i) const {
    return i == 0 || counters_[i].shard != counters_[i - 1].shard;
  }

 private:
  const Few<Counter>& counters_;
};

// Judges on copies of the registers and stores them at the end, so that nothing is ever undone:
//
//   settles      are applied first, in order;
//   the group    (takes and looks) is judged on the sums by key, and room is found for new
//                counters; if all of it passes, the takes are applied in order;
//   the follows  come after the group, whatever their place in the list, on what is left: so that
//                they can never be in the way of a take. They too are judged on the sums by key, as
//                the looks of a Check are: it must foretell a hit. Each that passes is applied, in
//                order, if the group passed;
//   the store    writes what changed, drops what was evicted and does the upkeep.
class Round {
 public:
  Round(Decision& decision, absl::Span<const std::unique_ptr<Shard>> shards, bool allow_when_full)
      : decision_(decision), allow_when_full_(allow_when_full) {
    Gather(shards);
  }

  int Run() {
    const ShardLocks locks(counters_);
    Load();
    ApplySettles();
    const bool passes = Judge(Part::kGroup, true) && PlaceGroup();
    if (passes) {
      TakeInOrder(Part::kGroup);
    } else {
      DenyGroup();
    }
    Judge(Part::kFollows, passes);
    if (passes) TakeInOrder(Part::kFollows);
    Store();
    return Maintain(locks);
  }

 private:
  enum class Part { kSettles, kGroup, kFollows };

  void Gather(absl::Span<const std::unique_ptr<Shard>> shards);
  void Load();
  void ApplySettles();
  // Judges the charges of the part on the sums of their amounts by key, with `take` as if each took
  // its whole sum. Whether all of them pass.
  bool Judge(Part part, bool take);
  bool PlaceGroup();
  void DenyGroup();
  // Applies those of the part that were judged to take.
  void TakeInOrder(Part part);
  void Store();
  int Maintain(const ShardLocks& locks);

  size_t size() const { return decision_.charges.size(); }
  const Charge& ChargeAt(size_t i) const { return decision_.charges[i]; }
  bool IsIn(Part part, size_t i) const {
    const Mode mode = ChargeAt(i).mode;
    if (mode == Mode::kSettle) return part == Part::kSettles;
    return part == (mode == Mode::kFollow ? Part::kFollows : Part::kGroup);
  }
  // A take or a follow of nothing is a look, because it must not move the key's time.
  bool Takes(size_t i) const { return ChargeAt(i).mode != Mode::kLook && ChargeAt(i).amount > 0; }
  Counter& CounterOf(size_t i) { return counters_[counter_of_[i]]; }
  Verdict& VerdictOf(size_t i) { return decision_.verdicts[i]; }

  // Calls `judge` with the state of the counter of charge `i`.
  template <class Judge>
  void Judged(size_t i, const Judge& judge) {
    const Counter& counter = CounterOf(i);
    if (counter.log == LogPool::kEmpty && !counter.edits_log) {
      VerdictOf(i) = judge({counter.registers, nullptr});
    } else if (counter.edits_log) {
      const DequeLog log = EditedLog(counter);
      VerdictOf(i) = judge({counter.registers, &log});
    } else {
      const LogPool::Reader log(counter.table->logs(), counter.log);
      VerdictOf(i) = judge({counter.registers, &log});
    }
  }
  // A copy with the edit that waits; only for a denied follow behind one that was taken on its key.
  static DequeLog EditedLog(const Counter& counter);

  void Step(size_t i, int64_t cost, bool take) {
    const Charge& charge = ChargeAt(i);
    Judged(i, [&](const CounterState& state) {
      return charge.limit.Step(state, decision_.now_us, cost, take, charge.tag);
    });
  }
  void Settle(size_t i) {
    const Charge& charge = ChargeAt(i);
    Judged(i, [&](const CounterState& state) {
      return charge.limit.Settle(state, decision_.now_us, charge.amount, charge.tag);
    });
  }
  // Whether the counter has a place for what verdict `i` made of it, or is promised one now.
  bool Place(size_t i);
  bool MakeRoom(Counter& counter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(counter.shard->mutex);
  // Makes the registers of verdict `i` the counter's, or refuses it if there is no place for them.
  // Of several verdicts on one counter the last counts, for its log too: EditLogs() then applies
  // it.
  void Keep(size_t i);
  void EditLogs();
  // Makes verdict `i` the denial of what was to wait so long; it tells the counter as it stands.
  void Deny(size_t i, int64_t wait_us);
  // Makes verdict `i` that of a charge for whose counter there is no place, and counts it.
  void Refuse(size_t i);

  Decision& decision_;
  const bool allow_when_full_;
  Few<Counter> counters_;   // by fingerprint
  Few<size_t> counter_of_;  // for each charge
  // For each shard, how many more counters it can be promised; unknown until one is new.
  Few<absl::optional<int64_t>> room_;
  Few<Counter*> promised_;   // those without a slot that will get one
  Few<Eviction> evictions_;  // what leaves for them
};

void Round::Gather(absl::Span<const std::unique_ptr<Shard>> shards) {
  Few<size_t> order(size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    return ChargeAt(a).key.fingerprint() < ChargeAt(b).key.fingerprint();
  });
  const int shard_bits = std::countr_zero(shards.size());
  counter_of_.resize(size());
  size_t rank = 0;
  for (const size_t i : order) {
    const Fingerprint& fingerprint = ChargeAt(i).key.fingerprint();
    if (counters_.empty() || !(counters_.back().fingerprint == fingerprint)) {
      Shard* const shard = shards[ShardNumber(fingerprint, shard_bits)].get();
      if (!counters_.empty() && counters_.back().shard != shard) ++rank;
      counters_.push_back({fingerprint, shard, rank});
    }
    counter_of_[i] = counters_.size() - 1;
  }
  room_.resize(rank + 1);
}

void Round::Load() {
  for (size_t i = 0; i < size(); ++i) {
    Counter& counter = CounterOf(i);
    if (counter.table != nullptr) continue;
    counter.shard->mutex.AssertHeld();
    const Limit& limit = ChargeAt(i).limit;
    counter.table = &counter.shard->TableOf(limit.registers(), limit.keeps_log());
    counter.slot = counter.table->Find(counter.fingerprint);
    if (counter.slot == Table::kNone) continue;
    counter.placed = true;
    counter.registers = counter.table->RegistersAt(counter.slot);
    counter.log = counter.table->LogAt(counter.slot);
  }
}

void Round::ApplySettles() {
  for (size_t i = 0; i < size(); ++i) {
    if (!IsIn(Part::kSettles, i)) continue;
    Settle(i);
    Keep(i);
    EditLogs();
  }
}

bool Round::Judge(Part part, bool take) {
  for (Counter& counter : counters_) counter.sum = counter.taken = 0;
  for (size_t i = 0; i < size(); ++i) {
    if (!IsIn(part, i)) continue;
    int64_t& sum = CounterOf(i).sum;
    sum += std::min(ChargeAt(i).amount, kMaxAmount - sum);
  }
  bool passes = true;
  for (size_t i = 0; i < size(); ++i) {
    if (!IsIn(part, i)) continue;
    // Taken at once, on a copy: alone on its key and in a group that passes, that is all.
    Step(i, CounterOf(i).sum, take && Takes(i));
    passes = passes && VerdictOf(i).allowed;
  }
  return passes;
}

bool Round::PlaceGroup() {
  const size_t promised = promised_.size();
  const size_t evictions = evictions_.size();
  bool placed = true;
  for (size_t i = 0; i < size(); ++i) {
    if (IsIn(Part::kGroup, i) && Takes(i)) placed = Place(i) && placed;
  }
  if (placed || allow_when_full_) return true;
  for (size_t i = promised; i < promised_.size(); ++i) promised_[i]->placed = false;
  promised_.resize(promised);
  evictions_.resize(evictions);
  // room_ stays as it is: nobody asks for room after a denied group.
  return false;
}

void Round::DenyGroup() {
  for (size_t i = 0; i < size(); ++i) {
    if (!IsIn(Part::kGroup, i)) continue;
    if (VerdictOf(i).changes && !VerdictOf(i).allowed) Keep(i);
    if (!VerdictOf(i).taken) continue;
    if (CounterOf(i).wait_us != 0 && !allow_when_full_) {
      Refuse(i);
    } else {
      Step(i, CounterOf(i).sum, false);
    }
  }
  EditLogs();
}

void Round::TakeInOrder(Part part) {
  // Several charges on one key are told in order: each is the step of all that was taken so far,
  // from the counter as it was. Stepping from one to the next would deny what was judged as one (a
  // gcra that lets a large cost pay later lets it pass only when nothing is owed).
  for (size_t i = 0; i < size(); ++i) {
    if (!IsIn(part, i) || !VerdictOf(i).allowed) continue;
    Counter& counter = CounterOf(i);
    if (Takes(i)) counter.taken += std::min(ChargeAt(i).amount, kMaxAmount - counter.taken);
    const bool judged_so = counter.taken == (Takes(i) ? counter.sum : 0);
    if (!judged_so) Step(i, counter.taken, true);
    VerdictOf(i).taken = VerdictOf(i).changes = Takes(i);
  }
  for (size_t i = 0; i < size(); ++i) {
    if (!IsIn(part, i)) continue;
    if (VerdictOf(i).changes) {
      Keep(i);
    } else if (!VerdictOf(i).allowed) {
      // A follow; another on its key may have been taken, under a larger limit.
      Deny(i, VerdictOf(i).wait_us);
    }
  }
  EditLogs();
}

void Round::Store() {
  for (Counter& counter : counters_) {
    if (!counter.changed) continue;
    counter.shard->mutex.AssertHeld();
    if (counter.slot != Table::kNone) {
      counter.table->Write(counter.slot, counter.registers, counter.use, counter.log);
    } else if (counter.placed) {
      counter.table->Insert(counter.fingerprint, counter.registers, counter.use, counter.log);
    } else if (counter.log != LogPool::kEmpty) {
      counter.table->logs().Free(counter.log);
    }
  }
  // Only now, because erasing moves slots.
  for (const Eviction& eviction : evictions_) {
    eviction.shard->mutex.AssertHeld();
    eviction.table->Erase(eviction.table->Find(eviction.victim));
    if (eviction.in_use) ++eviction.shard->evictions;
  }
}

int Round::Maintain(const ShardLocks& locks) {
  const int allowed = std::max(kSlotsPerCall, kSlotsPerCharge * static_cast<int>(size()));
  int budget = allowed;
  for (size_t i = 0; i < counters_.size(); ++i) {
    if (!locks.IsFirstOfShard(i)) continue;
    counters_[i].shard->mutex.AssertHeld();
    counters_[i].shard->Maintain(decision_.now_us / 1000, budget);
  }
  return allowed - budget;
}

bool Round::Place(size_t i) {
  Counter& counter = CounterOf(i);
  const bool nothing_to_keep = VerdictOf(i).reset_us == 0;
  if (counter.placed || nothing_to_keep) return true;
  counter.shard->mutex.AssertHeld();
  absl::optional<int64_t>& room = room_[counter.shard_rank];
  if (!room) room = counter.shard->capacity() - counter.shard->size();
  if (*room > 0) {
    --*room;
  } else if (!MakeRoom(counter)) {
    return false;
  }
  counter.placed = true;
  promised_.push_back(&counter);
  return true;
}

bool Round::MakeRoom(Counter& counter) {
  const auto spared = [this](const Fingerprint& candidate) {
    return std::any_of(counters_.begin(), counters_.end(),
                       [&](const Counter& each) { return each.fingerprint == candidate; }) ||
           std::any_of(evictions_.begin(), evictions_.end(),
                       [&](const Eviction& each) { return each.victim == candidate; });
  };
  const Eviction eviction =
      counter.shard->Sample(counter.fingerprint, decision_.now_us / 1000, spared);
  if (eviction.table != nullptr) {
    evictions_.push_back(eviction);
    return true;
  }
  const int64_t free_at_us = eviction.absent_ms == Eviction::kNobody
                                 ? decision_.now_us + kAloneWaitUs
                                 : eviction.absent_ms * 1000;
  counter.wait_us = std::max<int64_t>(free_at_us - decision_.now_us, 1);
  return false;
}

void Round::Keep(size_t i) {
  if (!Place(i)) {
    Refuse(i);
    return;
  }
  Counter& counter = CounterOf(i);
  counter.registers = VerdictOf(i).registers;
  counter.edits_log = ChargeAt(i).limit.keeps_log();
  if (counter.edits_log) counter.edit = VerdictOf(i).edit;
  counter.use = UseOf(VerdictOf(i), ChargeAt(i).limit.most(ChargeAt(i).tag));
  counter.changed = true;
}

DequeLog Round::EditedLog(const Counter& counter) {
  DequeLog copy;
  LogPool::Reader(counter.table->logs(), counter.log).FromOldest([&copy](const LogEntry& entry) {
    copy.Apply({.add = entry});
    return true;
  });
  copy.Apply(counter.edit);
  return copy;
}

void Round::EditLogs() {
  for (Counter& counter : counters_) {
    if (!counter.edits_log) continue;
    counter.log = counter.table->logs().Apply(counter.log, counter.edit);
    counter.edits_log = false;
  }
}

void Round::Deny(size_t i, int64_t wait_us) {
  Step(i, 0, false);
  VerdictOf(i).allowed = false;
  VerdictOf(i).wait_us = wait_us;
}

void Round::Refuse(size_t i) {
  const Counter& counter = CounterOf(i);
  counter.shard->mutex.AssertHeld();
  ++counter.shard->full;
  if (allow_when_full_) {
    Step(i, 0, false);
    return;
  }
  Deny(i, counter.wait_us);
  VerdictOf(i).remaining = 0;
}

}  // namespace

int DecideInShards(Decision& decision, absl::Span<const std::unique_ptr<Shard>> shards,
                   bool allow_when_full) {
  return Round(decision, shards, allow_when_full).Run();
}

}  // namespace sluice
