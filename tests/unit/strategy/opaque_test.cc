// The number that watches what a double cannot hold; script_test runs every step with it.
#include "tests/unit/strategy/opaque.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <type_traits>

#include "strategy/number.h"
#include "tests/unit/strategy/case_count.h"

namespace sluice {
namespace {

const ::testing::Environment* const kCaseCount =
    ::testing::AddGlobalTestEnvironment(new CaseCount(2000));

static_assert(std::is_same_v<Truth<Opaque>, OpaqueTruth>);

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
