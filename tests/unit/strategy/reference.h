// What each strategy means: plain, slow textbook models to hold the real steps against.
//
// They share no formula with server/strategy. They work in microseconds and exact fractions, and
// only know four things: whether a cost passes, how to take it, how to settle, and whether the
// counter is as if never used. Waits, remaining hits and resets are found from these by search, so
// that they mean what the contract says by definition.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>

#include "absl/numeric/int128.h"
#include "absl/types/optional.h"
#include "tests/unit/strategy/spec.h"

namespace sluice {

using Int = absl::int128;

// An exact fraction. Never reduced: in one model all denominators are 1 or the same, so 128 bits
// hold everything.
class Fraction {
 public:
  explicit Fraction(Int whole) : Fraction(whole, 1) {}
  Fraction(Int over, Int under) : over_(over), under_(under) {}

  friend Fraction operator+(const Fraction& a, const Fraction& b) {
    if (a.under_ == b.under_) return {a.over_ + b.over_, a.under_};
    return {a.over_ * b.under_ + b.over_ * a.under_, a.under_ * b.under_};
  }
  friend Fraction operator-(const Fraction& a, const Fraction& b) {
    return a + Fraction(-b.over_, b.under_);
  }
  friend bool operator<(const Fraction& a, const Fraction& b) { return (a - b).over_ < 0; }
  friend bool operator<=(const Fraction& a, const Fraction& b) { return !(b < a); }

 private:
  Int over_;
  Int under_;
};

// One counter under one limit. Times are microseconds since the epoch.
class Model {
 public:
  explicit Model(const Spec& spec) : spec_(spec) {}
  virtual ~Model() = default;

  bool Passes(Int us, Int cost) const { return PassesAt(KeyTime(us), cost); }
  bool Idle(Int us) const { return IdleAt(KeyTime(us)); }
  void Take(Int us, Int cost) {
    last_ = KeyTime(us);
    TakeAt(last_, cost);
  }
  void Settle(Int us, Int amount) {
    last_ = KeyTime(us);
    SettleAt(last_, amount);
  }

 protected:
  virtual bool PassesAt(Int at, Int cost) const = 0;
  virtual bool IdleAt(Int at) const = 0;
  virtual void TakeAt(Int at, Int cost) = 0;
  virtual void SettleAt(Int at, Int amount) = 0;

  const Spec spec_;

 private:
  // Law 5: the clock in whole ticks, but never before the last admitted hit.
  Int KeyTime(Int us) const { return std::max(us - us % spec_.tick_us, last_); }

  Int last_ = 0;
};

// Hits are counted by the number of the window that they fall into.
class FixedWindowModel final : public Model {
 public:
  using Model::Model;

 private:
  Int Used(Int at) const {
    const auto found = used_.find(at / spec_.period_us);
    return found == used_.end() ? Int(0) : found->second;
  }
  bool PassesAt(Int at, Int cost) const override { return Used(at) + cost <= spec_.limit; }
  bool IdleAt(Int at) const override { return Used(at) == 0; }
  void TakeAt(Int at, Int cost) override { used_[at / spec_.period_us] += cost; }
  void SettleAt(Int at, Int amount) override {
    Int& used = used_[at / spec_.period_us];
    used = std::clamp<Int>(used + amount, 0, Int(2) * spec_.limit);
  }

  std::map<Int, Int> used_;
};

// So many tokens at such an instant; limit / period more each microsecond, up to the burst.
class TokenBucketModel final : public Model {
 public:
  explicit TokenBucketModel(const Spec& spec)
      : Model(spec),
        burst_(spec.limit > 0 && spec.burst > 0 ? spec.burst : spec.limit),
        tokens_(burst_) {}

 private:
  Fraction Tokens(Int at) const {
    return std::min(burst_, tokens_ + Fraction((at - since_) * spec_.limit, spec_.period_us));
  }
  void Set(Int at, const Fraction& tokens) {
    tokens_ = tokens;
    since_ = at;
  }
  bool PassesAt(Int at, Int cost) const override { return Fraction(cost) <= Tokens(at); }
  bool IdleAt(Int at) const override { return burst_ <= Tokens(at); }
  void TakeAt(Int at, Int cost) override { Set(at, Tokens(at) - Fraction(cost)); }
  void SettleAt(Int at, Int amount) override {
    Set(at, std::clamp(Tokens(at) - Fraction(amount), Fraction(0) - burst_, burst_));
  }

