// The laws against strategies with a bug planted: each must be found by the law that it breaks.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/strategy/laws.h"

namespace sluice {
namespace {

constexpr int kHistories = 50;

const Law& LawNamed(absl::string_view name) {
  return *std::find_if(Laws().begin(), Laws().end(),
                       [&](const Law& law) { return law.name == name; });
}

// How many of the histories show that `plant`ed limits break the law.
template <class Plant>
int Breaches(absl::string_view law, const std::string& strategy, const Plant& plant) {
  const rc::Gen<Case> cases = AnyCase(strategy);
  int breaches = 0;
  for (int i = 0; i < kHistories; ++i) {
    const Case one = cases(rc::Random(static_cast<uint64_t>(i)), rc::kNominalSize).value();
    if (LawNamed(law).breach(plant(*one.spec.Create()), one) != "") ++breaches;
  }
  return breaches;
}

std::string NameOf(const ::testing::TestParamInfo<absl::string_view>& strategy) {
  return std::string(strategy.param);
}

class PlantedBugTest : public ::testing::TestWithParam<absl::string_view> {
 protected:
  template <class Plant>
  void ExpectFound(absl::string_view law, const Plant& plant) {
    const std::string strategy(GetParam());
    EXPECT_EQ(Breaches(law, strategy, &JudgeOf), 0) << "there is no bug yet";
    EXPECT_GT(Breaches(law, strategy, plant), 0) << law << " does not bite";
  }
};

// A bug in what Step tells.
template <class Change>
auto Telling(const Change& change) {
  return [change](const Limit& limit) {
    Judge judge = JudgeOf(limit);
    judge.step = [change, limit](const Registers& cell, int64_t now_us, int64_t cost, bool take) {
      Verdict verdict = limit.Step({cell}, now_us, cost, take);
      change(limit, take, verdict);
      return verdict;
    };
    return judge;
  };
}

TEST_P(PlantedBugTest, ALookThatIsKinderThanAHit) {
  ExpectFound("CheckTellsTheTruth", Telling([](const Limit&, bool take, Verdict& verdict) {
                if (!take) verdict.allowed = true;
              }));
}

TEST_P(PlantedBugTest, AWaitThatIsRoundedDown) {
  const auto rounded = Telling([](const Limit& limit, bool, Verdict& verdict) {
    if (verdict.wait_us > limit.tick_us() && verdict.wait_us != kNever) {
      verdict.wait_us -= limit.tick_us();
    }
  });
  ExpectFound("WaitIsTight", rounded);
  ExpectFound("AgreesWithTheModel", rounded);
}

TEST_P(PlantedBugTest, AWaitThatIsATickTooLong) {
  ExpectFound("WaitIsTight", Telling([](const Limit& limit, bool, Verdict& verdict) {
                if (verdict.wait_us > 0 && verdict.wait_us < kFarOffUs) {
                  verdict.wait_us += limit.tick_us();
                }
              }));
}

TEST_P(PlantedBugTest, ANeverThatComes) {
  ExpectFound("WaitIsTight", Telling([](const Limit&, bool, Verdict& verdict) {
                if (!verdict.allowed) verdict.wait_us = kNever;
              }));
}

TEST_P(PlantedBugTest, ARemainderThatCountsAHitTooMany) {
  ExpectFound("RemainingIsTrue",
              Telling([](const Limit&, bool, Verdict& verdict) { ++verdict.remaining; }));
}

TEST_P(PlantedBugTest, ADenialThatIsCharged) {
  const auto charged = [](const Limit& limit) {
    Judge judge = JudgeOf(limit);
    judge.step = [limit](const Registers& cell, int64_t now_us, int64_t cost, bool take) {
      Verdict verdict = limit.Step({cell}, now_us, cost, take);
      if (take && !verdict.allowed) {
        verdict.registers = limit.Settle({cell}, now_us, cost).registers;
        verdict.taken = true;
      }
      return verdict;
    };
    return judge;
  };
  ExpectFound("DenialCostsNothing", charged);
  ExpectFound("AgreesWithTheModel", charged);
}

TEST_P(PlantedBugTest, AClockThatRunsBackAndIsBelieved) {
  const auto believing = [](const Limit& limit) {
    Judge judge = JudgeOf(limit);
    judge.step = [limit](const Registers& cell, int64_t now_us, int64_t cost, bool take) {
      const bool ran_back = cell[0] > now_us / limit.tick_us();
      return limit.Step({ran_back ? Registers{} : cell}, now_us, cost, take);
    };
    return judge;
  };
  ExpectFound("TimeNeverRunsBack", believing);
  ExpectFound("AgreesWithTheModel", believing);
}

TEST_P(PlantedBugTest, ACounterThatForgetsEverySecondHit) {
  ExpectFound("IsBounded", Telling([](const Limit&, bool, Verdict& verdict) {
                if (verdict.remaining % 2 == 0) verdict.taken = false;
              }));
}

TEST_P(PlantedBugTest, ARefundThatIsLost) {
  const auto losing = [](const Limit& limit) {
    Judge judge = JudgeOf(limit);
    judge.settle = [limit](const Registers& cell, int64_t now_us, int64_t amount) {
      return limit.Settle({cell}, now_us, std::max<int64_t>(amount, 0));
    };
    return judge;
  };
  ExpectFound("SettlingStaysWithinItsBounds", losing);
  ExpectFound("AgreesWithTheModel", losing);
}

TEST_P(PlantedBugTest, ADebitThatIsDroppedWhereItDoesNotFit) {
  const auto dropping = [](const Limit& limit) {
    Judge judge = JudgeOf(limit);
    judge.settle = [limit](const Registers& cell, int64_t now_us, int64_t amount) {
      const Verdict verdict = limit.Settle({cell}, now_us, amount);
      return verdict.allowed ? verdict : limit.Settle({cell}, now_us, 0);
    };
    return judge;
  };
  ExpectFound("SettlingStaysWithinItsBounds", dropping);
  ExpectFound("AgreesWithTheModel", dropping);
}

INSTANTIATE_TEST_SUITE_P(Strategies, PlantedBugTest, ::testing::ValuesIn(StrategyNames()), &NameOf);

}  // namespace
}  // namespace sluice
