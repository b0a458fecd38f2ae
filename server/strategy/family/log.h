// Logs: every hit of the last period, one by one.
//
// A log is bounded: when `max_entries` are alive every hit is denied, because to forget one early
// would let more pass than the limit. Entries have a class (their priority); a hit is judged by the
// entries of its class and above, and by all of them together.
//
// Registers: the instant of the newest hit in ticks (the clamp of law 5), the number of entries,
// and the sum of their costs for each class; these are kept in step with the entries, so that a hit
// looks only at those that leave. Steps do not change a log, they tell the edit (core/log.h).
//
// Logs have no template over a number type: log.lua beside this file says the same in Lua, and a
// test holds the two together.
#ifndef SLUICE_STRATEGY_FAMILY_LOG_H_
#define SLUICE_STRATEGY_FAMILY_LOG_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/charge.h"
#include "core/log.h"
#include "strategy/step.h"

namespace sluice {

struct LogCell {
  const CounterState& state;
  int tag;
};

// Own terms of the log family.
enum LogTerm : size_t {
  kMaxEntries,  // of a log
  kHardLimit,   // hits of all classes together
  kCeiling,     // hits of one class and above, debt included
};

inline constexpr std::array<absl::string_view, 3> kLogTermNames = {"max_entries", "hard_limit",
                                                                   "ceiling"};

// A log is never longer: one of 100,000 hits of its own takes 1.8 MB.
inline constexpr int64_t kMostLogEntries = 100'000;

// What is worth a warning about a log of so many entries; empty: nothing.
inline std::string LogWarning(absl::string_view strategy, int64_t max_entries, int64_t limit) {
  if (max_entries >= limit) return "";
  return absl::StrCat(strategy, ": max_entries is ", max_entries, ": while so many requests are ",
                      "remembered every further one is denied, although the limit is ", limit,
                      " (raise it, or use sliding_window_counter)");
}

// No entry: what `oldest` tells of an empty log.
inline constexpr int64_t kNoEntry = -1;

// The entries of a log of `count` as they are after `edit`, oldest first, until `visit` is false.
template <class Visit>
void VisitEdited(const Log* log, int64_t count, const LogEdit& edit, const Visit& visit) {
  int64_t index = 0;
  bool more = true;
  if (log != nullptr && edit.drop_oldest + edit.drop_newest < count) {
    log->FromOldest([&](LogEntry entry) {
      const int64_t at = index++;
      if (at >= count - edit.drop_newest) return false;
      if (at < edit.drop_oldest) return true;
      if (at == edit.drop_oldest) entry.cost -= edit.lower_oldest;
      if (at == count - edit.drop_newest - 1) entry.cost -= edit.lower_newest;
      return more = visit(entry);
    });
  }
  if (more && edit.add.cost != 0) visit(edit.add);
}

// The instant of the newest entry after `edit`; kNoEntry.
inline int64_t NewestOf(const Log* log, int64_t left, const LogEdit& edit) {
  if (edit.add.cost != 0) return edit.add.at;
  int64_t newest = kNoEntry;
  if (log == nullptr || left == 0) return newest;
  int64_t dropped = edit.drop_newest;
  log->FromNewest([&](const LogEntry& entry) {
    newest = entry.at;
    return dropped-- > 0;
  });
  return newest;
}

// Takes `amount` hits off the newest of `left` entries. Calls `lowered(tag, hits)` for each, and
// returns how many entries left.
template <class Lowered>
int64_t RefundNewest(const Log* log, int64_t left, int64_t amount, LogEdit& edit,
                     const Lowered& lowered) {
  if (log == nullptr) return 0;
  log->FromNewest([&](const LogEntry& entry) {
    if (amount <= 0 || edit.drop_newest == left) return false;
    const int64_t hits = std::min(amount, entry.cost);
    amount -= hits;
    lowered(entry.tag, hits);
    if (hits < entry.cost) {
      edit.lower_newest = hits;
      return false;
    }
    ++edit.drop_newest;
    return true;
  });
  return edit.drop_newest;
}

// One step or settlement of a log with K classes. Tags are 0 when there is one class, else 1 to K.
template <int K>
class LogStep {
 public:
  static constexpr int kRegisters = 2 + K;

