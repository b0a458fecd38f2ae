// Every law against every strategy with a bug planted: each must be found by the law that it
// breaks.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/strategy/planted.h"

namespace sluice {
namespace {

class PlantedBugTest : public ::testing::TestWithParam<absl::string_view> {
 protected:
  static void ExpectFoundBy(absl::string_view law, const Plant& plant) {
    ExpectFound(law, GetParam(), plant);
  }
};

TEST_P(PlantedBugTest, ALookThatIsKinderThanAHit) {
  ExpectFoundBy("CheckTellsTheTruth", Telling([](const Spec&, bool take, Verdict& verdict) {
                  if (!take) verdict.allowed = true;
                }));
}

TEST_P(PlantedBugTest, AWaitThatIsRoundedDown) {
  const Plant rounded = Telling([](const Spec& spec, bool, Verdict& verdict) {
    if (verdict.wait_us > spec.tick_us && verdict.wait_us != kNever) {
      verdict.wait_us -= spec.tick_us;
    }
  });
  ExpectFoundBy("WaitIsTight", rounded);
  ExpectFoundBy("AgreesWithTheModel", rounded);
}

TEST_P(PlantedBugTest, AWaitThatIsATickTooLong) {
  ExpectFoundBy("WaitIsTight", Telling([](const Spec& spec, bool, Verdict& verdict) {
                  if (verdict.wait_us > 0 && verdict.wait_us < kFarOffUs) {
                    verdict.wait_us += spec.tick_us;
                  }
                }));
}

TEST_P(PlantedBugTest, ANeverThatComes) {
  ExpectFoundBy("WaitIsTight", Telling([](const Spec&, bool, Verdict& verdict) {
                  if (!verdict.allowed) verdict.wait_us = kNever;
                }));
}

TEST_P(PlantedBugTest, ARemainderThatCountsAHitTooMany) {
  ExpectFoundBy("RemainingIsTrue",
                Telling([](const Spec&, bool, Verdict& verdict) { ++verdict.remaining; }));
}

TEST_P(PlantedBugTest, ADenialThatIsCharged) {
  const Plant charged = [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.step = [honest = judge](const Counter& counter, int64_t now_us, int64_t cost, bool take,
                                  const std::string& label) {
      Verdict verdict = honest.step(counter, now_us, cost, take, label);
      if (take && !verdict.allowed) {
        const Verdict settled = honest.settle(counter, now_us, cost, label);
        verdict.registers = settled.registers;
        verdict.edit = settled.edit;
        verdict.changes = true;
      }
      return verdict;
    };
    return judge;
  };
  ExpectFoundBy("DenialCostsNothing", charged);
  ExpectFoundBy("AgreesWithTheModel", charged);
}

// Whether the counter holds a time that is still to come.
bool IsBehind(const Spec& spec, const Counter& counter, int64_t now_us) {
  const int64_t now = now_us / spec.tick_us;
  const auto& entries = counter.log.entries();
  if (!entries.empty() && entries.back().at > now) return true;
  return std::any_of(counter.registers.begin(), counter.registers.end(),
                     [now](int64_t each) { return each > now; });
}

TEST_P(PlantedBugTest, AClockThatRunsBackAndIsBelieved) {
  const Plant believing = [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.step = [spec, step = judge.step](const Counter& counter, int64_t now_us, int64_t cost,
                                           bool take, const std::string& label) {
      const bool look_only = IsBehind(spec, counter, now_us);
      Verdict verdict =
          step(look_only ? Counter{} : counter, now_us, cost, take && !look_only, label);
      verdict.taken = take && verdict.allowed;
      return verdict;
    };
    return judge;
  };
  ExpectFoundBy("TimeNeverRunsBack", believing);
  ExpectFoundBy("AgreesWithTheModel", believing);
}

TEST_P(PlantedBugTest, ACounterThatForgetsItsHits) {
  ExpectFoundBy("IsBounded",
                Telling([](const Spec&, bool, Verdict& verdict) { verdict.changes = false; }));
}

TEST_P(PlantedBugTest, ARefundThatIsLost) {
  const Plant losing = [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.settle = [settle = judge.settle](const Counter& counter, int64_t now_us, int64_t amount,
                                           const std::string& label) {
      return settle(counter, now_us, std::max<int64_t>(amount, 0), label);
    };
    return judge;
  };
  // An adaptive limit stays lowered when all is refunded, so only the model tells.
  if (GetParam() != "adaptive_throttle") ExpectFoundBy("SettlingStaysWithinItsBounds", losing);
  ExpectFoundBy("AgreesWithTheModel", losing);
}

TEST_P(PlantedBugTest, ADebitThatIsDroppedWhereItDoesNotFit) {
  const Plant dropping = [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.settle = [settle = judge.settle](const Counter& counter, int64_t now_us, int64_t amount,
                                           const std::string& label) {
      const Verdict verdict = settle(counter, now_us, amount, label);
      return verdict.allowed ? verdict : settle(counter, now_us, 0, label);
    };
    return judge;
  };
  ExpectFoundBy("SettlingStaysWithinItsBounds", dropping);
  ExpectFoundBy("AgreesWithTheModel", dropping);
}

INSTANTIATE_TEST_SUITE_P(Strategies, PlantedBugTest, ::testing::ValuesIn(StrategyNames()),
                         [](const auto& strategy) { return std::string(strategy.param); });

}  // namespace
}  // namespace sluice
