// What a strategy means: plain, slow textbook models to hold the real steps against.
//
// They share no formula with server/strategy. They work in microseconds and exact fractions, and
// only know a few things: whether a cost passes, how to take it, how to settle, what a denial that
// counts leaves behind, and whether the counter is as if never used. Waits, remaining hits and
// resets are found from these by search, so that they mean what the contract says by definition.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_MODEL_H_
#define SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_MODEL_H_

#include <algorithm>
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

// Towards minus infinity; `under` is above 0.
inline Int Floor(Int over, Int under) {
  const Int towards_zero = over / under;
  return towards_zero * under > over ? towards_zero - 1 : towards_zero;
}

// The whole part of so many millionths of `amount`.
inline Int Share(Int amount, Int millionths) { return Floor(amount * millionths, kMillion); }

// Who asks for how much.
struct Ask {
  Int cost;
  int priority;  // 0 where a strategy has none
};

// One counter under one limit. Times are microseconds since the epoch.
class Model {
 public:
  explicit Model(const Spec& spec) : spec_(spec) {}
  virtual ~Model() = default;
  virtual std::unique_ptr<Model> Clone() const = 0;

  bool CountsDenied() const { return spec_.count_denied; }
  bool Passes(Int us, const Ask& ask) const { return PassesAt(KeyTime(us), ask); }
  bool Idle(Int us) const { return IdleAt(KeyTime(us)); }
  // Whether a debit stays within the limit.
  bool Fits(Int us, const Ask& ask) const { return FitsAt(KeyTime(us), ask); }
  void Take(Int us, const Ask& ask) {
    last_ = KeyTime(us);
    TakeAt(last_, ask);
  }
  // The amount is signed.
  void Settle(Int us, const Ask& ask) {
    last_ = KeyTime(us);
    SettleAt(last_, ask);
  }
  // A hit that did not pass: nothing comes of it unless the limit counts what it denied.
  void Deny(Int us, const Ask& ask) {
    const Int at = KeyTime(us);
    if (!spec_.count_denied || ask.cost > LimitAt(at)) return;
    last_ = at;
    DenyAt(at, ask);
  }

  // The largest cost that can pass at any time in any state.
  virtual Int Largest() const = 0;
  // From `us` to the first instant at which what is asked passes, if there is any.
  virtual absl::optional<Int> UntilItPasses(Int us, const Ask& ask) const = 0;

 protected:
  Model(const Model&) = default;

  virtual bool PassesAt(Int at, const Ask& ask) const = 0;
  virtual bool FitsAt(Int at, const Ask& ask) const { return PassesAt(at, ask); }
  virtual bool IdleAt(Int at) const = 0;
  virtual void TakeAt(Int at, const Ask& ask) = 0;
  virtual void SettleAt(Int at, const Ask& ask) = 0;
  virtual void DenyAt(Int, const Ask&) {}
  // The limit in force, above which a denied hit does not count.
  virtual Int LimitAt(Int) const { return spec_.limit; }

  // Law 5: the clock in whole ticks, but never before the last admitted hit.
  Int KeyTime(Int us) const { return std::max(us - us % spec_.tick_us, last_); }

  const Spec spec_;

 private:
  Int last_ = 0;
};

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

inline Int RemainingOf(const Model& model, Int us, int priority) {
  return Least([&](Int cost) { return !model.Passes(us, {cost + 1, priority}); });
}

inline Int ResetOf(const Model& model, Int us) {
  return Least([&](Int wait) { return model.Idle(us + wait); });
}

// As it is after the denial, if that counts. nullopt: never.
inline absl::optional<Int> WaitOf(const Model& model, Int us, const Ask& ask) {
  if (!model.CountsDenied()) return model.UntilItPasses(us, ask);
  const std::unique_ptr<Model> denied = model.Clone();
  denied->Deny(us, ask);
  return denied->UntilItPasses(us, ask);
}

// What all models share that only ever let more pass as time goes by.
template <class M>
class EverMore : public Model {
 public:
  using Model::Model;

  std::unique_ptr<Model> Clone() const override {
    return std::make_unique<M>(static_cast<const M&>(*this));
  }
  // Never, when not even an unused counter lets it pass.
  absl::optional<Int> UntilItPasses(Int us, const Ask& ask) const override {
    if (!Passes(us + ResetOf(*this, us), ask)) return absl::nullopt;
    return Least([&](Int wait) { return Passes(us + wait, ask); });
  }
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_REFERENCE_MODEL_H_