  LogStep(const LogCell& cell, const Inputs<int64_t>& in)
      : log_(cell.state.log),
        stored_(cell.state.registers[1]),
        own_class_(ClassOf(cell.tag)),
        tag_(cell.tag),
        in_(in),
        at_(std::max(in.now, cell.state.registers[0])) {
    live_.count = stored_;
    std::copy_n(cell.state.registers.begin() + 2, K, live_.sums.begin());
    Expire();
  }

  Verdict Step() {
    const bool possible = in_.cost <= in_.terms.most;
    const bool allowed = possible && Fits(live_, in_.cost) && live_.count < max_entries();
    const bool counts = in_.terms.count_denied == 1 && possible;
    Live hit = live_;
    LogEdit hit_edit = edit_;
    if (in_.cost > 0 && (allowed || counts)) {
      hit_edit.add = {at_, in_.cost, tag_};
      hit.Add(own_class_, in_.cost);
      ++hit.count;
      if (!allowed) Forget(hit, hit_edit);
    }
    int64_t wait = 0;
    if (!allowed) {
      wait = possible ? WaitFor(hit, hit_edit, in_.cost, max_entries() - 1) : kWaitNever;
    }
    const bool changes = in_.take == 1 && (allowed || counts);
    if (changes) {
      live_ = hit;
      edit_ = hit_edit;
    }
    return Tell(allowed, changes, wait);
  }

  Verdict Settle() {
    if (in_.cost > 0) {
      Debit(in_.cost);
    } else {
      live_.count -=
          RefundNewest(log_, live_.count, -in_.cost, edit_,
                       [this](int64_t tag, int64_t hits) { live_.Add(ClassOf(tag), -hits); });
    }
    const bool within = Fits(live_, 0) && in_.cost <= in_.terms.most;
    int64_t wait = 0;
    if (!within) {
      wait = in_.terms.most == 0 ? kWaitNever : WaitFor(live_, edit_, 0, live_.count);
    }
    return Tell(within, true, wait);
  }

 private:
  struct Live {
    int64_t count = 0;
    std::array<int64_t, K> sums{};

    void Add(size_t of, int64_t hits) { sums[of] += hits; }
    // Hits of this class and above.
    int64_t Above(size_t of) const {
      int64_t sum = 0;
      for (; of < K; ++of) sum += sums[of];
      return sum;
    }
  };

  static constexpr int64_t kSome = 8;

  static size_t ClassOf(int64_t tag) {
    return static_cast<size_t>(std::clamp<int64_t>(tag - 1, 0, K - 1));
  }
  int64_t max_entries() const { return in_.terms.own[kMaxEntries]; }
  int64_t hard_limit() const { return in_.terms.own[kHardLimit]; }
  int64_t ceiling() const { return in_.terms.own[kCeiling]; }

  bool Fits(const Live& live, int64_t cost) const {
    return cost <= in_.terms.limit - live.Above(own_class_) && cost <= hard_limit() - live.Above(0);
  }

  void Expire() {
    const int64_t until = at_ - in_.terms.period;
    bool paused = false;
    VisitEdited(log_, stored_, {}, [&](const LogEntry& entry) {
      if (entry.at > until) return false;
      // Once some have left, ask whether all have: after a pause nothing more needs to be looked
      // at.
      if (edit_.drop_oldest == kSome) paused = NewestOf(log_, stored_, {}) <= until;
      if (paused) return false;
      live_.Add(ClassOf(entry.tag), -entry.cost);
      --live_.count;
      ++edit_.drop_oldest;
      return true;
    });
    if (!paused) return;
    live_ = {};
    edit_.drop_oldest = stored_;
  }

