// Every step is translatable to Lua: it compiles for a number without a conversion to bool, and
// computes the same in doubles.
#include "tests/unit/strategy/opaque.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <tuple>
#include <type_traits>

#include "strategy/registry.h"
#include "tests/unit/strategy/case_count.h"
#include "tests/unit/strategy/spec.h"

namespace sluice {
namespace {

const ::testing::Environment* const kCaseCount =
    ::testing::AddGlobalTestEnvironment(new CaseCount(2000));

static_assert(std::is_same_v<Truth<Opaque>, OpaqueTruth>);

Inputs<Opaque> Hidden(const Inputs<int64_t>& in) {
  const Terms<int64_t>& t = in.terms;
  const auto own = [](auto... term) { return std::array<Opaque, kOwnTerms>{Opaque(term)...}; };
  return {Opaque(in.now),
          Opaque(in.cost),
          Opaque(in.take),
          {Opaque(t.limit), Opaque(t.period), Opaque(t.capacity), Opaque(t.most),
           Opaque(t.count_denied), std::apply(own, t.own)}};
}

template <int K>
Cell<Opaque, K> Hidden(const Cell<int64_t, K>& cell) {
  return std::apply([](auto... reg) { return Cell<Opaque, K>{{Opaque(reg)...}}; }, cell.reg);
}

template <int K>
void AssertSame(const StepResult<int64_t, K>& native, const StepResult<Opaque, K>& hidden) {
  RC_ASSERT(hidden.allowed.Revealed() == native.allowed);
  RC_ASSERT(hidden.changes.Revealed() == native.changes);
  RC_ASSERT(hidden.remaining.Revealed() == native.remaining);
  RC_ASSERT(hidden.wait.Revealed() == native.wait);
  RC_ASSERT(hidden.reset.Revealed() == native.reset);
  for (size_t i = 0; i < K; ++i) {
    RC_ASSERT(hidden.cell.reg[i].Revealed() == native.cell.reg[i]);
  }
}

// A wait is at most the gap behind a clock that ran back and the time in which a full debt drains.
// The second alone may reach 2^53 ticks, 285 years of microseconds; a jump on top of that is the
// one sum that a double may round.
bool MayWaitForCenturies(const Terms<int64_t>& terms) {
  if (terms.capacity == 0) return false;
  return std::max(terms.capacity, terms.most * terms.period) / terms.limit > kMaxAmount / 4;
}

template <class S>
class OpaqueTest : public ::testing::Test {};

template <class Tuple>
struct TypesOf;
template <class... S>
struct TypesOf<std::tuple<S...>> {
  using Type = ::testing::Types<S...>;
};

struct StrategyName {
  template <class S>
  static std::string GetName(int) {
    return std::string(S::kName);
  }
};

TYPED_TEST_SUITE(OpaqueTest, TypesOf<Strategies>::Type, StrategyName);

TYPED_TEST(OpaqueTest, StepsAndSettlesInDoublesAsInIntegers) {
  constexpr int kRegisters = TypeParam::kRegisters;
  const bool holds = rc::check([&] {
    const Case one = *AnyCase(std::string(TypeParam::kName));
    const Limit limit = *one.spec.Create();
    const bool forward = MayWaitForCenturies(limit.terms());
    Cell<int64_t, kRegisters> cell{};
    int64_t now_us = one.start_us;
    for (const Event& event : one.events) {
      now_us += forward ? std::llabs(event.by_us) : event.by_us;
      now_us = std::clamp<int64_t>(now_us, 0, kMaxAmount);
      const Inputs<int64_t> in{now_us / limit.tick_us(), event.amount,
                               event.kind == Kind::kLook ? 0 : 1, limit.terms()};
      const bool settles = event.kind == Kind::kSettle;
      const auto native = settles ? TypeParam::Settle(cell, in) : TypeParam::Step(cell, in);
      const int inexact = Opaque::Inexact();
      AssertSame<kRegisters>(native, settles ? TypeParam::Settle(Hidden(cell), Hidden(in))
                                             : TypeParam::Step(Hidden(cell), Hidden(in)));
      RC_ASSERT(Opaque::Inexact() == inexact);
      if (settles || (native.allowed && in.take == 1)) cell = native.cell;
    }
  });
  EXPECT_TRUE(holds);
}

TEST(OpaqueSelfTest, SeesWhatADoubleCannotHold) {
  const Opaque largest(int64_t{1} << 53);
  const int before = Opaque::Inexact();
  EXPECT_EQ((largest - Opaque(1)).Revealed(), (int64_t{1} << 53) - 1);
  EXPECT_EQ(Opaque::Inexact(), before);
  EXPECT_EQ((largest + Opaque(2)).Revealed(), (int64_t{1} << 53) + 2);
  EXPECT_EQ(Opaque::Inexact(), before + 1);
  EXPECT_EQ(FloorDiv(Opaque(7), Opaque(2)).Revealed(), 3);
  EXPECT_EQ(CeilDiv(Opaque(7), Opaque(2)).Revealed(), 4);
  EXPECT_EQ(Mod(Opaque(7), Opaque(2)).Revealed(), 1);
  EXPECT_EQ(Opaque::Inexact(), before + 1);
}

RC_GTEST_PROP(OpaqueSelfTest, DividesAsIntegersDo, ()) {
  const int64_t a = *rc::gen::inRange<int64_t>(0, int64_t{1} << 53);
  const int64_t b = *rc::gen::oneOf(rc::gen::inRange<int64_t>(1, int64_t{1} << 53),
                                    rc::gen::inRange<int64_t>(1, 1'000));
  const int64_t near = *rc::gen::inRange<int64_t>(-1, 2) + a / b * b;
  const int64_t over = near < 0 ? a : near;
  RC_ASSERT(FloorDiv(Opaque(over), Opaque(b)).Revealed() == FloorDiv(over, b));
  RC_ASSERT(CeilDiv(Opaque(over), Opaque(b)).Revealed() == CeilDiv(over, b));
  RC_ASSERT(Mod(Opaque(over), Opaque(b)).Revealed() == Mod(over, b));
}

}  // namespace
}  // namespace sluice
