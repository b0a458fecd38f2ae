#include "telemetry/telemetry.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "absl/container/flat_hash_map.h"
#include "core/mutex.h"
#include "core/rate.h"
#include "telemetry/counters.h"

namespace sluice {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Indexed by Outcome.
constexpr std::array<absl::string_view, 10> kOutcomes = {
    "",        "allowed",   "denied",        "exempt",        "bypassed",
    "no_cost", "unlimited", "shadow_denied", "error_allowed", "error_denied"};

// What envoyproxy/ratelimit counts, in hits.
enum RlsResult : size_t { kTotal, kWithin, kNear, kOver, kShadow, kRlsResults };
constexpr std::array<absl::string_view, kRlsResults> kRlsNames = {
    "total", "within_limit", "near_limit", "over_limit", "shadow"};
// An override is the caller's own limit: it has no name that could be a label.
constexpr absl::string_view kOverrideKey = "override";
constexpr absl::string_view kUnknownDomain = "unknown";

constexpr std::array<int64_t, 14> kBucketsUs = {25,     50,      100,     250,      500,
                                                1'000,  2'500,   5'000,   10'000,   20'000,
                                                50'000, 100'000, 500'000, 1'000'000};
// A count for each bucket, one for what is longer, and the sum in microseconds.
constexpr int kHistogramWidth = static_cast<int>(kBucketsUs.size()) + 2;

std::string CodeName(absl::StatusCode code) { return absl::StatusCodeToString(code); }

using Labels = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

ClientMetric Labelled(Labels labels) {
  ClientMetric metric;
  for (const auto& [name, value] : labels) {
    metric.label.push_back({std::string(name), std::string(value)});
  }
  return metric;
}

MetricFamily Family(absl::string_view name, absl::string_view help, MetricType type) {
  MetricFamily family;
  family.name = std::string(name);
  family.help = std::string(help);
  family.type = type;
  return family;
}

void AddCounter(MetricFamily& family, ClientMetric metric, double value) {
  metric.counter.value = value;
  family.metric.push_back(std::move(metric));
}

void AddGauge(MetricFamily& family, ClientMetric metric, double value) {
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

// `counts` has a row for each bound and one for what is longer; what stands behind is not read.
template <class Bounds, class Counts>
void AddHistogram(MetricFamily& family, ClientMetric metric, const Bounds& bounds_us,
                  const Counts& counts, int64_t sum_us) {
  uint64_t count = 0;
  for (size_t i = 0; i <= bounds_us.size(); ++i) {
    count += static_cast<uint64_t>(counts[i]);
    const double bound = i < bounds_us.size() ? static_cast<double>(bounds_us[i]) / 1e6
                                              : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({count, bound});
  }
  metric.histogram.sample_count = count;
  metric.histogram.sample_sum = static_cast<double>(sum_us) / 1e6;
  family.metric.push_back(std::move(metric));
}

using NamedStats = std::pair<std::string, BackendStats>;

// A family with what `read` takes from each backend.
void AddForEach(std::vector<MetricFamily>& families, const std::vector<NamedStats>& stats,
                absl::string_view name, absl::string_view help, MetricType type,
                double (*read)(const BackendStats&)) {
  MetricFamily family = Family(name, help, type);
  const auto put = type == MetricType::Counter ? AddCounter : AddGauge;
  for (const auto& [backend, stat] : stats)
    put(family, Labelled({{"backend", backend}}), read(stat));
  families.push_back(std::move(family));
}

// As sluice_breaker_state has it.
double BreakerNumber(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return 0;
    case BreakerState::kHalfOpen:
      return 1;
    case BreakerState::kOpen:
      break;
  }
  return 2;
}

// How many of a line's hits lie above the near limit, which is 80 % as in the original.
uint64_t NearHits(const Line& line, uint64_t hits) {
  if (!line.verdict.taken) return 0;
  const int64_t limit = line.limit->rate().limit();
  const int64_t used = limit - line.verdict.remaining;
  const int64_t near = limit / 5 * 4 + limit % 5 * 4 / 5;
  return static_cast<uint64_t>(std::clamp<int64_t>(used - near, 0, static_cast<int64_t>(hits)));
}

class TelemetryImpl final : public Telemetry {
 public:
  explicit TelemetryImpl(BuildInfo build) : build_(std::move(build)) {}

  void OnThrottles(const ThrottleCall& call) override {
    if (call.verb != ThrottleCall::Verb::kHit) return;
    const std::string& tenant = call.tenant_row().name;  // empty for the default tenant
    for (const Line& line : call.lines()) {
      decisions_.Update(tenant, line.throttle->uid,
                        [&](auto& row) { ++row[static_cast<size_t>(line.outcome)]; });
    }
  }

  void OnDescriptors(const DescriptorCall& call) override {
    const bool known = call.domain_row() != nullptr;
    const absl::string_view domain = known ? call.domain : kUnknownDomain;
    for (const Line& line : call.lines()) {
      if (line.descriptor == nullptr && line.limit == nullptr) {
        unmatched_.Update(domain, {}, [](auto& row) { ++row[0]; });
      } else {
        CountDescriptor(domain, line);
      }
    }
  }

  void OnExpressionFailed(const Throttle& throttle, const absl::Status& why,
                          int64_t now_us) override {
    expression_failures_.Update(throttle.uid, {}, [](auto& row) { ++row[0]; });
    if (MayReport(throttle.uid, now_us)) {
      spdlog::warn("throttle={}: the cost expression '{}' failed, its default stands: {}",
                   throttle.uid, throttle.cost.expression->source(), std::string(why.message()));
    }
  }

  void OnOrphans(absl::string_view backend, size_t charges) override {
    orphans_.Update(backend, {}, [&](auto& row) { row[0] += charges; });
  }

  void OnRequest(absl::string_view method, absl::StatusCode code, int64_t duration_us) override {
    requests_.Update(method, CodeName(code), [](auto& row) { ++row[0]; });
    const auto bucket = std::lower_bound(kBucketsUs.begin(), kBucketsUs.end(), duration_us);
    durations_.Update(method, {}, [&](auto& row) {
      ++row[static_cast<size_t>(bucket - kBucketsUs.begin())];
      row.back() += static_cast<uint64_t>(std::max<int64_t>(duration_us, 0));
    });
  }

  void ShowBackends(std::vector<NamedBackend> backends) override {
    // Those before may end here, and that is not to be waited for under the lock.
    MutexLock lock(mutex_);
    backends_.swap(backends);
  }

  void ShowPolicy(const PolicySource& source) override {
    MutexLock lock(mutex_);
    source_ = &source;
  }

  std::string Scrape() const override {
    std::vector<MetricFamily> families = {
        Decisions(),
        RlsHits(),
        Unmatched(),
        OneLabel("sluice_cost_expression_failures_total",
                 "Cost expressions that failed, so that their default stood.", "throttle",
                 expression_failures_),
        OneLabel("sluice_orphaned_charges_total",
                 "Charges of denied requests that could not be taken back.", "backend", orphans_),
        Requests(),
        Durations(),
        Build()};
    AddBackends(families);
    AddPolicy(families);
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  // Once a minute for each throttle.
  bool MayReport(absl::string_view throttle, int64_t now_us) {
    MutexLock lock(mutex_);
    const auto [reported, first] = reported_us_.try_emplace(throttle, now_us);
    if (!first && now_us - reported->second < kMinuteUs) return false;
    reported->second = now_us;
    return true;
  }

  void CountDescriptor(absl::string_view domain, const Line& line) {
    const absl::string_view key = line.descriptor ? line.descriptor->path : kOverrideKey;
    const uint64_t hits = static_cast<uint64_t>(std::max<int64_t>(line.amount, 0));
    const bool over = Denies(line.outcome) || line.outcome == Outcome::kShadowDenied;
    rls_.Update(domain, key, [&](auto& row) {
      row[kTotal] += hits;
      row[over ? kOver : kWithin] += hits;
      if (over && line.shadow) row[kShadow] += hits;
      if (!over && line.judged) row[kNear] += NearHits(line, hits);
    });
  }

  MetricFamily Decisions() const {
    MetricFamily family =
        Family("sluice_decisions_total", "Decisions by throttle and outcome.", MetricType::Counter);
    for (const auto& sum : decisions_.Sums()) {
      for (size_t i = 1; i < kOutcomes.size(); ++i) {
        if (sum.row[i] == 0) continue;
        AddCounter(
            family,
            Labelled({{"tenant", sum.first}, {"throttle", sum.second}, {"outcome", kOutcomes[i]}}),
            static_cast<double>(sum.row[i]));
      }
    }
    return family;
  }

  MetricFamily RlsHits() const {
    MetricFamily family =
        Family("sluice_rls_hits_total", "Hits on Envoy rate limit domains.", MetricType::Counter);
    for (const auto& sum : rls_.Sums()) {
      for (size_t i = 0; i < kRlsResults; ++i) {
        AddCounter(family,
                   Labelled({{"domain", sum.first}, {"key", sum.second}, {"result", kRlsNames[i]}}),
                   static_cast<double>(sum.row[i]));
      }
    }
    return family;
  }

  MetricFamily Unmatched() const {
    return OneLabel("sluice_rls_unmatched_total", "Descriptors that no limit was found for.",
                    "domain", unmatched_);
  }

  static MetricFamily OneLabel(absl::string_view name, absl::string_view help,
                               absl::string_view label, const LabelledCounters<1>& counters) {
    MetricFamily family = Family(name, help, MetricType::Counter);
    for (const auto& sum : counters.Sums()) {
      AddCounter(family, Labelled({{label, sum.first}}), static_cast<double>(sum.row[0]));
    }
    return family;
  }

  MetricFamily Requests() const {
    MetricFamily family =
        Family("sluice_requests_total", "RPCs by method and status code.", MetricType::Counter);
    for (const auto& sum : requests_.Sums()) {
      AddCounter(family, Labelled({{"method", sum.first}, {"code", sum.second}}),
                 static_cast<double>(sum.row[0]));
    }
    return family;
  }

  MetricFamily Durations() const {
    MetricFamily family =
        Family("sluice_request_duration_seconds", "Time from a request's arrival to its answer.",
               MetricType::Histogram);
    for (const auto& sum : durations_.Sums()) {
      AddHistogram(family, Labelled({{"method", sum.first}}), kBucketsUs, sum.row,
                   static_cast<int64_t>(sum.row.back()));
    }
    return family;
  }

  MetricFamily Build() const {
    MetricFamily family =
        Family("sluice_build_info", "Always 1; what is running.", MetricType::Gauge);
    AddGauge(family, Labelled({{"version", build_.version}, {"commit", build_.commit}}), 1);
    return family;
  }

  std::vector<NamedStats> Stats() const {
    std::vector<NamedBackend> backends;
    {
      MutexLock lock(mutex_);
      backends = backends_;
    }
    std::vector<NamedStats> stats;
    stats.reserve(backends.size());
    for (const auto& [name, backend] : backends) stats.emplace_back(name, backend->Stats());
    return stats;
  }

  void AddBackends(std::vector<MetricFamily>& families) const {
    std::vector<NamedStats> stats = Stats();
    AddForEach(families, stats, "sluice_backend_up", "Whether the backend can be reached.",
               MetricType::Gauge, [](const BackendStats& stat) { return stat.up ? 1.0 : 0.0; });
    const auto remote = std::stable_partition(
        stats.begin(), stats.end(), [](const NamedStats& row) { return !row.second.remote; });
    AddOwnCounters(families, {stats.begin(), remote});
    AddRemotes(families, {remote, stats.end()});
  }

  // Of backends that hold counters themselves.
  static void AddOwnCounters(std::vector<MetricFamily>& families,
                             const std::vector<NamedStats>& stats) {
    if (stats.empty()) return;
    AddForEach(families, stats, "sluice_keys", "Counters held.", MetricType::Gauge,
               [](const BackendStats& stat) { return static_cast<double>(stat.keys); });
    AddForEach(families, stats, "sluice_evictions_total",
               "Counters dropped that were still in use.", MetricType::Counter,
               [](const BackendStats& stat) { return static_cast<double>(stat.evictions); });
    AddForEach(families, stats, "sluice_full_total",
               "Charges refused because every counter in reach was at its limit.",
               MetricType::Counter,
               [](const BackendStats& stat) { return static_cast<double>(stat.full); });
  }

  // Of those across a network.
  static void AddRemotes(std::vector<MetricFamily>& families,
                         const std::vector<NamedStats>& stats) {
    if (stats.empty()) return;
    AddForEach(families, stats, "sluice_backend_commands_total", "Commands sent.",
               MetricType::Counter,
               [](const BackendStats& stat) { return static_cast<double>(stat.remote->commands); });
    AddForEach(
        families, stats, "sluice_coalesced_total", "Decisions that went in another one's command.",
        MetricType::Counter,
        [](const BackendStats& stat) { return static_cast<double>(stat.remote->coalesced); });
    AddForEach(families, stats, "sluice_backend_queue", "Decisions that wait for their answer.",
               MetricType::Gauge,
               [](const BackendStats& stat) { return static_cast<double>(stat.remote->queue); });
    AddForEach(families, stats, "sluice_backend_clock_behind_seconds",
               "How far the backend's clock is behind ours; after a failover counters stand still "
               "for so long.",
               MetricType::Gauge, [](const BackendStats& stat) {
                 return static_cast<double>(stat.remote->clock_behind_us) / 1e6;
               });
    AddForEach(families, stats, "sluice_breaker_state",
               "The circuit breaker: 0 closed, 1 half-open, 2 open.", MetricType::Gauge,
               [](const BackendStats& stat) { return BreakerNumber(stat.remote->breaker); });
    families.push_back(RemoteErrors(stats));
    families.push_back(RoundTripTimes(stats));
  }

  static MetricFamily RemoteErrors(const std::vector<NamedStats>& stats) {
    MetricFamily family = Family("sluice_backend_errors_total",
                                 "Decisions that the backend failed to answer, by what went wrong.",
                                 MetricType::Counter);
    for (const auto& [backend, stat] : stats) {
      for (size_t kind = 0; kind < kErrorKinds; ++kind) {
        AddCounter(family, Labelled({{"backend", backend}, {"kind", kErrorKindNames[kind]}}),
                   static_cast<double>(stat.remote->errors[kind]));
      }
    }
    return family;
  }

  static MetricFamily RoundTripTimes(const std::vector<NamedStats>& stats) {
    MetricFamily family =
        Family("sluice_backend_round_trip_seconds", "Time from sending a command to its reply.",
               MetricType::Histogram);
    for (const auto& [backend, stat] : stats) {
      const RoundTrips& trips = stat.remote->round_trips;
      AddHistogram(family, Labelled({{"backend", backend}}), RoundTrips::kBoundsUs, trips.counts,
                   trips.sum_us);
    }
    return family;
  }

  PolicyStatus Policy() const {
    const PolicySource* source = nullptr;
    {
      MutexLock lock(mutex_);
      source = source_;
    }
    return source == nullptr ? PolicyStatus() : source->status();
  }

  void AddPolicy(std::vector<MetricFamily>& families) const {
    const PolicyStatus status = Policy();
    MetricFamily generation =
        Family("sluice_config_generation", "Number of the policy that decides.", MetricType::Gauge);
    AddGauge(generation, {},
             status.policy == nullptr ? 0 : static_cast<double>(status.policy->generation));
    MetricFamily stale = Family("sluice_config_stale",
                                "Whether the files hold a newer policy that could not be loaded.",
                                MetricType::Gauge);
    AddGauge(stale, {}, status.stale ? 1 : 0);
    MetricFamily loads =
        Family("sluice_config_loads_total", "Loads of the policy.", MetricType::Counter);
    AddCounter(loads, Labelled({{"result", "success"}}), static_cast<double>(status.successes));
    AddCounter(loads, Labelled({{"result", "error"}}), static_cast<double>(status.failures));
    families.insert(families.end(), {std::move(generation), std::move(stale), std::move(loads)});
  }

  const BuildInfo build_;
  LabelledCounters<kOutcomes.size()> decisions_;
  LabelledCounters<kRlsResults> rls_;
  LabelledCounters<1> unmatched_;
  LabelledCounters<1> expression_failures_;
  LabelledCounters<1> orphans_;
  LabelledCounters<1> requests_;
  LabelledCounters<kHistogramWidth> durations_;

  mutable Mutex mutex_;
  std::vector<NamedBackend> backends_ ABSL_GUARDED_BY(mutex_);
  const PolicySource* source_ ABSL_GUARDED_BY(mutex_) = nullptr;
  absl::flat_hash_map<std::string, int64_t> reported_us_ ABSL_GUARDED_BY(mutex_);  // by throttle
};

}  // namespace

std::unique_ptr<Telemetry> NewTelemetry(BuildInfo build) {
  return std::make_unique<TelemetryImpl>(std::move(build));
}

}  // namespace sluice