  const Fraction burst_;
  Fraction tokens_;
  Int since_ = 0;
};

// The theoretical arrival time, as ITU-T I.371 and the contract write it.
class GcraModel final : public Model {
 public:
  explicit GcraModel(const Spec& spec)
      : Model(spec),
        admits_(spec.limit > 0),
        ahead_us_(Ahead()),
        largest_us_(spec.pay_later ? std::max(ahead_us_, TimeOf(spec.limit)) : ahead_us_) {}

 private:
  // The time that `cost` hits take at the rate.
  Fraction TimeOf(Int cost) const {
    return admits_ ? Fraction(cost * spec_.period_us, spec_.limit) : Fraction(0);
  }
  Fraction Ahead() const {
    if (spec_.tolerance_us.has_value()) return Fraction(*spec_.tolerance_us) + TimeOf(1);
    return TimeOf(std::max<int64_t>(spec_.burst, 1));
  }
  Fraction Next(Int at, Int cost) const { return std::max(tat_, Fraction(at)) + TimeOf(cost); }

  bool PassesAt(Int at, Int cost) const override {
    if (!admits_) return cost == 0;
    if (Next(at, cost) - Fraction(at) <= ahead_us_) return true;
    return spec_.pay_later && tat_ <= Fraction(at) && TimeOf(cost) <= largest_us_;
  }
  bool IdleAt(Int at) const override { return tat_ <= Fraction(at); }
  void TakeAt(Int at, Int cost) override { tat_ = Next(at, cost); }
  void SettleAt(Int at, Int amount) override {
    tat_ = std::clamp(Next(at, amount), Fraction(at), Fraction(at) + largest_us_ + largest_us_);
  }

  const bool admits_;
  const Fraction ahead_us_;    // how far ahead of the clock a hit may leave the TAT
  const Fraction largest_us_;  // of all single hits that can pass
  Fraction tat_{0};
};

inline std::unique_ptr<Model> NewModel(const Spec& spec) {
  if (spec.strategy == "fixed_window") return std::make_unique<FixedWindowModel>(spec);
  if (spec.strategy == "token_bucket") return std::make_unique<TokenBucketModel>(spec);
  if (spec.strategy == "gcra") return std::make_unique<GcraModel>(spec);
  return nullptr;
}

// The least `x` >= 0 of which `holds` is true, if it is true from there on and at some power of 2.
template <class Predicate>
Int Least(Predicate holds) {
  if (holds(Int(0))) return 0;
  Int above = 1;
  while (!holds(above)) above *= 2;
  Int below = above / 2;
  while (below + 1 < above) {
    const Int middle = below + (above - below) / 2;
    (holds(middle) ? above : below) = middle;
  }
  return above;
}

inline Int RemainingOf(const Model& model, Int us) {
  return Least([&](Int cost) { return !model.Passes(us, cost + 1); });
}

inline Int ResetOf(const Model& model, Int us) {
  return Least([&](Int wait) { return model.Idle(us + wait); });
}

// nullopt: never, because not even an unused counter lets it pass.
inline absl::optional<Int> WaitOf(const Model& model, Int us, Int cost) {
  const Int idle = ResetOf(model, us);
  if (!model.Passes(us + idle, cost)) return absl::nullopt;
  return Least([&](Int wait) { return model.Passes(us + wait, cost); });
}

// Law 6: the most that may be admitted in any closed span of `us`, in whole ticks.
inline Fraction BoundOf(const Spec& spec, Int us) {
  if (spec.limit == 0) return Fraction(0);
  if (spec.strategy == "fixed_window") {
    return Fraction(spec.limit * (us / spec.period_us + 2));
  }
  const Fraction refill(us * spec.limit, spec.period_us);
  if (spec.strategy == "token_bucket") {
    return Fraction(spec.burst > 0 ? spec.burst : spec.limit) + refill;
  }
  const Fraction burst =
      spec.tolerance_us.has_value()
          ? Fraction(1) + Fraction(Int(*spec.tolerance_us) * spec.limit, spec.period_us)
          : Fraction(std::max<int64_t>(spec.burst, 1));
  return (spec.pay_later ? std::max(burst, Fraction(spec.limit)) : burst) + refill;
}

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_H_
