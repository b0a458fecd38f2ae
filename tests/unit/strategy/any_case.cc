#include "tests/unit/strategy/any_case.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "absl/time/time.h"

namespace sluice {
namespace {

constexpr int64_t kEarliestStartUs = 1'600'000'000 * kSecondUs;
constexpr int64_t kLatestStartUs = 1'800'000'000 * kSecondUs;

rc::Gen<int64_t> Range(int64_t least, int64_t most) {
  return rc::gen::inRange<int64_t>(least, std::max(least, most) + 1);
}

rc::Gen<int64_t> AnyLimit() {
  return rc::gen::weightedOneOf<int64_t>(
      {{1, rc::gen::just<int64_t>(0)},
       {8, Range(1, 10)},
       {4, Range(1, 1'000)},
       {1, Range(1, 4'294'967'295)},
       {1, rc::gen::element<int64_t>(1'000'000, 4'294'967'295)}});
}

rc::Gen<int64_t> AnyPeriod() {
  const auto unit = rc::gen::elementOf(std::vector<int64_t>{
      kMillisecondUs, 7 * kMillisecondUs, kSecondUs, kMinuteUs, kHourUs, kDayUs, kYearUs});
  return rc::gen::apply([](int64_t us, int64_t count) { return us * count; }, unit, Range(1, 20));
}

// Weighted to periods that local hours divide.
rc::Gen<int64_t> AnyPeriodOf(const std::string& strategy) {
  if (strategy != "time_of_day") return AnyPeriod();
  const auto hours = rc::gen::map(Range(1, 72), [](int64_t count) { return count * kHourUs; });
  return rc::gen::weightedOneOf<int64_t>({{2, hours}, {1, AnyPeriod()}});
}

// So many hits times `scale` times the period stay just below what can be counted.
int64_t LargestAmount(const Spec& spec, int64_t tick_us, int64_t scale) {
  return std::max<int64_t>((kMaxAmount - 1) / (spec.period_us / tick_us) / scale, 1);
}

// 0: absent.
rc::Gen<int64_t> AnyBurst(const Spec& spec, int64_t scale) {
  const int64_t tick_us = spec.period_us % kSecondUs == 0 ? kSecondUs : kMillisecondUs;
  return rc::gen::weightedOneOf<int64_t>(
      {{2, rc::gen::just<int64_t>(0)},
       {4, Range(1, 10)},
       {2, Range(1, 2 * spec.limit + 1)},
       {1,
        rc::gen::element(LargestAmount(spec, 1, scale), LargestAmount(spec, kMillisecondUs, scale),
                         LargestAmount(spec, tick_us, scale))}});
}

// 0: absent.
rc::Gen<int64_t> AnyEntries() {
  return rc::gen::weightedOneOf<int64_t>(
      {{2, rc::gen::just<int64_t>(0)}, {4, Range(1, 8)}, {1, Range(1, 100'000)}});
}

// In (0, 1]; 0: absent.
rc::Gen<int64_t> AnyRatio() {
  return rc::gen::weightedOneOf<int64_t>(
      {{2, rc::gen::just<int64_t>(0)},
       {3, rc::gen::element<int64_t>(100'000, 290'000, 500'000, 800'000, 999'999, 1'000'000)},
       {2, Range(1, kMillion)}});
}

rc::Gen<int64_t> AnyMultiplier() {
  return rc::gen::weightedOneOf<int64_t>(
      {{1, rc::gen::just<int64_t>(0)},
       {2, rc::gen::just(int64_t{kMillion})},
       {3, rc::gen::element<int64_t>(290'000, 500'000, 1'500'000, 2'000'000, 10'000'000)},
       {2, Range(0, 5 * kMillion)}});
}

rc::Gen<Spec> Bucket(const Spec& plain, int64_t scale = 1) {
  return rc::gen::map(AnyBurst(plain, scale), [plain](int64_t burst) {
    Spec spec = plain;
    spec.burst = burst;
    return spec;
  });
}

rc::Gen<Spec> TokenBucketWithDebt(const Spec& plain) {
  return rc::gen::apply(
      [](Spec spec, int64_t debt) {
        spec.max_debt = std::max<int64_t>(debt, 1);
        return spec;
      },
      Bucket(plain, 2), AnyBurst(plain, 2));
}

rc::Gen<Spec> LeakyBucketWithQueue(const Spec& plain) {
  return rc::gen::apply(
      [](Spec spec, int64_t max_entries) {
        spec.max_entries = max_entries;
        return spec;
      },
      Bucket(plain), AnyEntries());
}

rc::Gen<Spec> Gcra(const Spec& plain) {
  const auto by_tolerance =
      rc::gen::map(Range(0, 3 * plain.period_us / kMillisecondUs), [plain](int64_t ms) {
        Spec spec = plain;
        spec.tolerance_us = ms * kMillisecondUs;
        return spec;
      });
  return rc::gen::apply(
      [](Spec spec, bool pay_later) {
        spec.pay_later = pay_later;
        return spec;
      },
      rc::gen::oneOf(Bucket(plain), by_tolerance), rc::gen::arbitrary<bool>());
}

rc::Gen<Spec> CostBasedTokenBucket(const Spec& plain) {
  return rc::gen::apply(
      [](Spec spec, int64_t window, int64_t thousandths) {
        spec.cost_window = window;
        spec.min_refill_rate = thousandths * 1'000;
        return spec;
      },
      Bucket(plain, 1'000),
      rc::gen::weightedOneOf<int64_t>({{1, rc::gen::just<int64_t>(0)}, {3, Range(1, 5)}}),
      rc::gen::weightedOneOf<int64_t>({{1, rc::gen::just<int64_t>(0)}, {3, Range(1, 1'000)}}));
}

rc::Gen<Spec> CountingDenied(const rc::Gen<Spec>& spec) {
  return rc::gen::apply(
      [](Spec drawn, bool count_denied) {
        drawn.count_denied = count_denied;
        return drawn;
      },
      spec, rc::gen::arbitrary<bool>());
}

rc::Gen<Spec> SlidingWindowLog(const Spec& plain) {
  return rc::gen::map(AnyEntries(), [plain](int64_t max_entries) {
    Spec spec = plain;
    spec.max_entries = max_entries;
    return spec;
  });
}

rc::Gen<Spec> TieredRate(const Spec& plain) {
  return rc::gen::apply(
      [plain](int64_t bronze, int64_t silver, int64_t gold, size_t standard) {
        Spec spec = plain;
        spec.tiers = {{"bronze", bronze}, {"silver", silver}, {"gold", gold}};
        spec.default_tier = spec.tiers[standard].name;
        return spec;
      },
      AnyMultiplier(), AnyMultiplier(), AnyMultiplier(), rc::gen::inRange<size_t>(0, 3));
}

rc::Gen<Spec> AdaptiveThrottle(const Spec& plain) {
  return rc::gen::apply(
      [plain](int64_t threshold, int64_t reduction, int64_t recovery, int64_t least) {
        Spec spec = plain;
        spec.load_threshold = threshold;
        spec.reduction_factor = reduction;
        spec.recovery_rate = recovery;
        spec.min_limit_ratio = least;
        return spec;
      },
      AnyRatio(), AnyRatio(), AnyRatio(), AnyRatio());
}

rc::Gen<Spec> PriorityQueue(const Spec& plain) {
  const auto hard_limit = rc::gen::weightedOneOf<int64_t>(
      {{2, rc::gen::just<int64_t>(0)}, {2, Range(1, 4 * plain.limit + 1)}, {1, Range(1, 10)}});
  return rc::gen::apply(
      [plain](int64_t max_entries, int64_t priority, int64_t hard) {
        Spec spec = plain;
        spec.max_entries = max_entries;
        spec.default_priority = priority;
        spec.hard_limit = hard;
        return spec;
      },
      AnyEntries(), Range(0, 4), hard_limit);
}

rc::Gen<Spec> QuotaWithRollover(const Spec& plain) {
  const auto most = rc::gen::weightedOneOf<int64_t>(
      {{2, rc::gen::just<int64_t>(0)}, {2, Range(1, 10)}, {1, Range(1, 2 * plain.limit + 1)}});
  return rc::gen::apply(
      [plain](int64_t percentage, bool named, int64_t max_rollover) {
        Spec spec = plain;
        if (named) spec.rollover_percentage = percentage;
        spec.max_rollover = max_rollover;
        return spec;
      },
      AnyRatio(), rc::gen::arbitrary<bool>(), most);
}

// Windows between any hours of the day; the last runs over midnight.
std::vector<Hours> HoursBetween(const std::vector<std::pair<int, int64_t>>& drawn) {
  const std::map<int, int64_t> edges(drawn.begin(), drawn.end());
  if (edges.size() < 2) return {{6, 18, kMillion}, {18, 6, edges.begin()->second}};
  std::vector<Hours> hours;
  for (auto edge = edges.begin(); edge != edges.end(); ++edge) {
    const auto next = std::next(edge) == edges.end() ? edges.begin() : std::next(edge);
    hours.push_back({edge->first, next->first, edge->second});
  }
  return hours;
}

rc::Gen<Spec> TimeOfDay(const Spec& plain) {
  const auto hour =
      rc::gen::weightedOneOf<int>({{2, rc::gen::inRange(0, 4)}, {2, rc::gen::inRange(0, 24)}});
  const auto edges = rc::gen::mapcat(rc::gen::inRange<size_t>(2, 7), [hour](size_t count) {
    return rc::gen::container<std::vector<std::pair<int, int64_t>>>(
        count, rc::gen::pair(hour, AnyMultiplier()));
  });
  const auto zone = rc::gen::elementOf(
      std::vector<std::string>{"", "UTC", "Europe/Berlin", "America/New_York",
                               "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"});
  return rc::gen::apply(
      [plain](const std::vector<std::pair<int, int64_t>>& drawn, const std::string& zone_name) {
        Spec spec = plain;
        spec.hours = HoursBetween(drawn);
        spec.timezone = zone_name;
        return spec;
      },
      edges, zone);
}

rc::Gen<Spec> Parameterised(const Spec& plain) {
  static const auto& draws = *new std::map<std::string, rc::Gen<Spec> (*)(const Spec&)>{
      {"token_bucket", [](const Spec& spec) { return Bucket(spec); }},
      {"token_bucket_with_debt", &TokenBucketWithDebt},
      {"leaky_bucket", [](const Spec& spec) { return Bucket(spec); }},
      {"leaky_bucket_with_queue", &LeakyBucketWithQueue},
      {"gcra", &Gcra},
      {"cost_based_token_bucket", &CostBasedTokenBucket},
      {"fixed_window", [](const Spec& spec) { return CountingDenied(rc::gen::just(spec)); }},
      {"sliding_window_counter",
       [](const Spec& spec) { return CountingDenied(rc::gen::just(spec)); }},
      {"sliding_window_log",
       [](const Spec& spec) { return CountingDenied(SlidingWindowLog(spec)); }},
      {"tiered_rate", [](const Spec& spec) { return CountingDenied(TieredRate(spec)); }},
      {"time_of_day", [](const Spec& spec) { return CountingDenied(TimeOfDay(spec)); }},
      {"adaptive_throttle", &AdaptiveThrottle},
      {"priority_queue", &PriorityQueue},
      {"quota_with_rollover", &QuotaWithRollover},
  };
  return draws.at(plain.strategy)(plain);
}

Spec WithTick(Spec spec) {
  spec.tick_us = TickOf(spec);
  return spec;
}

rc::Gen<int64_t> HitAmount(int64_t most) {
  return rc::gen::weightedOneOf<int64_t>({{6, rc::gen::just<int64_t>(1)},
                                          {4, Range(1, 3)},
                                          {4, Range(1, std::min(most + 1, kMaxAmount))},
                                          {1, Range(std::max<int64_t>(most, 1), most + 1)},
                                          {1, rc::gen::just(kMaxAmount)}});
}

rc::Gen<int64_t> SettleAmount(int64_t most) {
  return rc::gen::weightedOneOf<int64_t>({{4, Range(-3, 3)},
                                          {4, Range(-2 * most - 2, 2 * most + 2)},
                                          {1, rc::gen::element(-kMaxAmount, kMaxAmount)}});
}

rc::Gen<int64_t> ClockMove(const Spec& spec) {
  const int64_t interval_us = spec.period_us / std::max<int64_t>(spec.limit, 1);
  const auto anywhere =
      rc::gen::weightedOneOf<int64_t>({{4, rc::gen::just<int64_t>(0)},
                                       {2, Range(-1, 1)},
                                       {2, Range(0, spec.tick_us)},
                                       {6, Range(0, 2 * interval_us + spec.tick_us)},
                                       {3, Range(0, spec.period_us)},
                                       {1, Range(0, 3 * spec.period_us)},
                                       {1, rc::gen::just(spec.period_us)},
                                       {1, Range(-interval_us, 0)},
                                       {1, Range(-2 * spec.period_us, 0)}});
  if (spec.hours.empty()) return anywhere;
  return rc::gen::weightedOneOf<int64_t>({{2, anywhere}, {1, Range(-kHourUs, 5 * kHourUs)}});
}

int64_t LargestHit(const Spec& spec) {
  const Limit limit = *spec.Create();
  int64_t most = 0;
  for (const std::string& label : LabelsOf(spec)) {
    most = std::max(most, limit.most(limit.TagOf(label)));
  }
  return most;
}

rc::Gen<int64_t> NearAChangeOfTheLocalClock(const std::string& zone_name) {
  absl::TimeZone zone;
  std::vector<int64_t> changes;
  if (absl::LoadTimeZone(zone_name, &zone)) {
    absl::Time at = absl::FromUnixMicros(kEarliestStartUs);
    absl::TimeZone::CivilTransition change;
    while (at < absl::FromUnixMicros(kLatestStartUs) && zone.NextTransition(at, &change)) {
      const absl::TimeZone::TimeInfo to = zone.At(change.to);
      at = to.kind == absl::TimeZone::TimeInfo::REPEATED ? to.trans : to.pre;
      changes.push_back(absl::ToUnixMicros(at));
    }
  }
  if (changes.empty()) changes.push_back(kEarliestStartUs);
  return rc::gen::apply([](int64_t at_us, int64_t by_us) { return at_us + by_us; },
                        rc::gen::elementOf(changes), Range(-30 * kHourUs, 3 * kHourUs));
}

}  // namespace

int64_t TickOf(const Spec& spec) {
  const absl::StatusOr<Limit> limit = spec.Create();
  return limit.ok() ? limit->tick_us() : 0;
}

rc::Gen<Spec> AnyWrittenSpec(const std::string& strategy) {
  const auto plain = rc::gen::apply(
      [strategy](int64_t limit, int64_t period_us) {
        Spec spec;
        spec.strategy = strategy;
        spec.limit = limit;
        spec.period_us = period_us;
        return spec;
      },
      AnyLimit(), AnyPeriodOf(strategy));
  return rc::gen::map(rc::gen::mapcat(plain, &Parameterised), &WithTick);
}

rc::Gen<Spec> AnySpec(const std::string& strategy) {
  return rc::gen::suchThat(AnyWrittenSpec(strategy),
                           [](const Spec& spec) { return spec.tick_us != 0; });
}

rc::Gen<Spec> SpecOfSameShape(const Spec& spec) {
  const auto other = rc::gen::mapcat(AnyLimit(), [spec](int64_t limit) {
    Spec plain;
    plain.strategy = spec.strategy;
    plain.limit = limit;
    plain.period_us = spec.period_us;
    return Parameterised(plain);
  });
  return rc::gen::suchThat(rc::gen::map(other, &WithTick), [spec](const Spec& candidate) {
    return candidate.tick_us == spec.tick_us;
  });
}

rc::Gen<std::vector<Event>> AnyEvents(const Spec& spec) {
  const int64_t most = LargestHit(spec);
  const auto kind_and_amount = rc::gen::mapcat(
      rc::gen::weightedElement<Kind>({{6, Kind::kHit}, {1, Kind::kLook}, {2, Kind::kSettle}}),
      [most](Kind kind) {
        return rc::gen::pair(rc::gen::just(kind),
                             kind == Kind::kSettle ? SettleAmount(most) : HitAmount(most));
      });
  const auto advance =
      rc::gen::weightedElement<Event::Advance>({{6, Event::Advance::kBy},
                                                {1, Event::Advance::kByLastWait},
                                                {1, Event::Advance::kJustShortOfLastWait}});
  const auto event = rc::gen::apply(
      [](const std::pair<Kind, int64_t>& what, Event::Advance how, int64_t by_us,
         const std::string& label) {
        return Event{what.first, what.second, how, by_us, label};
      },
      kind_and_amount, advance, ClockMove(spec), rc::gen::elementOf(LabelsOf(spec)));
  return rc::gen::container<std::vector<Event>>(event);
}

rc::Gen<int64_t> AnyStart(const Spec& spec) {
  const int64_t period_us = spec.period_us;
  const auto anywhere = Range(kEarliestStartUs, kLatestStartUs);
  const auto at_an_edge =
      rc::gen::map(anywhere, [period_us](int64_t us) { return us - us % period_us; });
  if (spec.timezone.empty()) return rc::gen::oneOf(anywhere, at_an_edge);
  return rc::gen::oneOf(anywhere, at_an_edge, NearAChangeOfTheLocalClock(spec.timezone));
}

rc::Gen<Case> AnyCase(const std::string& strategy) {
  return rc::gen::mapcat(AnySpec(strategy), [](const Spec& spec) {
    return rc::gen::apply(
        [spec](int64_t start_us, std::vector<Event> events) {
          return Case{spec, start_us, {}, std::move(events)};
        },
        AnyStart(spec), AnyEvents(spec));
  });
}

}  // namespace sluice
