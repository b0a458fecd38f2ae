#include "backend/memory/decide.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <numeric>

#include "absl/container/inlined_vector.h"
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
  Table* table = nullptr;
  Table::Index slot = Table::kNone;
  bool placed = false;   // it has a slot, or was promised one
  bool changed = false;  // to be stored
  int64_t sum = 0;       // of the group's amounts
  int64_t taken = 0;     // of the takes so far
  int64_t wait_us = 0;   // there is no place for it until then; 0: it was not refused one
  Registers registers{};
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
//   settles    are applied first, in order;
//   the group  (takes and looks) is judged on the sums by key, and room is found for new counters;
//              if all of it passes, the takes are applied in order;
//   follows    come after the group, whatever their place in the list, each judged alone on what is
//              left: so that they can never be in the way of a take;
//   the store  writes what changed, drops what was evicted and does the upkeep.
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
    bool passes = JudgeGroup();
    if (passes) passes = PlaceGroup();
    if (passes) {
      TakeGroup();
    } else {
      DenyGroup();
    }
    ApplyFollows(passes);
    Store();
    return Maintain(locks);
  }

 private:
  void Gather(absl::Span<const std::unique_ptr<Shard>> shards);
  void Load();
  void ApplySettles();
  bool JudgeGroup();
  bool PlaceGroup();
  void TakeGroup();
  void DenyGroup();
  void ApplyFollows(bool group_passes);
  void Store();
  int Maintain(const ShardLocks& locks);

  size_t size() const { return decision_.charges.size(); }
  const Charge& ChargeAt(size_t i) const { return decision_.charges[i]; }
  bool InGroup(size_t i) const {
    return ChargeAt(i).mode == Mode::kTake || ChargeAt(i).mode == Mode::kLook;
  }
  Counter& CounterOf(size_t i) { return counters_[counter_of_[i]]; }
  Verdict& VerdictOf(size_t i) { return decision_.verdicts[i]; }

  void Step(size_t i, int64_t cost, bool take) {
    VerdictOf(i) = ChargeAt(i).limit.Step(CounterOf(i).registers, decision_.now_us, cost, take);
  }
  // Whether the counter has a place for what verdict `i` made of it, or is promised one now.
  bool Place(size_t i);
  bool HasRoom(Shard& shard) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  bool MakeRoom(Counter& counter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(counter.shard->mutex);
  // Makes the registers of verdict `i` the counter's; counted as full if there is no place for
  // them.
  void Keep(size_t i);
  // Makes verdict `i` the denial of a charge for whose counter there is no place.
  void Refuse(size_t i);
  static void CountRefusal(const Counter& counter);

  Decision& decision_;
  const bool allow_when_full_;
  Few<Counter> counters_;    // by fingerprint
  Few<size_t> counter_of_;   // for each charge
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
  for (const size_t i : order) {
    const Fingerprint& fingerprint = ChargeAt(i).key.fingerprint();
    if (counters_.empty() || !(counters_.back().fingerprint == fingerprint)) {
      const size_t shard = shard_bits == 0 ? 0 : fingerprint.high >> (64 - shard_bits);
      counters_.push_back({fingerprint, shards[shard].get()});
    }
    counter_of_[i] = counters_.size() - 1;
  }
}

void Round::Load() {
  for (size_t i = 0; i < size(); ++i) {
    Counter& counter = CounterOf(i);
    if (counter.table != nullptr) continue;
    counter.shard->mutex.AssertHeld();
    counter.table = &counter.shard->TableOf(ChargeAt(i).limit.registers());
    counter.slot = counter.table->Find(counter.fingerprint);
    if (counter.slot == Table::kNone) continue;
    counter.placed = true;
    counter.registers = counter.table->RegistersAt(counter.slot);
  }
}

void Round::ApplySettles() {
  for (size_t i = 0; i < size(); ++i) {
    if (ChargeAt(i).mode != Mode::kSettle) continue;
    VerdictOf(i) =
        ChargeAt(i).limit.Settle(CounterOf(i).registers, decision_.now_us, ChargeAt(i).amount);
    Keep(i);
  }
}

bool Round::JudgeGroup() {
  for (size_t i = 0; i < size(); ++i) {
    if (!InGroup(i)) continue;
    int64_t& sum = CounterOf(i).sum;
    sum += std::min(ChargeAt(i).amount, kMaxAmount - sum);
  }
  bool passes = true;
  for (size_t i = 0; i < size(); ++i) {
    if (!InGroup(i)) continue;
    // Taken at once, on a copy: alone on its key and in a group that passes, that is all.
    Step(i, CounterOf(i).sum, ChargeAt(i).mode == Mode::kTake);
    passes = passes && VerdictOf(i).allowed;
  }
  return passes;
}

