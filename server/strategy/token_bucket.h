// token_bucket: `burst_size` tokens, refilled lazily at the rate; starts full; a hit takes its
// cost.
//
// Over any closed span W it admits at most B + W x L/P.
#ifndef SLUICE_STRATEGY_TOKEN_BUCKET_H_
#define SLUICE_STRATEGY_TOKEN_BUCKET_H_

#include "absl/strings/string_view.h"
#include "strategy/family/bucket.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct TokenBucket : SteadyBucket {
  static constexpr absl::string_view kName = "token_bucket";
  static constexpr int kVersion = 1;

  struct Settings {
    int64_t burst_size;  // hits
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    return {params.Amount("burst_size", limit)};
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 burst = settings.burst_size;
    return BucketSize(burst * grid.period, burst, grid.period);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    sink.Number("tokens", d.Hits(d.terms.capacity - d.reg(1)));
    sink.Number("capacity", d.Hits(d.terms.capacity));
    sink.Number("refill_rate_per_ms", d.RatePerMs());
    sink.Number("last_refill_ms", d.Ms(d.reg(0)));
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_TOKEN_BUCKET_H_
