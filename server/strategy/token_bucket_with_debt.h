// token_bucket_with_debt: a token bucket that may be overdrawn by `max_debt` tokens.
//
// A cost passes iff tokens - cost >= -max_debt. Over any closed span W it admits at most
// B + D + W x L/P: it is the token bucket of B + D, and tells where zero is.
#ifndef SLUICE_STRATEGY_TOKEN_BUCKET_WITH_DEBT_H_
#define SLUICE_STRATEGY_TOKEN_BUCKET_WITH_DEBT_H_

#include <algorithm>

#include "absl/strings/string_view.h"
#include "strategy/family/bucket.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct TokenBucketWithDebt : SteadyBucket {
  static constexpr absl::string_view kName = "token_bucket_with_debt";
  static constexpr int kVersion = 1;

  struct Settings {
    int64_t burst_size;  // hits
    int64_t max_debt;    // hits
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    Settings settings{params.Amount("burst_size", limit), params.Amount("max_debt", 1, 0)};
    if (!params.Has("max_debt")) {
      params.Refuse("max_debt", "is missing (how far below zero the tokens may go, in hits)");
    }
    return settings;
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 most = absl::int128(settings.burst_size) + settings.max_debt;
    return BucketSize(most * grid.period, most, grid.period);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    // A limit of 0 has no tokens at all.
    const int64_t full =
        std::max<int64_t>(d.terms.capacity - d.settings.max_debt * d.terms.period, 0);
    const double tokens = d.Hits(full - d.reg(1));
    sink.Number("tokens", tokens);
    sink.Number("capacity", d.Hits(full));
    sink.Number("max_debt", static_cast<double>(d.settings.max_debt));
    sink.Number("current_debt", std::max(-tokens, 0.0));
    sink.Number("refill_rate_per_ms", d.RatePerMs());
    sink.Number("last_refill_ms", d.Ms(d.reg(0)));
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_TOKEN_BUCKET_WITH_DEBT_H_
