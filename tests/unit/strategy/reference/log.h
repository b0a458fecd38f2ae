// The logs: every hit is remembered for one period.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_LOG_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_LOG_H_

#include <absl/strings/numbers.h>

#include <algorithm>
#include <deque>
#include <string>

#include "tests/unit/strategy/reference/model.h"

namespace sluice {

// Low 1, normal 2, high 3, critical 4; anything else is what the limit takes it for.
inline int PriorityOf(const Spec& spec, const std::string& label) {
  if (spec.strategy != "priority_queue") return 0;
  if (label == "1" || label == "low") return 1;
  if (label == "2" || label == "normal") return 2;
  if (label == "3" || label == "high") return 3;
  if (label == "4" || label == "critical") return 4;
  return spec.default_priority > 0 ? static_cast<int>(spec.default_priority) : 2;
}

class LogModel final : public EverMore<LogModel> {
 public:
  using EverMore::EverMore;

  Int Largest() const override {
    if (spec_.hard_limit == 0) return spec_.limit;
    return std::min(spec_.limit, spec_.hard_limit);
  }

 private:
  struct Entry {
    Int at;
    Int cost;
    int priority;
  };

  bool Ranks() const { return spec_.strategy == "priority_queue"; }
  Int MaxEntries() const {
    if (spec_.max_entries > 0) return spec_.max_entries;
    return std::clamp<Int>(Ranks() ? 4 * Int(spec_.limit) : Int(spec_.limit), 1, 100'000);
  }
  bool Alive(const Entry& entry, Int at) const { return entry.at > at - spec_.period_us; }
  Int Count(Int at) const {
    return std::count_if(entries_.begin(), entries_.end(),
                         [&](const Entry& entry) { return Alive(entry, at); });
  }
  // Of this priority or higher.
  Int Sum(Int at, int priority) const {
    Int sum = 0;
    for (const Entry& entry : entries_) {
      if (Alive(entry, at) && entry.priority >= priority) sum += entry.cost;
    }
    return sum;
  }
  void Forget(Int at) {
    while (!entries_.empty() && !Alive(entries_.front(), at)) entries_.pop_front();
  }
  bool IsWithin(Int at, const Ask& ask) const {
    if (spec_.hard_limit > 0 && Sum(at, 0) + ask.cost > spec_.hard_limit) return false;
    return Sum(at, ask.priority) + ask.cost <= spec_.limit;
  }
  // For debt: one further largest amount, of this priority and higher together.
  Int Room(Int at, int priority) const {
    return 2 * Int(std::max(spec_.limit, spec_.hard_limit)) - Sum(at, priority);
  }
  Int NewestsRoom(Int at) const {
    return entries_.empty() ? Int(0) : Room(at, entries_.back().priority);
  }
  static void Lower(std::deque<Entry>& entries, bool newest, Int amount) {
    while (amount > 0 && !entries.empty()) {
      Entry& entry = newest ? entries.back() : entries.front();
      const Int off = std::min(amount, entry.cost);
      entry.cost -= off;
      amount -= off;
      if (entry.cost > 0) return;
      newest ? entries.pop_back() : entries.pop_front();
    }
  }

  bool PassesAt(Int at, const Ask& ask) const override {
    // What costs nothing needs no entry.
    return (ask.cost == 0 || Count(at) < MaxEntries()) && IsWithin(at, ask);
  }
  // By where it ends up: a full log adds a debit to its newest entry, whatever priority that has.
  bool FitsAt(Int at, const Ask& ask) const override {
    LogModel settled = *this;
    settled.SettleAt(at, ask);
    return ask.cost <= Largest() && settled.IsWithin(at, {0, ask.priority});
  }
  bool IdleAt(Int at) const override { return Count(at) == 0; }
  void TakeAt(Int at, const Ask& ask) override {
    Forget(at);
    entries_.push_back({at, ask.cost, ask.priority});
  }
  void SettleAt(Int at, const Ask& ask) override {
    Forget(at);
    if (ask.cost < 0) Lower(entries_, /*newest=*/true, -ask.cost);
    const bool full = Count(at) >= MaxEntries();
    const Int debit = std::min(ask.cost, full ? std::min(Room(at, ask.priority), NewestsRoom(at))
                                              : Room(at, ask.priority));
    if (debit <= 0) return;
    if (full) {
      entries_.back().cost += debit;
    } else {
      entries_.push_back({at, debit, ask.priority});
    }
  }
  void DenyAt(Int at, const Ask& ask) override {
    Forget(at);
    entries_.push_back({at, ask.cost, ask.priority});
    Lower(entries_, /*newest=*/false, Sum(at, 0) - spec_.limit);
    if (Count(at) > MaxEntries()) entries_.pop_front();
  }

  std::deque<Entry> entries_;  // the oldest first
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_LOG_H_
