// leaky_bucket_with_queue: a leaky bucket that also knows who waits in it.
//
// Decided by the level alone, as leaky_bucket. Beside it stands the FIFO of what has not leaked
// yet, of which the newest `max_entries` are kept: it tells the queue's size and cost, and the
// delay after which a hit has drained, for callers who shape instead of reject.
//
// Registers: those of the bucket, the number of entries, and the sum of their costs.
#ifndef SLUICE_STRATEGY_LEAKY_BUCKET_WITH_QUEUE_H_
#define SLUICE_STRATEGY_LEAKY_BUCKET_WITH_QUEUE_H_

#include <algorithm>
#include <array>

#include "absl/strings/string_view.h"
#include "strategy/family/bucket.h"
#include "strategy/family/log.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"
#include "strategy/verdict.h"

namespace sluice {

struct LeakyBucketWithQueue {
  static constexpr absl::string_view kName = "leaky_bucket_with_queue";
  static constexpr int kVersion = 1;
  static constexpr int kRegisters = 4;
  static constexpr bool kAligned = false;
  static constexpr bool kCountsDenied = false;
  static constexpr bool kLog = true;
  static constexpr bool kQueue = true;

  struct Settings {
    int64_t capacity;  // hits
    int64_t max_entries;
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    return {params.Amount("capacity", limit),
            params.Amount("max_entries", 1'000, 1, kMostLogEntries)};
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 capacity = settings.capacity;
    Size size = BucketSize(capacity * grid.period, capacity, grid.period);
    // A level in full debt, and beside it the whole of a debit of that size that has begun to leak;
    // within a step half as much again, which is below 2^53.
    const absl::int128 queued = 4 * capacity;
    if (queued > size.largest) {
      size.largest = queued;
      size.what = "what waits in the queue";
      size.fix = "use a smaller capacity";
    }
    return size;
  }
  static std::array<int64_t, kOwnTerms> OwnTerms(const Grid&, const Settings& settings) {
    return {settings.max_entries};
  }

  static Verdict Step(const LogCell& cell, const Inputs<int64_t>& in) {
    const BucketCell bucket = BucketOf(cell);
    const StepResult<int64_t, 2> result = SteadyBucket::Step(bucket, in);
    Queue queue(cell, in);
    if (result.changes) queue.Add(result.cell.reg[0], in.cost);
    // A look that passes tells the delay of the hit that it asks about.
    const int64_t ahead = result.allowed && !result.changes ? in.cost * in.terms.period : 0;
    return queue.Tell(result, result.cell.reg[1] + ahead);
  }

  static Verdict Settle(const LogCell& cell, const Inputs<int64_t>& in) {
    const BucketCell bucket = BucketOf(cell);
    const Bucket<int64_t> before = DrainBucket(bucket.reg[0], bucket.reg[1], SteadyFlow(in), in);
    const StepResult<int64_t, 2> result = SteadyBucket::Settle(bucket, in);
    const int64_t debit = (result.cell.reg[1] - before.backlog) / in.terms.period;
    Queue queue(cell, in);
    if (in.cost < 0) {
      queue.Refund(-in.cost);
    } else {
      queue.Add(result.cell.reg[0], debit);
    }
    return queue.Tell(result, result.cell.reg[1]);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    const int64_t queued = std::min(d.reg(1), d.reg(3) * d.terms.period);
    const bool admits = d.terms.limit > 0;
    sink.Count("queue_size", d.count(2));
    sink.Number("queue_cost", d.Hits(queued));
    sink.Number("bucket_capacity", d.Hits(d.terms.capacity));
    sink.Number("leak_rate_per_ms", d.RatePerMs());
    sink.Number("drain_delay_ms",
                admits ? d.Ms(d.reg(kRegisters)) / static_cast<double>(d.terms.limit) : 0.0);
    sink.Number("last_leak_ms", d.Ms(d.reg(0)));
  }

 private:
  using BucketCell = Cell<int64_t, 2>;

  static BucketCell BucketOf(const LogCell& cell) { return ToCell<2>(cell.state.registers); }

  // The FIFO beside the level, which it follows: what the level says has drained leaves.
  class Queue {
   public:
    Queue(const LogCell& cell, const Inputs<int64_t>& in)
        : log_(cell.state.log),
          stored_(cell.state.registers[2]),
          count_(stored_),
          sum_(cell.state.registers[3]),
          in_(in) {}

    void Add(int64_t at, int64_t cost) {
      if (cost == 0) return;
      edit_.add = {at, cost, 0};
      ++count_;
      sum_ += cost;
    }

    void Refund(int64_t hits) {
      count_ -= RefundNewest(log_, count_, hits, edit_,
                             [this](int64_t, int64_t lowered) { sum_ -= lowered; });
    }

    // `ahead`: the backlog that has to drain until the hit has.
    Verdict Tell(const StepResult<int64_t, 2>& result, int64_t ahead) {
      Drain(result.cell.reg[1]);
      Verdict verdict = ToVerdict(result);
      verdict.registers = {result.cell.reg[0], result.cell.reg[1], count_, sum_, ahead};
      verdict.edit = edit_;
      return verdict;
    }

   private:
    void Drain(int64_t backlog) {
      const LogEdit before = edit_;
      VisitEdited(log_, stored_, before, [&](const LogEntry& entry) {
        // What is behind it holds all of the backlog.
        const bool drained = backlog <= (sum_ - entry.cost) * in_.terms.period;
        if (!drained && count_ <= in_.terms.own[kMaxEntries]) return false;
        --count_;
        sum_ -= entry.cost;
        if (before.add == entry && count_ == 0) {
          edit_.add = {};  // it came and went
        } else {
          ++edit_.drop_oldest;
        }
        return true;
      });
      // What is dropped from the old end cannot be lowered at the new one.
      if (count_ == 0) edit_.lower_newest = 0;
    }

    const Log* const log_;
    const int64_t stored_;
    int64_t count_;
    int64_t sum_;
    const Inputs<int64_t>& in_;
    LogEdit edit_;
  };
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_LEAKY_BUCKET_WITH_QUEUE_H_
