#include "backend/memory/table.h"

#include <algorithm>
#include <bit>

namespace sluice {
namespace {

constexpr int kShareBits = 16;
constexpr int64_t kLastAbsentMs = (int64_t{1} << (63 - kShareBits)) - 1;

// Slots to a chain, as a fraction: more heads are more bytes a key, fewer are longer chains. At 4/3
// a counter of two registers costs 40 + 4 + 3 bytes.
constexpr uint64_t kSlotsPerHead = 4;
constexpr uint64_t kHeadsPerSlot = 3;

// As many as come with the first allocation.
constexpr uint32_t kFirstHeads = 128;

// What a split may visit. A chain about to be split holds 8/3 slots on average, and one of more
// than this is not to be expected in the life of the universe.
constexpr int kLongestChain = 32;

}  // namespace

SlotUse UseOf(const Verdict& verdict, int64_t most) {
  SlotUse use;
  const int64_t last_reset_us = kLastAbsentMs * 1000 - verdict.now_us;
  use.absent_ms = (verdict.now_us + std::min(verdict.reset_us, last_reset_us) + 999) / 1000;
  if (verdict.tightest <= 0) {
    use.share = SlotUse::kAtLimit;
  } else {
    const double left = static_cast<double>(verdict.tightest) / static_cast<double>(most);
    use.share = static_cast<uint16_t>((SlotUse::kAtLimit - 1) * std::max(1.0 - left, 0.0));
  }
  return use;
}

Table::Table(int registers, bool keeps_logs)
    : registers_(registers),
      keeps_logs_(keeps_logs),
      words_(kFirstRegister + registers + (keeps_logs ? 1 : 0)),
      slots_(static_cast<size_t>(words_)) {}

Table::Index Table::ChainOf(const Fingerprint& fingerprint) const {
  // Heads 0 to n-1 are there. Of the bits that number the next power of two, those chains that are
  // not split yet know one fewer.
  const uint64_t mask = std::bit_ceil(heads_.size()) - 1;
  const uint64_t chain = fingerprint.high & mask;
  return static_cast<Index>(chain < heads_.size() ? chain : chain & (mask >> 1));
}

Table::Index Table::Find(const Fingerprint& fingerprint) const {
  if (heads_.size() == 0) return kNone;
  const uint32_t tag = TagOf(fingerprint);
  Link link = *heads_[ChainOf(fingerprint)];
  while (link.index != kNone && (link.tag != tag || !(FingerprintAt(link.index) == fingerprint))) {
    link = *links_[link.index];
  }
  return link.index;
}

SlotUse Table::UseAt(Index index) const {
  const uint64_t word = slots_[index][kUse];
  return {static_cast<int64_t>(word >> kShareBits), static_cast<uint16_t>(word)};
}

Registers Table::RegistersAt(Index index) const {
  Registers registers{};
  std::copy_n(slots_[index] + kFirstRegister, registers_, registers.begin());
  return registers;
}

LogPool::Handle Table::LogAt(Index index) const {
  return keeps_logs_ ? slots_[index][kFirstRegister + registers_] : LogPool::kEmpty;
}

void Table::Write(Index index, const Registers& registers, const SlotUse& use,
                  LogPool::Handle log) {
  uint64_t* slot = slots_[index];
  slot[kUse] = static_cast<uint64_t>(use.absent_ms) << kShareBits | use.share;
  std::copy_n(registers.begin(), registers_, slot + kFirstRegister);
  if (keeps_logs_) slot[kFirstRegister + registers_] = log;
}

void Table::Insert(const Fingerprint& fingerprint, const Registers& registers, const SlotUse& use,
                   LogPool::Handle log) {
  while (heads_.size() < kFirstHeads) AppendHead();
  const Index index = slots_.size();
  slots_.Append();
  links_.Append();
  slots_[index][kHigh] = fingerprint.high;
  slots_[index][kLow] = fingerprint.low;
  Write(index, registers, use, log);
  Enchain(index);
}

void Table::Erase(Index index) {
  if (keeps_logs_) logs_.Free(LogAt(index));
  *LinkTo(index) = *links_[index];
  const Index last = slots_.size() - 1;
  if (index != last) {
    LinkTo(last)->index = index;
    *links_[index] = *links_[last];
    std::copy_n(slots_[last], words_, slots_[index]);
  }
  slots_.RemoveLast();
  links_.RemoveLast();
}

void Table::Grow(int& budget) {
  while (uint64_t{heads_.size()} * kSlotsPerHead < uint64_t{size()} * kHeadsPerSlot &&
         budget >= kLongestChain) {
    budget -= SplitNext();
  }
}

void Table::Sweep(int64_t now_ms, int slots, int& budget) {
  // Two of the budget for each: the slot itself, and the last one that may have to move.
  for (; slots > 0 && budget >= 2 && size() > 0; --slots, budget -= 2) {
    if (hand_ >= size()) hand_ = 0;
    if (UseAt(hand_).AbsentAt(now_ms)) {
      Erase(hand_);
    } else {
      ++hand_;
    }
  }
}

Table::Index Table::Forget(const KeyScope& scope, int64_t now_ms, Index end, int& budget,
                           int64_t& forgotten) {
  end = std::min(end, size());
  for (; end > 0 && budget >= 2; --budget) {
    --end;
    if (!scope.Holds(FingerprintAt(end))) continue;
    if (!UseAt(end).AbsentAt(now_ms)) ++forgotten;
    Erase(end);
    --budget;  // for the last slot, which may have moved
  }
  return end;
}

Table::Link* Table::LinkTo(Index index) {
  Link* link = heads_[ChainOf(FingerprintAt(index))];
  while (link->index != index) link = links_[link->index];
  return link;
}

void Table::Enchain(Index index) {
  const Fingerprint fingerprint = FingerprintAt(index);
  Link* head = heads_[ChainOf(fingerprint)];
  *links_[index] = *head;
  *head = {index, TagOf(fingerprint)};
}

void Table::AppendHead() {
  heads_.Append();
  *heads_[heads_.size() - 1] = {kNone, 0};
}

int Table::SplitNext() {
  const Index added = heads_.size();
  const Index parent = added - std::bit_floor(added);
  Index index = heads_[parent]->index;
  *heads_[parent] = {kNone, 0};
  AppendHead();
  int visited = 0;
  for (; index != kNone; ++visited) {
    const Index next = links_[index]->index;
    Enchain(index);
    index = next;
  }
  return visited;
}

}  // namespace sluice
