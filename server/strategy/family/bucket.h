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
// TAT x limit would leave 2^53 at 10/s already.
//
// One sum alone may pass 2^53, and be rounded by a double: the wait behind a clock that ran back
// while a full debt takes 2^53 ticks to drain, which are 285 years of microseconds.
#ifndef SLUICE_STRATEGY_FAMILY_BUCKET_H_
#define SLUICE_STRATEGY_FAMILY_BUCKET_H_

#include "strategy/step.h"

namespace sluice {

template <class N>
struct Bucket {
  N at;       // the key's time: max(now, instant of the last admitted hit), ticks
  N backlog;  // at that time, in 1/period hits
  N ceiling;  // the most backlog kept: what fits, and debt of the same size again
};

template <class N>
N DrainTime(const N& backlog, const Inputs<N>& in) {
  return CeilDiv(backlog, Max(in.terms.limit, N(1)));
}

// The bucket at the key's time.
template <class N>
Bucket<N> DrainBucket(const Cell<N, 2>& cell, const Inputs<N>& in) {
  const N fits = Max(in.terms.capacity, in.terms.most * in.terms.period);
  const N ceiling = fits + fits;
  const N at = Max(in.now, cell.reg[0]);
  // A limit that became smaller since finds at most what it could have admitted and lent itself.
  const N backlog = Min(cell.reg[1], ceiling);
  // Elapsed time is clamped to the time that empties the bucket, so that the product stays small.
  const N elapsed = at - cell.reg[0];
  const N whole = Min(elapsed, FloorDiv(backlog, Max(in.terms.limit, N(1))));
  const N left = Select(elapsed >= DrainTime(backlog, in), N(0), backlog - whole * in.terms.limit);
  return {at, left, ceiling};
}

// Shared by Step and Settle: what a bucket tells once its backlog is known.
template <class N>
StepResult<N, 2> TellBucket(const Bucket<N>& bucket, const N& backlog, const Truth<N>& allowed,
                            const N& over_wait, const Inputs<N>& in) {
  // An idle bucket takes any cost up to `most`, which pay_later lets exceed the capacity.
  const N room = FloorDiv(Max(in.terms.capacity - backlog, N(0)), in.terms.period);
  const N gap = bucket.at - in.now;
  return {{{bucket.at, backlog}},
          allowed,
          Select(backlog == N(0), in.terms.most, room),
          Select(allowed, N(0), over_wait),
          Select(backlog == N(0), N(0), gap + DrainTime(backlog, in))};
}

template <class N>
StepResult<N, 2> StepBucket(const Cell<N, 2>& cell, const Inputs<N>& in) {
  const Bucket<N> bucket = DrainBucket(cell, in);
  // The cost is compared before it is multiplied: a cost beyond `most` never passes.
  const Truth<N> possible = in.cost <= in.terms.most;
  const N weight = Min(in.cost, in.terms.most) * in.terms.period;
  // The weight is compared with the space and not summed first: on top of a debt it may pass 2^53.
  const N space = in.terms.capacity - weight;
  const Truth<N> allowed = And(possible, Or(bucket.backlog == N(0), bucket.backlog <= space));
  const N backlog = bucket.backlog + Select(And(allowed, in.take == N(1)), weight, N(0));
  // It passes once the excess has drained; a cost above the capacity, once everything has.
  const N excess = Max(bucket.backlog - Max(space, N(0)), N(0));
  const N wait = bucket.at - in.now + DrainTime(excess, in);
  return TellBucket(bucket, backlog, allowed, Select(possible, wait, N(kWaitNever)), in);
}

// The cost is signed and always applied: a refund stops at an idle bucket, a debit at the ceiling.
template <class N>
StepResult<N, 2> SettleBucket(const Cell<N, 2>& cell, const Inputs<N>& in) {
  const Bucket<N> bucket = DrainBucket(cell, in);
  const N room = bucket.ceiling - bucket.backlog;
  // Whole hits that fit below the ceiling; more than these fill, or empty, the bucket wholly.
  const N hits = FloorDiv(bucket.ceiling, in.terms.period);
  const N amount = Max(Min(in.cost, hits), N(0) - hits) * in.terms.period;
  const N debit = Select(in.cost > hits, room, Min(amount, room));
  const N moved = Select(in.cost < N(0) - hits, N(0) - bucket.backlog, debit);
  const N backlog = bucket.backlog + Max(moved, N(0) - bucket.backlog);
  const Truth<N> within = Or(backlog == N(0), backlog <= in.terms.capacity);
  const Truth<N> paid_later = And(bucket.backlog == N(0), in.cost >= N(0));
  const Truth<N> allowed = And(in.cost <= in.terms.most, Or(within, paid_later));
  const N excess = Max(backlog - in.terms.capacity, N(0));
  // Until it is within the limit again, which one of 0 never lets it be.
  const N wait = bucket.at - in.now + DrainTime(excess, in);
  return TellBucket(bucket, backlog, allowed, Select(in.terms.most == N(0), N(kWaitNever), wait),
                    in);
}

}  // namespace sluice

#endif  // SLUICE_STRATEGY_FAMILY_BUCKET_H_
