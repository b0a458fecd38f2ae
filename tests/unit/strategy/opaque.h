// A number that a step can compute with but cannot look at, as the one that records Lua will be.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_OPAQUE_H_
#define SLUICE_TESTS_UNIT_STRATEGY_OPAQUE_H_

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace sluice {

// The outcome of a comparison. Only And, Or and Select take it: an `if` on it does not compile.
class OpaqueTruth {
 public:
  explicit OpaqueTruth(bool value) : value_(value) {}

  friend OpaqueTruth And(const OpaqueTruth& a, const OpaqueTruth& b) {
    return OpaqueTruth(a.value_ && b.value_);
  }
  friend OpaqueTruth Or(const OpaqueTruth& a, const OpaqueTruth& b) {
    return OpaqueTruth(a.value_ || b.value_);
  }
  // For the test, at the end.
  bool Revealed() const { return value_; }

 private:
  bool value_;
};

static_assert(!std::is_convertible_v<OpaqueTruth, bool>);
static_assert(!std::is_constructible_v<bool, OpaqueTruth>, "an `if` would compile");

// Lua's number: a double, of which everything that was computed is watched. Inexact() tells whether
// any value was not a whole number of at most 2^53, the largest up to which doubles count.
class Opaque {
 public:
  explicit Opaque(int64_t value) : Opaque(Watched(static_cast<double>(value))) {}

  friend Opaque operator+(const Opaque& a, const Opaque& b) { return Watched(a.value_ + b.value_); }
  friend Opaque operator-(const Opaque& a, const Opaque& b) { return Watched(a.value_ - b.value_); }
  friend Opaque operator*(const Opaque& a, const Opaque& b) { return Watched(a.value_ * b.value_); }
  friend OpaqueTruth operator==(const Opaque& a, const Opaque& b) {
    return OpaqueTruth(a.value_ == b.value_);
  }
  friend OpaqueTruth operator<(const Opaque& a, const Opaque& b) {
    return OpaqueTruth(a.value_ < b.value_);
  }
  friend OpaqueTruth operator<=(const Opaque& a, const Opaque& b) {
    return OpaqueTruth(a.value_ <= b.value_);
  }
  friend OpaqueTruth operator>(const Opaque& a, const Opaque& b) { return b < a; }
  friend OpaqueTruth operator>=(const Opaque& a, const Opaque& b) { return b <= a; }

  friend Opaque Select(const OpaqueTruth& condition, const Opaque& then, const Opaque& otherwise) {
    return condition.Revealed() ? then : otherwise;
  }
  friend Opaque Min(const Opaque& a, const Opaque& b) { return Select(a < b, a, b); }
  friend Opaque Max(const Opaque& a, const Opaque& b) { return Select(b < a, a, b); }
  friend Opaque FloorDiv(const Opaque& a, const Opaque& b) {
    return Watched(std::floor(a.value_ / b.value_));
  }
  friend Opaque CeilDiv(const Opaque& a, const Opaque& b) {
    return Watched(std::ceil(a.value_ / b.value_));
  }
  friend Opaque Mod(const Opaque& a, const Opaque& b) {
    return Watched(a.value_ - std::floor(a.value_ / b.value_) * b.value_);
  }

  // For the test, at the end.
  int64_t Revealed() const { return static_cast<int64_t>(value_); }
  // How many numbers were inexact since the start of the process, on this thread.
  static int Inexact() { return inexact_; }

 private:
  struct Checked {
    double value;
  };
  static Checked Watched(double value) {
    if (value != std::floor(value) || std::fabs(value) > kLargestExact) ++inexact_;
    return {value};
  }
  Opaque(Checked checked) : value_(checked.value) {}

  static constexpr double kLargestExact = 9007199254740992.0;  // 2^53
  static inline thread_local int inexact_ = 0;

  double value_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_OPAQUE_H_
