#include "tests/unit/strategy/spec.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice {
namespace {

constexpr int64_t kMs = 1'000;
constexpr int64_t kSecond = 1'000 * kMs;
constexpr int64_t kDay = 86'400 * kSecond;

rc::Gen<int64_t> Range(int64_t least, int64_t most) {
  return rc::gen::inRange<int64_t>(least, std::max(least, most) + 1);
}

// Of the same digits as the period: bursts beyond it do not load with the period's own tick.
int64_t LargestBurst(int64_t period_us, int64_t tick_us) {
  return (kMaxAmount - 1) / (period_us / tick_us);
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
  const auto unit = rc::gen::elementOf(
      std::vector<int64_t>{kMs, 7 * kMs, kSecond, 60 * kSecond, 3'600 * kSecond, kDay, 365 * kDay});
  return rc::gen::apply([](int64_t us, int64_t count) { return us * count; }, unit, Range(1, 20));
}

rc::Gen<int64_t> AnyBurst(const Spec& spec) {
  const int64_t tick_us = spec.period_us % kSecond == 0 ? kSecond : kMs;
  return rc::gen::weightedOneOf<int64_t>(
      {{2, rc::gen::just<int64_t>(0)},
       {4, Range(1, 10)},
       {2, Range(1, 2 * spec.limit + 1)},
       {1, rc::gen::element(LargestBurst(spec.period_us, 1), LargestBurst(spec.period_us, kMs),
                            LargestBurst(spec.period_us, tick_us))}});
}

rc::Gen<absl::optional<int64_t>> AnyTolerance(const Spec& spec) {
  return rc::gen::map(Range(0, 3 * spec.period_us / kMs),
                      [](int64_t ms) { return absl::optional<int64_t>(ms * kMs); });
}

rc::Gen<Spec> Parameterised(const Spec& plain) {
  const auto with_burst = rc::gen::map(AnyBurst(plain), [plain](int64_t burst) {
    Spec spec = plain;
    spec.burst = burst;
    return spec;
  });
  if (plain.strategy == "fixed_window") return rc::gen::just(plain);
  if (plain.strategy == "token_bucket") return with_burst;
  const auto with_tolerance =
      rc::gen::map(AnyTolerance(plain), [plain](absl::optional<int64_t> tolerance_us) {
        Spec spec = plain;
        spec.tolerance_us = tolerance_us;
        return spec;
      });
  return rc::gen::apply(
      [](Spec spec, bool pay_later) {
        spec.pay_later = pay_later;
        return spec;
      },
      rc::gen::oneOf(with_burst, with_tolerance), rc::gen::arbitrary<bool>());
}

// With the tick that the limit chose; 0 when it does not load.
Spec WithTick(Spec spec) {
  const absl::StatusOr<Limit> limit = spec.Create();
  spec.tick_us = limit.ok() ? limit->tick_us() : 0;
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
  return rc::gen::weightedOneOf<int64_t>({{4, rc::gen::just<int64_t>(0)},
                                          {2, Range(-1, 1)},
                                          {2, Range(0, spec.tick_us)},
                                          {6, Range(0, 2 * interval_us + spec.tick_us)},
                                          {3, Range(0, spec.period_us)},
                                          {1, Range(0, 3 * spec.period_us)},
                                          {1, rc::gen::just(spec.period_us)},
                                          {1, Range(-interval_us, 0)},
                                          {1, Range(-2 * spec.period_us, 0)}});
}

}  // namespace

Params Spec::ToParams() const {
  Params params;
  if (burst > 0) {
    params.emplace_back(strategy == "gcra" ? "burst" : "burst_size", absl::StrCat(burst));
  }
  if (tolerance_us.has_value()) {
    params.emplace_back("burst_tolerance", absl::StrCat(*tolerance_us / kMs, "ms"));
  }
  if (pay_later) params.emplace_back("oversize", "pay_later");
  return params;
}

absl::StatusOr<Limit> Spec::Create() const {
  const absl::StatusOr<Rate> rate = Rate::Create(limit, period_us);
  if (!rate.ok()) return rate.status();
  return Limit::Create(strategy, *rate, ToParams());
}

std::ostream& operator<<(std::ostream& out, const Spec& spec) {
  out << spec.strategy << " " << spec.limit << "/" << DurationText(spec.period_us);
  for (const auto& [name, value] : spec.ToParams()) out << " " << name << "=" << value.ToString();
  return out << " (tick " << DurationText(spec.tick_us) << ")";
}

std::ostream& operator<<(std::ostream& out, const Event& event) {
  switch (event.advance) {
    case Event::Advance::kBy:
      out << absl::StreamFormat("%+d us: ", event.by_us);
      break;
    case Event::Advance::kByLastWait:
      out << "after the wait: ";
      break;
    case Event::Advance::kJustShortOfLastWait:
      out << "1 us before the end of the wait: ";
      break;
  }
  out << (event.kind == Kind::kHit ? "hit " : event.kind == Kind::kLook ? "look " : "settle ");
  return out << event.amount;
}

std::ostream& operator<<(std::ostream& out, const Case& one) {
  out << one.spec << " from " << one.start_us << " us";
  for (const Event& event : one.events) out << "\n  " << event;
  return out;
}

rc::Gen<Spec> AnySpec(const std::string& strategy) {
  const auto plain = rc::gen::apply(
      [strategy](int64_t limit, int64_t period_us) {
        Spec spec;
        spec.strategy = strategy;
        spec.limit = limit;
        spec.period_us = period_us;
        return spec;
      },
      AnyLimit(), AnyPeriod());
  const auto loadable = rc::gen::map(rc::gen::mapcat(plain, &Parameterised), &WithTick);
  return rc::gen::suchThat(loadable, [](const Spec& spec) { return spec.tick_us != 0; });
}

rc::Gen<std::vector<Event>> AnyEvents(const Spec& spec) {
  const int64_t most = spec.Create()->most();
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
      [](const std::pair<Kind, int64_t>& what, Event::Advance how, int64_t by_us) {
        return Event{what.first, what.second, how, by_us};
      },
      kind_and_amount, advance, ClockMove(spec));
  return rc::gen::container<std::vector<Event>>(event);
}

rc::Gen<Case> AnyCase(const std::string& strategy) {
  return rc::gen::mapcat(AnySpec(strategy), [](const Spec& spec) {
    const int64_t period_us = spec.period_us;
    const auto anywhere = Range(1'600'000'000 * kSecond, 1'800'000'000 * kSecond);
    const auto at_an_edge =
        rc::gen::map(anywhere, [period_us](int64_t us) { return us - us % period_us; });
    return rc::gen::apply(
        [spec](int64_t start_us, std::vector<Event> events) {
          return Case{spec, start_us, {}, std::move(events)};
        },
        rc::gen::oneOf(anywhere, at_an_edge), AnyEvents(spec));
  });
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

}  // namespace sluice