  // A denial that counts takes the place of the oldest costs.
  void Forget(Live& live, LogEdit& edit) const {
    const LogEdit before = edit;
    VisitEdited(log_, stored_, before, [&](const LogEntry& entry) {
      const int64_t excess = live.Above(0) - in_.terms.limit;
      const bool full = live.count > max_entries();
      if (excess <= 0 && !full) return false;
      const int64_t hits = full ? entry.cost : std::min(entry.cost, excess);
      live.Add(ClassOf(entry.tag), -hits);
      if (hits < entry.cost) {
        edit.lower_oldest = hits;
        return false;
      }
      ++edit.drop_oldest;
      --live.count;
      return true;
    });
  }

  // A full log adds it to its newest entry, whose class then holds it too.
  void Debit(int64_t amount) {
    const bool full = live_.count >= max_entries();
    LogEntry newest{at_, 0, tag_};
    if (full) {
      log_->FromNewest([&newest](const LogEntry& entry) {
        newest = entry;
        return false;
      });
    }
    const size_t holder = ClassOf(newest.tag);
    const int64_t held = std::max(live_.Above(own_class_), live_.Above(holder));
    const int64_t hits = std::min(amount, std::max<int64_t>(ceiling() - held, 0));
    if (hits == 0) return;
    live_.Add(holder, hits);
    if (full) {
      edit_.lower_newest = -hits;
    } else {
      edit_.add = {at_, hits, tag_};
      ++live_.count;
    }
  }

  // Until the cost fits and at most `count` entries are left; 0 when that is so already.
  int64_t WaitFor(Live live, const LogEdit& edit, int64_t cost, int64_t count) const {
    int64_t free_at = at_;
    VisitEdited(log_, stored_, edit, [&](const LogEntry& entry) {
      if (Fits(live, cost) && live.count <= count) return false;
      live.Add(ClassOf(entry.tag), -entry.cost);
      --live.count;
      free_at = entry.at + in_.terms.period;
      return true;
    });
    return free_at == at_ ? 0 : free_at - in_.now;
  }

  Verdict Tell(bool allowed, bool changes, int64_t wait) const {
    Verdict verdict;
    verdict.allowed = allowed;
    verdict.changes = changes;
    const int64_t room =
        std::min(in_.terms.limit - live_.Above(own_class_), hard_limit() - live_.Above(0));
    const int64_t room_for_all =
        std::min(in_.terms.limit - live_.Above(0), hard_limit() - live_.Above(0));
    const bool full = live_.count >= max_entries();
    verdict.remaining = full ? 0 : std::max<int64_t>(room, 0);
    verdict.tightest = full ? 0 : std::max<int64_t>(room_for_all, 0);
    verdict.wait_us = wait;
    const int64_t newest = NewestOf(log_, live_.count, edit_);
    verdict.reset_us = newest == kNoEntry ? 0 : newest + in_.terms.period - in_.now;
    verdict.registers[0] = at_;
    verdict.registers[1] = live_.count;
    std::copy(live_.sums.begin(), live_.sums.end(), verdict.registers.begin() + 2);
    if constexpr (kRegisters < kMaxRegisters) verdict.registers[kRegisters] = Oldest();
    verdict.edit = edit_;
    return verdict;
  }

  int64_t Oldest() const {
    int64_t oldest = kNoEntry;
    VisitEdited(log_, stored_, edit_, [&](const LogEntry& entry) {
      oldest = entry.at;
      return false;
    });
    return oldest;
  }

  const Log* const log_;
  const int64_t stored_;  // entries before the step
  const size_t own_class_;
  const int tag_;
  const Inputs<int64_t>& in_;
  const int64_t at_;  // the key's time
  Live live_;
  LogEdit edit_;
};

// What a strategy over a log with so many classes inherits.
template <int K>
struct LogStrategy {
  static constexpr int kRegisters = LogStep<K>::kRegisters;
  static constexpr bool kAligned = false;
  static constexpr bool kLog = true;

  static Verdict Step(const LogCell& cell, const Inputs<int64_t>& in) {
    return LogStep<K>(cell, in).Step();
  }
  static Verdict Settle(const LogCell& cell, const Inputs<int64_t>& in) {
    return LogStep<K>(cell, in).Settle();
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_FAMILY_LOG_H_
