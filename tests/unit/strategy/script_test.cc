// The Lua that Redis runs: what it says, and that it says what the native step does.
#include "strategy/script.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "strategy/limit.h"
#include "strategy/recorder.h"
#include "strategy/registry.h"
#include "strategy/rule.h"
#include "tests/unit/strategy/lua_step.h"
#include "tests/unit/strategy/opaque.h"
#include "tests/unit/strategy/random_steps.h"

namespace sluice {
namespace {

static_assert(!std::is_convertible_v<RecordedTruth, bool>);
static_assert(!std::is_constructible_v<bool, RecordedTruth>, "an `if` would compile");

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

// Of each strategy; fewer under a sanitizer.
constexpr int64_t kSteps = SLUICE_SCRIPT_STEPS;

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

template <class S>
class ScriptTest : public ::testing::Test {
 protected:
  // How many of so many random steps the script and the native step tell differently. Says what the
  // first one was.
  static int64_t Differences(const std::string& script, int64_t steps, uint64_t seed) {
    LuaStep<S> lua(script);
    RandomSteps<S> random(seed);
    int64_t differences = 0;
    for (int64_t i = 0; i < steps; ++i) {
      const RandomStep step = random.Next();
      const Verdict native = Native(step);
      const std::string difference = lua.Compare(step, native);
      if (!difference.empty() && differences++ == 0) {
        std::cout << S::kName << ": " << difference << "\n  " << step.ToString() << "\n";
      }
      random.Store(step, native);
    }
    return differences;
  }

  static Verdict Native(const RandomStep& step) {
    if constexpr (HasLog<S>) {
      const LogCell cell{step.state, step.tag};
      return step.settles ? S::Settle(cell, step.in) : S::Step(cell, step.in);
    } else {
      const auto cell = ToCell<S::kRegisters>(step.state.registers);
      return ToVerdict(step.settles ? S::Settle(cell, step.in) : S::Step(cell, step.in));
    }
  }
};

TYPED_TEST_SUITE(ScriptTest, TypesOf<Strategies>::Type, StrategyName);

// SLUICE_UPDATE_GOLDENS in the environment writes them anew.
TYPED_TEST(ScriptTest, IsTheOneThatStandsInTheRepository) {
  const std::string path =
      absl::StrCat(SLUICE_SOURCE_DIR, "/tests/golden/lua/", std::string(TypeParam::kName), ".lua");
  const std::string script = LuaOf(TypeParam::kName);
  if (std::getenv("SLUICE_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << script;
  std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(script, golden.str()) << path;
}

TYPED_TEST(ScriptTest, DoesWhatTheNativeStepDoes) {
  EXPECT_EQ(this->Differences(LuaOf(TypeParam::kName), kSteps, 1), 0);
  std::cout << TypeParam::kName << ": " << kSteps << " steps in Lua and natively\n";
}

// What a slip of the recorder, or of who writes the Lua of a log, would look like.
TYPED_TEST(ScriptTest, APlantedSlipIsFound) {
  const std::string script = LuaOf(TypeParam::kName);
  const std::vector<std::pair<const char*, const char*>> slips = {
      {"floor(", "("},                                            // a division that is not rounded
      {" % ", " / "},                                             // nor a remainder
      {"entry_at > at - t.period", "entry_at >= at - t.period"},  // an entry that stays too long
      {"queue.sum - backlog", "queue.sum"}};
  int64_t planted = 0;
  for (const auto& [right, wrong] : slips) {
    const std::string slipped = absl::StrReplaceAll(script, {{right, wrong}});
    if (slipped == script) continue;
    ++planted;
    EXPECT_GT(this->Differences(slipped, 20'000, 2), 0) << right;
  }
  EXPECT_GT(planted, 0);
}

// Every sum and product is a whole number of at most 2^53, as Lua needs it.
TYPED_TEST(ScriptTest, NeedsNoNumberThatADoubleCannotHold) {
  if constexpr (!HasLog<TypeParam>) {
    RandomSteps<TypeParam> random(3);
    for (int64_t i = 0; i < kSteps; ++i) {
      const RandomStep step = random.Next();
      const auto cell = Hidden(ToCell<TypeParam::kRegisters>(step.state.registers));
      const Inputs<Opaque> in = Hidden(step.in);
      const int inexact = Opaque::Inexact();
      const auto hidden = step.settles ? TypeParam::Settle(cell, in) : TypeParam::Step(cell, in);
      ASSERT_EQ(Opaque::Inexact(), inexact) << step.ToString();
      const Verdict native = this->Native(step);
      ASSERT_EQ(hidden.allowed.Revealed(), native.allowed) << step.ToString();
      ASSERT_EQ(hidden.wait.Revealed(), native.wait_us) << step.ToString();
      random.Store(step, native);
    }
  }
}

TEST(ScriptTest, OfAnUnknownStrategyIsEmpty) { EXPECT_EQ(LuaOf("nonsense"), ""); }

}  // namespace
}  // namespace sluice
