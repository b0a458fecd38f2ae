// leaky_bucket: fills with hits and leaks at the rate; what would make it run over is denied.
//
// The bucket as a meter (ITU-T I.371). Over any closed span W it admits at most capacity + W x L/P.
#ifndef SLUICE_STRATEGY_LEAKY_BUCKET_H_
#define SLUICE_STRATEGY_LEAKY_BUCKET_H_

#include "absl/strings/string_view.h"
#include "strategy/family/bucket.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct LeakyBucket : SteadyBucket {
  static constexpr absl::string_view kName = "leaky_bucket";
  static constexpr int kVersion = 1;

  struct Settings {
    int64_t capacity;  // hits
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    return {params.Amount("capacity", limit)};
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 capacity = settings.capacity;
    return BucketSize(capacity * grid.period, capacity, grid.period);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    sink.Number("bucket_level", d.Hits(d.reg(1)));
    sink.Number("bucket_capacity", d.Hits(d.terms.capacity));
    sink.Number("leak_rate_per_ms", d.RatePerMs());
    sink.Number("last_leak_ms", d.Ms(d.reg(0)));
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_LEAKY_BUCKET_H_
