// Entries of a counter that remembers its hits one by one.
#ifndef SLUICE_CORE_LOG_H_
#define SLUICE_CORE_LOG_H_

#include <cstdint>
#include <deque>

#include "absl/functional/function_ref.h"

namespace sluice {

struct LogEntry {
  int64_t at = 0;    // ticks since the Unix epoch; never before the entry that is older
  int64_t cost = 0;  // hits, at least 1
  int64_t tag = 0;   // what the strategy has read from the request (Charge::tag), 0 to 7

  friend bool operator==(const LogEntry& a, const LogEntry& b) {
    return a.at == b.at && a.cost == b.cost && a.tag == b.tag;
  }
};

// The entries of one counter, for a step to read. Whoever stores them owns them.
class Log {
 public:
  using Visitor = absl::FunctionRef<bool(const LogEntry&)>;

  virtual ~Log() = default;
  // Until there are no more or `visit` answers false.
  virtual void FromOldest(Visitor visit) const = 0;
  virtual void FromNewest(Visitor visit) const = 0;
};

// What a verdict makes of a log, in this order. Amounts are in hits.
struct LogEdit {
  int64_t drop_oldest = 0;   // so many entries leave at the old end
  int64_t drop_newest = 0;   // and at the new end
  int64_t lower_oldest = 0;  // off the cost of the oldest that is left
  int64_t lower_newest = 0;  // off the cost of the newest that is left; below 0 it is raised
  LogEntry add;              // becomes the newest; a cost of 0: nothing is added

  friend bool operator==(const LogEdit& a, const LogEdit& b) {
    return a.drop_oldest == b.drop_oldest && a.drop_newest == b.drop_newest &&
           a.lower_oldest == b.lower_oldest && a.lower_newest == b.lower_newest && a.add == b.add;
  }
};

// The plain way to keep them, for tools and tests. A value; not thread-safe.
class DequeLog final : public Log {
 public:
  void FromOldest(Visitor visit) const override {
    for (auto entry = entries_.begin(); entry != entries_.end() && visit(*entry); ++entry) {
    }
  }
  void FromNewest(Visitor visit) const override {
    for (auto entry = entries_.rbegin(); entry != entries_.rend() && visit(*entry); ++entry) {
    }
  }

  void Apply(const LogEdit& edit) {
    entries_.erase(entries_.begin(), entries_.begin() + edit.drop_oldest);
    entries_.erase(entries_.end() - edit.drop_newest, entries_.end());
    if (edit.lower_oldest != 0) entries_.front().cost -= edit.lower_oldest;
    if (edit.lower_newest != 0) entries_.back().cost -= edit.lower_newest;
    if (edit.add.cost != 0) entries_.push_back(edit.add);
  }

  const std::deque<LogEntry>& entries() const { return entries_; }

  friend bool operator==(const DequeLog& a, const DequeLog& b) { return a.entries_ == b.entries_; }

 private:
  std::deque<LogEntry> entries_;
};

}  // namespace sluice

#endif  // SLUICE_CORE_LOG_H_
