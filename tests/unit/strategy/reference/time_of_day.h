// A fixed window whose limit follows the clock on the wall.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_TIME_OF_DAY_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_TIME_OF_DAY_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "tests/unit/strategy/reference/window.h"

namespace sluice {

// What the clock on the wall of a place shows.
class WallClock {
 public:
  explicit WallClock(const std::string& zone_name) {
    if (!zone_name.empty()) absl::LoadTimeZone(zone_name, &zone_);
  }

  int HourAt(Int us) const { return zone_.At(TimeOf(us)).cs.hour(); }

  // The next instant after `us` at which the hour may change: the full quarters, where it does in
  // every zone there is, and the jumps of the zone itself.
  Int NextChange(Int us) const {
    constexpr int64_t kQuarterUs = 15 * kMinuteUs;
    const Int quarter = (us / kQuarterUs + 1) * kQuarterUs;
    absl::TimeZone::CivilTransition jump;
    if (!zone_.NextTransition(TimeOf(us), &jump)) return quarter;
    const absl::TimeZone::TimeInfo to = zone_.At(jump.to);
    const bool twice = to.kind == absl::TimeZone::TimeInfo::REPEATED;
    const Int jumps_us = absl::ToUnixMicros(twice ? to.trans : to.pre);
    return std::min(quarter, jumps_us);
  }

 private:
  static absl::Time TimeOf(Int us) { return absl::FromUnixMicros(static_cast<int64_t>(us)); }

  absl::TimeZone zone_ = absl::UTCTimeZone();
};

class TimeOfDayModel final : public Model {
 public:
  explicit TimeOfDayModel(const Spec& spec) : Model(spec), clock_(spec.timezone) {}

  std::unique_ptr<Model> Clone() const override { return std::make_unique<TimeOfDayModel>(*this); }

  Int Largest() const override {
    int64_t highest = 0;
    for (const Hours& hours : spec_.hours) highest = std::max(highest, hours.multiplier);
    return Share(spec_.limit, highest);
  }

  // The limit may fall as well as rise, so this walks from each change to the next.
  absl::optional<Int> UntilItPasses(Int us, const Ask& ask) const override {
    if (ask.cost > Largest()) return absl::nullopt;
    if (Passes(us, ask)) return Int(0);
    Int at = KeyTime(us);
    while (!Passes(at, ask)) at = NextChange(at, ask);
    return at - us;
  }

 private:
  Int Window(Int at) const { return at / spec_.period_us; }
  // Of the hour or of the window; that which cannot help is passed over.
  Int NextChange(Int at, const Ask& ask) const {
    const Int hour_changes = clock_.NextChange(at);
    const Int window_ends = at - at % spec_.period_us + spec_.period_us;
    const bool no_window_helps = ask.cost > LimitAt(at);
    const bool no_hour_helps = usage_.Of(Window(at)) + ask.cost > Largest();
    if (no_window_helps) return no_hour_helps ? std::max(hour_changes, window_ends) : hour_changes;
    return no_hour_helps ? window_ends : std::min(hour_changes, window_ends);
  }
  static bool Within(const Hours& hours, int hour) {
    for (int at = hours.from;; at = (at + 1) % 24) {
      if (at == hour) return true;
      if ((at + 1) % 24 == hours.to % 24) return false;
    }
  }
  Int LimitAt(Int at) const override {
    const int hour = clock_.HourAt(at);
    for (const Hours& hours : spec_.hours) {
      if (Within(hours, hour)) return Share(spec_.limit, hours.multiplier);
    }
    return 0;
  }
  bool PassesAt(Int at, const Ask& ask) const override {
    return usage_.Of(Window(at)) + ask.cost <= LimitAt(at);
  }
  bool IdleAt(Int at) const override { return usage_.Of(Window(at)) == 0; }
  void TakeAt(Int at, const Ask& ask) override { usage_.Add(Window(at), ask.cost); }
  void SettleAt(Int at, const Ask& ask) override {
    if (ask.cost < 0) usage_.Refund(Window(at), -ask.cost);
    if (ask.cost > 0) usage_.Debit(Window(at), ask.cost, 2 * Largest());
  }
  void DenyAt(Int at, const Ask& ask) override { usage_.Fill(Window(at), ask.cost, LimitAt(at)); }

  const WallClock clock_;
  Usage usage_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_TIME_OF_DAY_H_
