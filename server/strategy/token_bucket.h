// token_bucket: `burst_size` tokens, refilled lazily at the rate; starts full; a hit takes its
// cost.
//
// Over any closed span W it admits at most B + W x L/P.
#ifndef SLUICE_STRATEGY_TOKEN_BUCKET_H_
#define SLUICE_STRATEGY_TOKEN_BUCKET_H_

#include <array>

#include "absl/strings/string_view.h"
#include "strategy/family/bucket.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct TokenBucket {
  static constexpr absl::string_view kName = "token_bucket";
  static constexpr int kVersion = 1;
  static constexpr int kRegisters = 2;
  static constexpr bool kAligned = false;

  struct Settings {
    int64_t burst_size;  // hits
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    return {params.Amount("burst_size", limit)};
  }
  static std::array<int64_t, 0> Durations(const Settings&) { return {}; }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    return {absl::int128(settings.burst_size) * grid.period, settings.burst_size};
  }

  template <class N>
  static StepResult<N, 2> Step(const Cell<N, 2>& cell, const Inputs<N>& in) {
    return StepBucket(cell, in);
  }
  template <class N>
  static StepResult<N, 2> Settle(const Cell<N, 2>& cell, const Inputs<N>& in) {
    return SettleBucket(cell, in);
  }

  static void Describe(const Described& d, MetadataSink& sink) {
    sink.Number("tokens", d.Hits(d.terms.capacity - d.verdict.registers[1]));
    sink.Number("capacity", d.Hits(d.terms.capacity));
    sink.Number("refill_rate_per_ms", d.RatePerMs());
    sink.Number("last_refill_ms", d.Ms(d.verdict.registers[0]));
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_TOKEN_BUCKET_H_
