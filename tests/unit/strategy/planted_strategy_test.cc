// Bugs that only one strategy can have, each found by a law or by the model.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "tests/unit/strategy/planted.h"

namespace sluice {
namespace {

// The limit that comes of a change to what was configured.
template <class Change>
Plant ConfiguredAs(const Change& change) {
  return [change](Spec spec) {
    change(spec);
    return JudgeOf(*spec.Create());
  };
}

// The right step, on another instant, counter or label than it was given.
using Twist =
    std::function<void(const Spec& spec, Counter& counter, int64_t& now_us, std::string& label)>;

Plant Twisted(const Twist& twist) {
  return [twist](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.step = [twist, spec, step = judge.step](Counter counter, int64_t now_us, int64_t cost,
                                                  bool take, std::string label) {
      twist(spec, counter, now_us, label);
      return step(counter, now_us, cost, take, label);
    };
    return judge;
  };
}

// What the strategies with count_denied share.
class CountDeniedTest : public ::testing::TestWithParam<absl::string_view> {};

TEST_P(CountDeniedTest, ADenialThatDoesNotCount) {
  ExpectFound("AgreesWithTheModel", GetParam(),
              ConfiguredAs([](Spec& spec) { spec.count_denied = false; }));
}

TEST_P(CountDeniedTest, ADenialThatCountsUnasked) {
  const Plant counting = ConfiguredAs([](Spec& spec) { spec.count_denied = true; });
  ExpectFound("DenialCostsNothing", GetParam(), counting);
  ExpectFound("AgreesWithTheModel", GetParam(), counting);
}

// A plain window's wait is to its end, whatever it holds; these have others.
class CountDeniedWaitTest : public ::testing::TestWithParam<absl::string_view> {};

TEST_P(CountDeniedWaitTest, AWaitAsItWasBeforeTheDenialCounted) {
  const Plant forgetful = [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    Spec lenient = spec;
    lenient.count_denied = false;
    judge.step = [step = judge.step, before = WithoutABug(lenient).step](
                     const Counter& counter, int64_t now_us, int64_t cost, bool take,
                     const std::string& label) {
      Verdict verdict = step(counter, now_us, cost, take, label);
      verdict.wait_us = before(counter, now_us, cost, take, label).wait_us;
      return verdict;
    };
    return judge;
  };
  ExpectFound("WaitIsTight", GetParam(), forgetful);
  ExpectFound("AgreesWithTheModel", GetParam(), forgetful);
}

INSTANTIATE_TEST_SUITE_P(Strategies, CountDeniedTest,
                         ::testing::Values("fixed_window", "sliding_window_counter",
                                           "sliding_window_log", "tiered_rate", "time_of_day"),
                         [](const auto& strategy) { return std::string(strategy.param); });

INSTANTIATE_TEST_SUITE_P(Strategies, CountDeniedWaitTest,
                         ::testing::Values("sliding_window_counter", "sliding_window_log",
                                           "time_of_day"),
                         [](const auto& strategy) { return std::string(strategy.param); });

TEST(PlantedFixedWindowTest, AWindowThatIsNotAlignedToTheEpoch) {
  ExpectFound("AgreesWithTheModel", "fixed_window",
              Twisted([](const Spec& spec, Counter&, int64_t& now_us, std::string&) {
                now_us += spec.period_us / 2;
              }));
}

TEST(PlantedSlidingWindowCounterTest, AWaitThatIgnoresTheNextWindow) {
  const auto to_the_edge = [](const Spec& spec, bool, Verdict& verdict) {
    const int64_t edge_us = spec.period_us - verdict.now_us % spec.period_us;
    if (verdict.wait_us != kNever) verdict.wait_us = std::min(verdict.wait_us, edge_us);
  };
  ExpectFound("WaitIsTight", "sliding_window_counter", Telling(to_the_edge));
  ExpectFound("AgreesWithTheModel", "sliding_window_counter", Telling(to_the_edge));
}

TEST(PlantedSlidingWindowCounterTest, AWindowBeforeThatIsForgotten) {
  const Plant forgetful = Twisted([](const Spec&, Counter& counter, int64_t&, std::string&) {
    constexpr size_t kPrevious = 2;
    counter.registers[kPrevious] = 0;
  });
  ExpectFound("AgreesWithTheModel", "sliding_window_counter", forgetful);
}

// Of a log of one class: the number of entries and the sum of their costs stand beside it.
void Evict(Counter& counter) {
  constexpr size_t kCount = 1;
  constexpr size_t kSum = 2;
  counter.registers[kCount] -= 1;
  counter.registers[kSum] -= counter.log.entries().front().cost;
  LogEdit edit;
  edit.drop_oldest = 1;
  counter.log.Apply(edit);
}

TEST(PlantedSlidingWindowLogTest, AFullLogThatForgetsItsOldestEntryForANewOne) {
  const Plant evicting = [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.step = [spec, step = judge.step](const Counter& found, int64_t now_us, int64_t cost,
                                           bool take, const std::string& label) {
      Counter counter = found;
      const bool full = spec.max_entries > 0 &&
                        counter.log.entries().size() == static_cast<size_t>(spec.max_entries);
      if (full) Evict(counter);
      Verdict verdict = step(counter, now_us, cost, take, label);
      if (full && verdict.changes) ++verdict.edit.drop_oldest;
      return verdict;
    };
    return judge;
  };
  ExpectFound("IsBounded", "sliding_window_log", evicting);
  ExpectFound("AgreesWithTheModel", "sliding_window_log", evicting);
}

TEST(PlantedSlidingWindowLogTest, ALogThatIsNeverFull) {
  const Plant endless = ConfiguredAs([](Spec& spec) { spec.max_entries = 100'000; });
  for (const char* strategy : {"sliding_window_log", "priority_queue"}) {
    ExpectFound("LogIsInOrder", strategy, endless);
    ExpectFound("AgreesWithTheModel", strategy, endless);
  }
}

TEST(PlantedLogTest, AnEntryOfAnEarlierTime) {
  const Plant antedated =
      Telling([](const Spec&, bool, Verdict& verdict) { verdict.edit.add.at -= 1; });
  for (const char* strategy : {"sliding_window_log", "priority_queue", "leaky_bucket_with_queue"}) {
    ExpectFound("LogIsInOrder", strategy, antedated);
  }
}

TEST(PlantedTokenBucketTest, ABucketThatStartsEmpty) {
  ExpectFound("AgreesWithTheModel", "token_bucket", [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.step = [spec, honest = judge](Counter counter, int64_t now_us, int64_t cost, bool take,
                                        const std::string& label) {
      if (counter.registers == Registers{}) {
        const int64_t burst = spec.burst > 0 ? spec.burst : spec.limit;
        counter.Apply(honest.settle(counter, now_us, burst, label));
      }
      return honest.step(counter, now_us, cost, take, label);
    };
    return judge;
  });
}

TEST(PlantedTokenBucketWithDebtTest, ADebtThatIsNotGranted) {
  ExpectFound("AgreesWithTheModel", "token_bucket_with_debt", ConfiguredAs([](Spec& spec) {
                spec.strategy = "token_bucket";
                spec.max_debt = 0;
              }));
}

TEST(PlantedLeakyBucketTest, ABucketThatLeaksByWholeHits) {
  ExpectFound("AgreesWithTheModel", "leaky_bucket",
              Twisted([](const Spec& spec, Counter&, int64_t& now_us, std::string&) {
                now_us -= now_us %
                          std::max<int64_t>(spec.period_us / std::max<int64_t>(spec.limit, 1), 1);
              }));
}

TEST(PlantedLeakyBucketWithQueueTest, AQueueThatDeniesWhenItIsFull) {
  ExpectFound("AgreesWithTheModel", "leaky_bucket_with_queue", [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.step = [spec, step = judge.step](const Counter& counter, int64_t now_us, int64_t cost,
                                           bool take, const std::string& label) {
      const size_t queued = counter.log.entries().size();
      const bool full = spec.max_entries > 0 && queued >= static_cast<size_t>(spec.max_entries);
      Verdict verdict = step(counter, now_us, cost, take && !full, label);
      verdict.allowed = verdict.allowed && !full;
      return verdict;
    };
    return judge;
  });
}

TEST(PlantedGcraTest, AnOversizeHitThatPassesUnasked) {
  const Plant generous = ConfiguredAs([](Spec& spec) { spec.pay_later = true; });
  ExpectFound("IsBounded", "gcra", generous);
  ExpectFound("AgreesWithTheModel", "gcra", generous);
}

TEST(PlantedTieredRateTest, TiersThatShareAClamp) {
  ExpectFound("AgreesWithTheModel", "tiered_rate", [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.split = [](const std::string&) { return std::string(); };
    return judge;
  });
}

TEST(PlantedTieredRateTest, AnUnknownTierThatIsTheFirst) {
  ExpectFound("AgreesWithTheModel", "tiered_rate",
              Twisted([](const Spec& spec, Counter&, int64_t&, std::string& label) {
                if (label == "nobody") label = spec.tiers.front().name;
              }));
}

TEST(PlantedAdaptiveThrottleTest, ALimitThatIsReducedTwiceAWindow) {
  ExpectFound("AgreesWithTheModel", "adaptive_throttle",
              Twisted([](const Spec&, Counter& counter, int64_t&, std::string&) {
                constexpr size_t kReduced = 3;
                counter.registers[kReduced] = 0;
              }));
}

TEST(PlantedAdaptiveThrottleTest, AWaitThatForgetsTheRecovery) {
  const auto to_the_edge = [](const Spec& spec, bool, Verdict& verdict) {
    const int64_t edge_us = spec.period_us - verdict.now_us % spec.period_us;
    if (verdict.wait_us != kNever) verdict.wait_us = std::min(verdict.wait_us, edge_us);
  };
  ExpectFound("WaitIsTight", "adaptive_throttle", Telling(to_the_edge));
}

TEST(PlantedPriorityQueueTest, LowerPrioritiesThatCount) {
  ExpectFound("AgreesWithTheModel", "priority_queue",
              Twisted([](const Spec&, Counter&, int64_t&, std::string& label) { label = "low"; }));
}

TEST(PlantedPriorityQueueTest, AHardLimitThatIsForgotten) {
  const Plant soft = ConfiguredAs([](Spec& spec) { spec.hard_limit = 0; });
  ExpectFound("IsBounded", "priority_queue", soft);
  ExpectFound("AgreesWithTheModel", "priority_queue", soft);
}

TEST(PlantedQuotaWithRolloverTest, ARolloverThatRollsAgain) {
  const Plant rolling = Twisted([](const Spec& spec, Counter& counter, int64_t&, std::string&) {
    constexpr size_t kPrevious = 2;
    const int64_t rolled = spec.limit * spec.rollover_percentage.value_or(kMillion / 2) / kMillion;
    counter.registers[kPrevious] = std::max<int64_t>(counter.registers[kPrevious] - rolled, 0);
  });
  ExpectFound("AgreesWithTheModel", "quota_with_rollover", rolling);
}

TEST(PlantedTimeOfDayTest, AnHourThatIsThatOfUtc) {
  ExpectFound("AgreesWithTheModel", "time_of_day",
              ConfiguredAs([](Spec& spec) { spec.timezone = "UTC"; }));
}

TEST(PlantedTimeOfDayTest, AWaitToTheEdgeThatMissesTheHour) {
  const auto to_the_edge = [](const Spec& spec, bool, Verdict& verdict) {
    const int64_t edge_us = spec.period_us - verdict.now_us % spec.period_us;
    if (verdict.wait_us > 0 && verdict.wait_us != kNever) verdict.wait_us = edge_us;
  };
  ExpectFound("WaitIsTight", "time_of_day", Telling(to_the_edge));
}

TEST(PlantedCostBasedTokenBucketTest, AnAverageThatIsTruncatedAndNotFloored) {
  constexpr size_t kAverage = 2;
  constexpr size_t kHits = 3;
  const Plant truncating = [](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.step = [step = judge.step](const Counter& counter, int64_t now_us, int64_t cost,
                                     bool take, const std::string& label) {
      Verdict verdict = step(counter, now_us, cost, take, label);
      if (!verdict.taken) return verdict;
      const int64_t fell = counter.registers[kAverage] - cost * kMillion;
      const int64_t hits = verdict.registers[kHits];
      if (hits > 1 && fell > 0 && fell % hits != 0) ++verdict.registers[kAverage];
      return verdict;
    };
    return judge;
  };
  ExpectFound("AgreesWithTheModel", "cost_based_token_bucket", truncating);
}

// What a settlement moves that it must leave alone.
Plant SettlingMoves(size_t kept, int64_t by) {
  return [kept, by](const Spec& spec) {
    Judge judge = WithoutABug(spec);
    judge.settle = [kept, by, settle = judge.settle](const Counter& counter, int64_t now_us,
                                                     int64_t amount, const std::string& label) {
      Verdict verdict = settle(counter, now_us, amount, label);
      if (amount > 0) verdict.registers[kept] = std::max<int64_t>(verdict.registers[kept] + by, 1);
      return verdict;
    };
    return judge;
  };
}

TEST(PlantedCostBasedTokenBucketTest, ADebitThatMovesTheAverage) {
  constexpr size_t kAverage = 2;
  ExpectFound("AgreesWithTheModel", "cost_based_token_bucket",
              SettlingMoves(kAverage, 3 * kMillion));
}

TEST(PlantedAdaptiveThrottleTest, ADebitThatReducesTheLimit) {
  constexpr size_t kEffective = 2;
  ExpectFound("AgreesWithTheModel", "adaptive_throttle", SettlingMoves(kEffective, -1));
}

}  // namespace
}  // namespace sluice
