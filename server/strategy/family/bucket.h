// Buckets that drain at the rate.
//
// All of them keep one thing: the backlog, which is what was admitted and has not drained yet. A
// token bucket's tokens are its capacity less the backlog; a leaky bucket's level is the backlog; a
// GCRA's theoretical arrival time is the instant at which the backlog will have drained.
//
// Registers: the instant of the last admitted hit in ticks (the clamp of law 5 as well), and the
// backlog at that instant in units of 1/period hits. Scaled so, what drains in a tick is exactly
// `limit` units and a hit is exactly `period` units: nothing is ever rounded, and 3/s fed at any
// grain admits exactly 3 a second. Relative to the last hit the backlog stays small; an absolute
// TAT x limit would leave 2^53 at 10/s already. A bucket whose rate changes has finer units.
//
// One sum alone may pass 2^53, and be rounded by a double: the wait behind a clock that ran back
// while a full debt takes 2^53 ticks to drain, which are 285 years of microseconds.
#ifndef SLUICE_STRATEGY_FAMILY_BUCKET_H_
#define SLUICE_STRATEGY_FAMILY_BUCKET_H_

#include "strategy/step.h"

namespace sluice {

template <class N>
struct Flow {
  N drain;  // units that drain in a tick
  N hit;    // units of one hit
};

// Of a bucket that always drains at the limit's rate.
template <class N>
Flow<N> SteadyFlow(const Inputs<N>& in) {
  return {in.terms.limit, in.terms.period};
}

template <class N>
struct Bucket {
  N at;       // the key's time: max(now, instant of the last admitted hit), ticks
  N backlog;  // at that time
  N ceiling;  // the most backlog kept: what fits, and debt of the same size again
};

template <class N>
N DrainTime(const N& backlog, const Flow<N>& flow) {
  return CeilDiv(backlog, Max(flow.drain, N(1)));
}

// The bucket at the key's time, of which a cell keeps the instant and the backlog.
template <class N>
Bucket<N> DrainBucket(const N& kept_at, const N& kept_backlog, const Flow<N>& flow,
                      const Inputs<N>& in) {
  const N fits = Max(in.terms.capacity, in.terms.most * flow.hit);
  const N ceiling = fits + fits;
  const N at = Max(in.now, kept_at);
  // A limit that became smaller since finds at most what it could have admitted and lent itself.
  const N backlog = Min(kept_backlog, ceiling);
  // Elapsed time is clamped to the time that empties the bucket, so that the product stays small.
  const N elapsed = at - kept_at;
  const N whole = Min(elapsed, FloorDiv(backlog, Max(flow.drain, N(1))));
  const N left = Select(elapsed >= DrainTime(backlog, flow), N(0), backlog - whole * flow.drain);
  return {at, left, ceiling};
}

// The answer of a bucket without the strategy's own registers.
template <class N>
struct BucketResult {
  Truth<N> allowed;
  Truth<N> changes;
  N backlog;  // after the step
  N wait;     // of what does not pass
};

// An empty bucket takes any cost up to `most`, which pay_later lets exceed the capacity.
template <class N>
BucketResult<N> ChargeBucket(const Bucket<N>& bucket, const Flow<N>& flow, const Inputs<N>& in) {
  // The cost is compared before it is multiplied: a cost beyond `most` never passes.
  const Truth<N> possible = in.cost <= in.terms.most;
  const N weight = Min(in.cost, in.terms.most) * flow.hit;
  // The weight is compared with the space and not summed first: on top of a debt it may pass 2^53.
  const N space = in.terms.capacity - weight;
  const Truth<N> allowed = And(possible, Or(bucket.backlog == N(0), bucket.backlog <= space));
  const Truth<N> taken = Taken(allowed, in);
  // It passes once the excess has drained; a cost above the capacity, once everything has.
  const N excess = Max(bucket.backlog - Max(space, N(0)), N(0));
  const N wait = bucket.at - in.now + DrainTime(excess, flow);
  return {allowed, taken, bucket.backlog + Select(taken, weight, N(0)),
          Select(possible, wait, N(kWaitNever))};
}

// The cost is signed and always applied: a refund stops at an idle bucket, a debit at the ceiling.
template <class N>
BucketResult<N> SettleBucket(const Bucket<N>& bucket, const Flow<N>& flow, const Inputs<N>& in) {
  const N room = bucket.ceiling - bucket.backlog;
  // Whole hits that fit below the ceiling; more than these fill, or empty, the bucket wholly.
  const N hits = FloorDiv(bucket.ceiling, flow.hit);
  const N amount = Max(Min(in.cost, hits), N(0) - hits) * flow.hit;
  const N debit = Select(in.cost > hits, room, Min(amount, room));
  const N moved = Select(in.cost < N(0) - hits, N(0) - bucket.backlog, debit);
  const N backlog = bucket.backlog + Max(moved, N(0) - bucket.backlog);
  const Truth<N> within = Or(backlog == N(0), backlog <= in.terms.capacity);
  const Truth<N> paid_later = And(bucket.backlog == N(0), in.cost >= N(0));
  const Truth<N> allowed = And(in.cost <= in.terms.most, Or(within, paid_later));
  const N excess = Max(backlog - in.terms.capacity, N(0));
  // Until it is within the limit again, which one of 0 never lets it be.
  const N wait = bucket.at - in.now + DrainTime(excess, flow);
  return {allowed, allowed, backlog, Select(in.terms.most == N(0), N(kWaitNever), wait)};
}

template <class N>
N RemainingIn(const N& backlog, const Flow<N>& flow, const Inputs<N>& in) {
  const N room = FloorDiv(Max(in.terms.capacity - backlog, N(0)), flow.hit);
  return Select(backlog == N(0), in.terms.most, room);
}

template <class N>
N ResetIn(const N& at, const N& backlog, const Flow<N>& flow, const Inputs<N>& in) {
  return Select(backlog == N(0), N(0), at - in.now + DrainTime(backlog, flow));
}

template <class N>
StepResult<N, 2> TellBucket(const N& at, const BucketResult<N>& result, const Flow<N>& flow,
                            const Inputs<N>& in) {
  return {{{at, result.backlog}},
          result.allowed,
          result.changes,
          RemainingIn(result.backlog, flow, in),
          Select(result.allowed, N(0), result.wait),
          ResetIn(at, result.backlog, flow, in)};
}

// What a strategy over a bucket with a steady flow inherits: all but what it is called, how much
// fits, and what it tells.
struct SteadyBucket {
  static constexpr int kRegisters = 2;
  static constexpr bool kAligned = false;
  static constexpr bool kCountsDenied = false;

  template <class N>
  static StepResult<N, 2> Step(const Cell<N, 2>& cell, const Inputs<N>& in) {
    const Flow<N> flow = SteadyFlow(in);
    const Bucket<N> bucket = DrainBucket(cell.reg[0], cell.reg[1], flow, in);
    return TellBucket(bucket.at, ChargeBucket(bucket, flow, in), flow, in);
  }
  template <class N>
  static StepResult<N, 2> Settle(const Cell<N, 2>& cell, const Inputs<N>& in) {
    const Flow<N> flow = SteadyFlow(in);
    const Bucket<N> bucket = DrainBucket(cell.reg[0], cell.reg[1], flow, in);
    return TellBucket(bucket.at, SettleBucket(bucket, flow, in), flow, in);
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_FAMILY_BUCKET_H_
