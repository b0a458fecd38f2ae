// cost_based_token_bucket: a token bucket that refills more slowly the more its hits cost.
//
// Refills at L/P x max(min_refill_rate, floor(1000 / average) / 1000). The average cost is kept in
// millionths and starts at 1; at the n-th admitted hit, average += floor((cost - average) / min(n,
// cost_window)). A bucket that is full again forgets both. Over any closed span W it admits at most
// B + W x L/P.
//
// Registers: those of the family in units of 1/(1000 x period) hits, so that thousandths of the
// rate are whole numbers; the average, and n (at most cost_window; 0: none, and the average is 1).
#ifndef SLUICE_STRATEGY_COST_BASED_TOKEN_BUCKET_H_
#define SLUICE_STRATEGY_COST_BASED_TOKEN_BUCKET_H_

#include <algorithm>
#include <array>

#include "absl/strings/string_view.h"
#include "strategy/family/bucket.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct CostBasedTokenBucket {
  static constexpr absl::string_view kName = "cost_based_token_bucket";
  static constexpr int kVersion = 1;
  static constexpr int kRegisters = 4;
  static constexpr bool kAligned = false;
  static constexpr bool kCountsDenied = false;
  static constexpr int64_t kThousand = 1'000;
  static constexpr int kRateDigits = 3;  // the refill is counted in thousandths

  // Own terms: hits, and thousandths of the rate.
  enum Term : size_t { kCostWindow, kMinRate };
  static constexpr std::array<absl::string_view, 2> kOwnTermNames = {"cost_window", "min_rate"};

  struct Settings {
    int64_t burst_size;       // hits
    int64_t cost_window;      // hits
    int64_t min_refill_rate;  // thousandths
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    return {params.Amount("burst_size", limit), params.Amount("cost_window", 100, 1, 1'000'000),
            params.Millionths("min_refill_rate", 100'000, kThousand, kMillion, kRateDigits) /
                kThousand};
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 burst = settings.burst_size;
    const absl::int128 hit = absl::int128(grid.period) * kThousand;
    Size size = BucketSize(burst * hit, burst, hit);
    size.largest = std::max({size.largest, burst * kMillion, absl::int128(grid.limit) * kThousand});
    size.what = "the burst times a thousand times the period";
    return size;
  }
  static std::array<int64_t, kOwnTerms> OwnTerms(const Grid&, const Settings& settings) {
    return {settings.cost_window, settings.min_refill_rate};
  }

  template <class N>
  static StepResult<N, 4> Step(const Cell<N, 4>& cell, const Inputs<N>& in) {
    const State<N> state = Roll(cell, in);
    const BucketResult<N> result = ChargeBucket(state.bucket, state.flow, in);
    const N count = Min(state.count + N(1), in.terms.own[kCostWindow]);
    // A take of nothing is none, and must not bring the average to 0.
    const N cost = Max(Min(in.cost, in.terms.most), N(1));
    const N moved = cost * N(kMillion) - state.average;
    const N average = state.average + FloorDiv(moved, count);
    return Tell(state.bucket.at, result, Select(result.changes, average, state.average),
                Select(result.changes, count, state.count), in);
  }

  template <class N>
  static StepResult<N, 4> Settle(const Cell<N, 4>& cell, const Inputs<N>& in) {
    const State<N> state = Roll(cell, in);
    const BucketResult<N> result = SettleBucket(state.bucket, state.flow, in);
    const Truth<N> full = result.backlog == N(0);
    return Tell(state.bucket.at, result, Select(full, N(kMillion), state.average),
                Select(full, N(0), state.count), in);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    const auto thousand = static_cast<double>(kThousand);
    const int64_t rate =
        std::max(d.settings.min_refill_rate, kThousand * kMillion / std::max(d.reg(2), kMillion));
    sink.Number("tokens", d.Hits(d.terms.capacity - d.reg(1)) / thousand);
    sink.Number("capacity", d.Hits(d.terms.capacity) / thousand);
    sink.Number("average_cost", Ratio(d.reg(2)));
    sink.Count("cost_history_size", d.count(3));
    sink.Number("refill_rate_per_ms", d.RatePerMs() * static_cast<double>(rate) / thousand);
    sink.Number("base_refill_rate_per_ms", d.RatePerMs());
  }

 private:
  template <class N>
  struct State {
    Bucket<N> bucket;
    Flow<N> flow;  // from here on
    N average;     // millionths
    N count;
  };

  template <class N>
  static Flow<N> FlowAt(const N& average, const Inputs<N>& in) {
    const N rate = Max(in.terms.own[kMinRate], FloorDiv(N(kThousand * kMillion), average));
    return {in.terms.limit * rate, in.terms.period * N(kThousand)};
  }

  template <class N>
  static State<N> Roll(const Cell<N, 4>& cell, const Inputs<N>& in) {
    const N kept = Select(cell.reg[3] == N(0), N(kMillion), cell.reg[2]);
    const Flow<N> flow = FlowAt(kept, in);
    const Bucket<N> bucket = DrainBucket(cell.reg[0], cell.reg[1], flow, in);
    const Truth<N> full = bucket.backlog == N(0);
    const N average = Select(full, N(kMillion), kept);
    return {bucket, FlowAt(average, in), average, Select(full, N(0), cell.reg[3])};
  }

  template <class N>
  static StepResult<N, 4> Tell(const N& at, const BucketResult<N>& result, const N& average,
                               const N& count, const Inputs<N>& in) {
    const Flow<N> flow = FlowAt(average, in);
    return {{{at, result.backlog, average, count}},
            result.allowed,
            result.changes,
            RemainingIn(result.backlog, flow, in),
            Select(result.allowed, N(0), result.wait),
            ResetIn(at, result.backlog, flow, in)};
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_COST_BASED_TOKEN_BUCKET_H_
