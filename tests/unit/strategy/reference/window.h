// The windows, each in its own words. All count their hits by the number of the window, aligned to
// the epoch, that they fall into.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_WINDOW_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_WINDOW_H_

#include <algorithm>
#include <map>

#include "tests/unit/strategy/reference/model.h"

namespace sluice {

// How much was used in which window; 0 where nothing is written.
class Usage {
 public:
  Int Of(Int window) const {
    const auto found = used_.find(window);
    return found == used_.end() ? Int(0) : found->second;
  }
  void Add(Int window, Int cost) { used_[window] += cost; }
  // A denial that counts fills the window up to the limit, and never takes away a debt.
  void Fill(Int window, Int cost, Int limit) {
    Int& used = used_[window];
    used = std::max(used, std::min(used + cost, limit));
  }
  void Debit(Int window, Int amount, Int ceiling) {
    Int& used = used_[window];
    used = std::max(used, std::min(used + amount, ceiling));
  }
  // Gives back what can be given back, and tells how much that was.
  Int Refund(Int window, Int amount) {
    Int& used = used_[window];
    const Int back = std::min(used, amount);
    used -= back;
    return back;
  }

 private:
  std::map<Int, Int> used_;
};

class FixedWindowModel final : public EverMore<FixedWindowModel> {
 public:
  // `limit` hits a window, whatever the rate says.
  FixedWindowModel(const Spec& spec, Int limit) : EverMore(spec), limit_(limit) {}

  Int Largest() const override { return limit_; }

 private:
  Int Window(Int at) const { return at / spec_.period_us; }

  bool PassesAt(Int at, const Ask& ask) const override {
    return usage_.Of(Window(at)) + ask.cost <= limit_;
  }
  bool IdleAt(Int at) const override { return usage_.Of(Window(at)) == 0; }
  void TakeAt(Int at, const Ask& ask) override { usage_.Add(Window(at), ask.cost); }
  void SettleAt(Int at, const Ask& ask) override {
    if (ask.cost < 0) usage_.Refund(Window(at), -ask.cost);
    if (ask.cost > 0) usage_.Debit(Window(at), ask.cost, 2 * limit_);
  }
  void DenyAt(Int at, const Ask& ask) override { usage_.Fill(Window(at), ask.cost, limit_); }
  Int LimitAt(Int) const override { return limit_; }

  const Int limit_;
  Usage usage_;
};

// The window before counts by the part of it that a period's look back still sees.
class SlidingWindowCounterModel final : public EverMore<SlidingWindowCounterModel> {
 public:
  using EverMore::EverMore;

  Int Largest() const override { return spec_.limit; }

 private:
  Int Window(Int at) const { return at / spec_.period_us; }
  Int Before(Int at) const { return usage_.Of(Window(at) - 1); }
  Int Current(Int at) const { return usage_.Of(Window(at)); }

  bool PassesAt(Int at, const Ask& ask) const override {
    const Int seen_us = spec_.period_us - at % spec_.period_us;
    return Fraction(Before(at) * seen_us, spec_.period_us) + Fraction(Current(at) + ask.cost) <=
           Fraction(spec_.limit);
  }
  bool IdleAt(Int at) const override { return Before(at) == 0 && Current(at) == 0; }
  void TakeAt(Int at, const Ask& ask) override { usage_.Add(Window(at), ask.cost); }
  void SettleAt(Int at, const Ask& ask) override {
    if (ask.cost > 0) usage_.Debit(Window(at), ask.cost, Int(2) * spec_.limit);
    if (ask.cost >= 0) return;
    const Int back = usage_.Refund(Window(at), -ask.cost);
    usage_.Refund(Window(at) - 1, -ask.cost - back);
  }
  void DenyAt(Int at, const Ask& ask) override { usage_.Fill(Window(at), ask.cost, spec_.limit); }

  Usage usage_;
};

// The limit shrinks when a window fills, and comes back window by window.
class AdaptiveThrottleModel final : public EverMore<AdaptiveThrottleModel> {
 public:
  explicit AdaptiveThrottleModel(const Spec& spec) : EverMore(spec), effective_(spec.limit) {}

  Int Largest() const override { return spec_.limit; }

 private:
  static Int Given(Int millionths, Int absent) { return millionths > 0 ? millionths : absent; }
  Int Window(Int at) const { return at / spec_.period_us; }
  Int Recovery() const {
    return std::max<Int>(1, Share(spec_.limit, Given(spec_.recovery_rate, 100'000)));
  }
  Int Effective(Int at) const {
    const Int begun = Window(at) - decided_in_;
    return std::min<Int>(spec_.limit, effective_ + begun * Recovery());
  }
  Int Reduced() const {
    const Int least = Share(spec_.limit, Given(spec_.min_limit_ratio, 300'000));
    const Int reduced = Share(effective_, Given(spec_.reduction_factor, 600'000));
    return std::max({Int(1), least, reduced});
  }
  void MoveTo(Int at) {
    effective_ = Effective(at);
    decided_in_ = Window(at);
  }
  bool PassesAt(Int at, const Ask& ask) const override {
    return usage_.Of(Window(at)) + ask.cost <= Effective(at);
  }
  bool IdleAt(Int at) const override {
    return usage_.Of(Window(at)) == 0 && Effective(at) == spec_.limit && reduced_in_ != Window(at);
  }
  void TakeAt(Int at, const Ask& ask) override {
    MoveTo(at);
    usage_.Add(Window(at), ask.cost);
    const Int loaded = usage_.Of(Window(at)) * kMillion;
    if (loaded <= effective_ * Given(spec_.load_threshold, 800'000)) return;
    if (reduced_in_ == Window(at)) return;
    effective_ = Reduced();
    reduced_in_ = Window(at);
  }
  void SettleAt(Int at, const Ask& ask) override {
    if (ask.cost < 0) usage_.Refund(Window(at), -ask.cost);
    if (ask.cost > 0) usage_.Debit(Window(at), ask.cost, Int(2) * spec_.limit);
  }

  Usage usage_;
  Int effective_;
  Int decided_in_ = 0;
  Int reduced_in_ = -1;
};

// What a period leaves over is good for one more period.
class QuotaWithRolloverModel final : public EverMore<QuotaWithRolloverModel> {
 public:
  using EverMore::EverMore;

  Int Largest() const override { return spec_.limit + RolloverAfter(0); }

 private:
  Int RolloverAfter(Int used) const {
    const Int most = spec_.max_rollover > 0 ? spec_.max_rollover : spec_.limit;
    const Int left_over = std::max<Int>(0, spec_.limit - used);
    return std::min(most, Share(left_over, spec_.rollover_percentage.value_or(kMillion / 2)));
  }
  Int Period(Int at) const { return at / spec_.period_us; }

  bool PassesAt(Int at, const Ask& ask) const override {
    const Int rollover = RolloverAfter(usage_.Of(Period(at) - 1));
    return usage_.Of(Period(at)) + ask.cost <= spec_.limit + rollover;
  }
  bool IdleAt(Int at) const override {
    return usage_.Of(Period(at)) == 0 && usage_.Of(Period(at) - 1) == 0;
  }
  void TakeAt(Int at, const Ask& ask) override { usage_.Add(Period(at), ask.cost); }
  void SettleAt(Int at, const Ask& ask) override {
    if (ask.cost > 0) usage_.Debit(Period(at), ask.cost, 2 * Largest());
    if (ask.cost >= 0) return;
    const Int back = usage_.Refund(Period(at), -ask.cost);
    usage_.Refund(Period(at) - 1, -ask.cost - back);
  }

  Usage usage_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_WINDOW_H_
