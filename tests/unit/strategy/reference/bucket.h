// The buckets, each in its own words.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_BUCKET_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_BUCKET_H_

#include <algorithm>
#include <cstdint>

#include "tests/unit/strategy/reference/model.h"

namespace sluice {

// Hits that a bucket holds; none of them where the limit admits nothing.
inline int64_t BurstOf(const Spec& spec) {
  if (spec.limit == 0) return 0;
  if (spec.burst > 0) return spec.burst;
  return spec.strategy == "gcra" ? 1 : spec.limit;
}

inline int64_t DebtOf(const Spec& spec) { return spec.limit == 0 ? 0 : spec.max_debt; }

// So many tokens at such an instant; limit / period more each microsecond, up to the burst. Hits
// may take them down to the debt below 0.
class TokenBucketModel final : public EverMore<TokenBucketModel> {
 public:
  explicit TokenBucketModel(const Spec& spec)
      : EverMore(spec), burst_(BurstOf(spec)), debt_(DebtOf(spec)), tokens_(burst_) {}

  Int Largest() const override { return burst_ + debt_; }

 private:
  Fraction Tokens(Int at) const {
    return std::min(Fraction(burst_),
                    tokens_ + Fraction((at - since_) * spec_.limit, spec_.period_us));
  }
  void Set(Int at, const Fraction& tokens) {
    tokens_ = tokens;
    since_ = at;
  }
  bool PassesAt(Int at, const Ask& ask) const override {
    return Fraction(-debt_) <= Tokens(at) - Fraction(ask.cost);
  }
  bool IdleAt(Int at) const override { return Fraction(burst_) <= Tokens(at); }
  void TakeAt(Int at, const Ask& ask) override { Set(at, Tokens(at) - Fraction(ask.cost)); }
  void SettleAt(Int at, const Ask& ask) override {
    const Fraction deepest(-debt_ - Largest());
    Set(at, std::clamp(Tokens(at) - Fraction(ask.cost), deepest, Fraction(burst_)));
  }

  const Int burst_;
  const Int debt_;
  Fraction tokens_;
  Int since_ = 0;
};

// Hits fill it, and limit / period of them leak each microsecond.
class LeakyBucketModel final : public EverMore<LeakyBucketModel> {
 public:
  explicit LeakyBucketModel(const Spec& spec) : EverMore(spec), capacity_(BurstOf(spec)) {}

  Int Largest() const override { return capacity_; }

 private:
  Fraction Level(Int at) const {
    const Fraction leaked((at - since_) * spec_.limit, spec_.period_us);
    return std::max(level_ - leaked, Fraction(0));
  }
  void Set(Int at, const Fraction& level) {
    level_ = level;
    since_ = at;
  }
  bool PassesAt(Int at, const Ask& ask) const override {
    return Level(at) + Fraction(ask.cost) <= Fraction(capacity_);
  }
  bool IdleAt(Int at) const override { return Level(at) <= Fraction(0); }
  void TakeAt(Int at, const Ask& ask) override { Set(at, Level(at) + Fraction(ask.cost)); }
  void SettleAt(Int at, const Ask& ask) override {
    Set(at, std::clamp(Level(at) + Fraction(ask.cost), Fraction(0), Fraction(2 * capacity_)));
  }

  const Int capacity_;
  Fraction level_{0};
  Int since_ = 0;
};

// The theoretical arrival time, as ITU-T I.371 and the contract write it.
class GcraModel final : public EverMore<GcraModel> {
 public:
  explicit GcraModel(const Spec& spec)
      : EverMore(spec),
        admits_(spec.limit > 0),
        ahead_us_(Ahead()),
        largest_us_(spec.pay_later ? std::max(ahead_us_, TimeOf(spec.limit)) : ahead_us_) {}

  Int Largest() const override {
    if (!admits_) return 0;
    return Least([&](Int cost) { return largest_us_ < TimeOf(cost + 1); });
  }

 private:
  // The time that `cost` hits take at the rate.
  Fraction TimeOf(Int cost) const {
    return admits_ ? Fraction(cost * spec_.period_us, spec_.limit) : Fraction(0);
  }
  Fraction Ahead() const {
    if (spec_.tolerance_us.has_value()) return Fraction(*spec_.tolerance_us) + TimeOf(1);
    return TimeOf(BurstOf(spec_));
  }
  Fraction Next(Int at, Int cost) const { return std::max(tat_, Fraction(at)) + TimeOf(cost); }

  bool PassesAt(Int at, const Ask& ask) const override {
    if (!admits_) return ask.cost == 0;
    if (Next(at, ask.cost) - Fraction(at) <= ahead_us_) return true;
    return spec_.pay_later && tat_ <= Fraction(at) && TimeOf(ask.cost) <= largest_us_;
  }
  bool IdleAt(Int at) const override { return tat_ <= Fraction(at); }
  void TakeAt(Int at, const Ask& ask) override { tat_ = Next(at, ask.cost); }
  void SettleAt(Int at, const Ask& ask) override {
    tat_ = std::clamp(Next(at, ask.cost), Fraction(at), Fraction(at) + largest_us_ + largest_us_);
  }

  const bool admits_;
  const Fraction ahead_us_;    // how far ahead of the clock a hit may leave the TAT
  const Fraction largest_us_;  // of all single hits that can pass
  Fraction tat_{0};
};

// A token bucket that hands out less the more its hits have cost on average.
class CostBasedTokenBucketModel final : public EverMore<CostBasedTokenBucketModel> {
 public:
  explicit CostBasedTokenBucketModel(const Spec& spec)
      : EverMore(spec),
        burst_(BurstOf(spec)),
        window_(spec.cost_window > 0 ? spec.cost_window : 100),
        least_refill_(spec.min_refill_rate > 0 ? spec.min_refill_rate / 1'000 : 100),
        tokens_(burst_) {}

  Int Largest() const override { return burst_; }

 private:
  // In thousandths of the rate.
  Int Refill() const { return std::max(least_refill_, Floor(Int(1'000) * kMillion, average_)); }
  Fraction Tokens(Int at) const {
    const Fraction refilled((at - since_) * spec_.limit * Refill(), Int(1'000) * spec_.period_us);
    return std::min(Fraction(burst_), tokens_ + refilled);
  }
  // A bucket that is full again forgets what it was asked before.
  void MoveTo(Int at) {
    tokens_ = Tokens(at);
    since_ = at;
    if (tokens_ < Fraction(burst_)) return;
    average_ = kMillion;
    hits_ = 0;
  }
  bool PassesAt(Int at, const Ask& ask) const override { return Fraction(ask.cost) <= Tokens(at); }
  bool IdleAt(Int at) const override { return Fraction(burst_) <= Tokens(at); }
  void TakeAt(Int at, const Ask& ask) override {
    MoveTo(at);
    tokens_ = tokens_ - Fraction(ask.cost);
    ++hits_;
    average_ += Floor(ask.cost * kMillion - average_, std::min(hits_, window_));
  }
  void SettleAt(Int at, const Ask& ask) override {
    MoveTo(at);
    tokens_ = std::clamp(tokens_ - Fraction(ask.cost), Fraction(-burst_), Fraction(burst_));
  }

  const Int burst_;
  const Int window_;
  const Int least_refill_;  // thousandths
  Fraction tokens_;
  Int since_ = 0;
  Int average_ = kMillion;  // millionths
  Int hits_ = 0;            // since it was full
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_BUCKET_H_