bool Round::PlaceGroup() {
  const size_t promised = promised_.size();
  const size_t evictions = evictions_.size();
  bool placed = true;
  for (size_t i = 0; i < size(); ++i) {
    if (ChargeAt(i).mode == Mode::kTake) placed = Place(i) && placed;
  }
  if (placed || allow_when_full_) return true;
  for (size_t i = promised; i < promised_.size(); ++i) promised_[i]->placed = false;
  promised_.resize(promised);
  evictions_.resize(evictions);
  return false;
}

void Round::TakeGroup() {
  // Several charges on one key are told in order: each is the step of all the takes so far, from
  // the counter as it was. Stepping from one to the next would deny what was judged as one (a gcra
  // that lets a large cost pay later lets it pass only when nothing is owed).
  for (size_t i = 0; i < size(); ++i) {
    if (!InGroup(i)) continue;
    Counter& counter = CounterOf(i);
    const bool takes = ChargeAt(i).mode == Mode::kTake;
    if (takes) counter.taken += std::min(ChargeAt(i).amount, kMaxAmount - counter.taken);
    const bool judged_so = takes ? counter.taken == counter.sum : counter.taken == 0;
    if (!judged_so) Step(i, counter.taken, true);
    if (!takes) VerdictOf(i).taken = false;
  }
  for (size_t i = 0; i < size(); ++i) {
    if (ChargeAt(i).mode == Mode::kTake) Keep(i);
  }
}

void Round::DenyGroup() {
  for (size_t i = 0; i < size(); ++i) {
    if (ChargeAt(i).mode != Mode::kTake) continue;
    if (VerdictOf(i).taken) Step(i, CounterOf(i).sum, false);
    if (CounterOf(i).wait_us != 0 && !allow_when_full_) Refuse(i);
  }
}

void Round::ApplyFollows(bool group_passes) {
  for (size_t i = 0; i < size(); ++i) {
    if (ChargeAt(i).mode != Mode::kFollow) continue;
    Step(i, ChargeAt(i).amount, group_passes);
    if (!VerdictOf(i).taken) continue;
    if (Place(i) || allow_when_full_) {
      Keep(i);
    } else {
      Refuse(i);
    }
  }
}

void Round::Store() {
  for (Counter& counter : counters_) {
    if (!counter.changed) continue;
    counter.shard->mutex.AssertHeld();
    if (counter.slot != Table::kNone) {
      counter.table->Write(counter.slot, counter.registers, counter.use);
    } else if (counter.placed) {
      counter.table->Insert(counter.fingerprint, counter.registers, counter.use);
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
  if (!HasRoom(*counter.shard) && !MakeRoom(counter)) return false;
  counter.placed = true;
  promised_.push_back(&counter);
  return true;
}

bool Round::HasRoom(Shard& shard) const {
  const auto here = [&](const auto& each) { return each->shard == &shard; };
  const auto leaving = [&](const Eviction& each) { return each.shard == &shard; };
  return shard.size() + std::count_if(promised_.begin(), promised_.end(), here) -
             std::count_if(evictions_.begin(), evictions_.end(), leaving) <
         shard.capacity();
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
  Counter& counter = CounterOf(i);
  if (!Place(i)) {
    VerdictOf(i).taken = false;
    CountRefusal(counter);
    return;
  }
  counter.registers = VerdictOf(i).registers;
  counter.use = UseOf(VerdictOf(i), ChargeAt(i).limit.most());
  counter.changed = true;
}

void Round::Refuse(size_t i) {
  Verdict& verdict = VerdictOf(i);
  Step(i, 0, false);
  verdict.allowed = false;
  verdict.remaining = 0;
  verdict.wait_us = CounterOf(i).wait_us;
  CountRefusal(CounterOf(i));
}

void Round::CountRefusal(const Counter& counter) {
  counter.shard->mutex.AssertHeld();
  ++counter.shard->full;
}

}  // namespace

int DecideInShards(Decision& decision, absl::Span<const std::unique_ptr<Shard>> shards,
                   bool allow_when_full) {
  return Round(decision, shards, allow_when_full).Run();
}

}  // namespace sluice
