// What every backend must do (core/charge.h). It knows no backend by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/mutex.h"
#include "core/rate.h"
#include "tests/conformance/backends.h"
#include "tests/conformance/counters.h"
#include "tests/fakes/awaited_decision.h"

namespace sluice {
namespace {

class BackendConformance : public testing::TestWithParam<BackendFactory> {
 protected:
  std::vector<Verdict> Decide(std::vector<Charge> charges) {
    AwaitedDecision decision(std::move(charges), now_us_);
    backend_->Decide(decision);
    EXPECT_EQ(decision.Wait(), absl::OkStatus());
    return decision.verdicts_told();
  }
  Verdict Decide(const CounterKey& key, const Limit& limit, int64_t amount, Mode mode) {
    return Decide({{key, limit, amount, mode}})[0];
  }
  Verdict Take(const CounterKey& key, const Limit& limit, int64_t amount) {
    return Decide(key, limit, amount, Mode::kTake);
  }
  // What is left of a counter.
  int64_t Remaining(const CounterKey& key, const Limit& limit) {
    return Decide(key, limit, 1, Mode::kLook).remaining;
  }

  const Limit ten_ = LimitOf("fixed_window", "10/day");
  const Limit three_ = LimitOf("fixed_window", "3/day");
  const CounterKey a_ = KeyOf("a", ten_);
  const CounterKey b_ = KeyOf("b", ten_);
  int64_t now_us_ = kStartUs;
  std::unique_ptr<Backend> backend_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(Every, BackendConformance, testing::ValuesIn(Backends()),
                         [](const auto& each) { return each.param.name; });

TEST_P(BackendConformance, TakesUntilTheLimitIsReached) {
  for (int64_t left = 9; left >= 0; --left) {
    const Verdict verdict = Take(a_, ten_, 1);
    EXPECT_TRUE(verdict.allowed);
    EXPECT_TRUE(verdict.taken);
    EXPECT_EQ(verdict.remaining, left);
    EXPECT_EQ(verdict.wait_us, 0);
    EXPECT_EQ(verdict.now_us, now_us_);
  }
  const Verdict denied = Take(a_, ten_, 1);
  EXPECT_FALSE(denied.allowed);
  EXPECT_FALSE(denied.taken);
  EXPECT_EQ(denied.remaining, 0);
  EXPECT_EQ(Take(b_, ten_, 1).remaining, 9);
}

TEST_P(BackendConformance, TellsAWaitThatIsTight) {
  const Limit limits[] = {LimitOf("fixed_window", "4/s"), LimitOf("token_bucket", "4/s"),
                          LimitOf("gcra", "4/s", {{"burst", "4"}})};
  for (const Limit& limit : limits) {
    const CounterKey key = KeyOf("a", limit);
    Take(key, limit, 3);
    const Verdict denied = Take(key, limit, 2);
    ASSERT_FALSE(denied.allowed);
    ASSERT_GT(denied.wait_us, 0);
    now_us_ += denied.wait_us - 1;
    EXPECT_FALSE(Take(key, limit, 2).allowed) << limit.shape();
    now_us_ += 1;
    EXPECT_TRUE(Take(key, limit, 2).allowed) << limit.shape();
  }
  EXPECT_EQ(Take(a_, ten_, 11).wait_us, kNever);
}

TEST_P(BackendConformance, ForgetsWhatHasExpired) {
  const Limit limits[] = {LimitOf("fixed_window", "4/s"), LimitOf("token_bucket", "4/s"),
                          LimitOf("gcra", "4/s", {{"burst", "4"}})};
  for (const Limit& limit : limits) {
    const CounterKey key = KeyOf("a", limit);
    const Verdict taken = Take(key, limit, 4);
    now_us_ += taken.reset_us - 1;
    EXPECT_LT(Remaining(key, limit), 4) << limit.shape();
    now_us_ += 1;
    EXPECT_EQ(Remaining(key, limit), 4) << limit.shape();
    EXPECT_EQ(Decide(key, limit, 1, Mode::kLook).reset_us, 0);
  }
}

TEST_P(BackendConformance, GainsNothingWhenTimeRunsBack) {
  Take(a_, ten_, 10);
  now_us_ -= 100 * 86'400 * kSecondUs;
  const Verdict back = Take(a_, ten_, 1);
  EXPECT_FALSE(back.allowed);
  now_us_ += back.wait_us - 1;
  EXPECT_FALSE(Take(a_, ten_, 1).allowed);
  now_us_ += 1;
  EXPECT_TRUE(Take(a_, ten_, 1).allowed);
}

TEST_P(BackendConformance, TakesAllOrNone) {
  const CounterKey scarce = KeyOf("scarce", three_);
  Take(scarce, three_, 3);
  const auto verdicts = Decide(
      {{a_, ten_, 2, Mode::kTake}, {scarce, three_, 1, Mode::kTake}, {b_, ten_, 3, Mode::kTake}});
  EXPECT_TRUE(verdicts[0].allowed);
  EXPECT_FALSE(verdicts[0].taken);
  EXPECT_EQ(verdicts[0].remaining, 10);
  EXPECT_FALSE(verdicts[1].allowed);
  EXPECT_GT(verdicts[1].wait_us, 0);
  EXPECT_TRUE(verdicts[2].allowed);
  EXPECT_EQ(Remaining(a_, ten_), 10);
  EXPECT_EQ(Remaining(b_, ten_), 10);

  Decide({{a_, ten_, 2, Mode::kTake}, {b_, ten_, 3, Mode::kTake}});
  EXPECT_EQ(Remaining(a_, ten_), 8);
  EXPECT_EQ(Remaining(b_, ten_), 7);
}

TEST_P(BackendConformance, DeniesByWhateverDeniesFirstOrLast) {
  const auto verdicts = Decide({{a_, ten_, 11, Mode::kTake}, {b_, ten_, 11, Mode::kTake}});
  EXPECT_FALSE(verdicts[0].allowed);
  EXPECT_FALSE(verdicts[1].allowed);
}

TEST_P(BackendConformance, SumsTheChargesOnOneKey) {
  const auto denied = Decide({{a_, ten_, 6, Mode::kTake}, {a_, ten_, 5, Mode::kTake}});
  EXPECT_FALSE(denied[0].allowed);
  EXPECT_FALSE(denied[1].allowed);
  EXPECT_EQ(Remaining(a_, ten_), 10);

  const auto taken =
      Decide({{a_, ten_, 1, Mode::kTake}, {b_, ten_, 4, Mode::kTake}, {a_, ten_, 1, Mode::kTake}});
  EXPECT_EQ(taken[0].remaining, 9);
  EXPECT_EQ(taken[1].remaining, 6);
  EXPECT_EQ(taken[2].remaining, 8);
  EXPECT_EQ(Remaining(a_, ten_), 8);
}

TEST_P(BackendConformance, JudgesEachLimitOfOneKeyOnTheSum) {
  ASSERT_EQ(three_.shape(), ten_.shape());
  const auto denied = Decide({{a_, ten_, 2, Mode::kTake}, {a_, three_, 2, Mode::kTake}});
  EXPECT_TRUE(denied[0].allowed);
  EXPECT_FALSE(denied[1].allowed);
  EXPECT_EQ(Remaining(a_, ten_), 10);

  const auto taken = Decide({{a_, three_, 2, Mode::kTake}, {a_, ten_, 1, Mode::kTake}});
  EXPECT_EQ(taken[0].remaining, 1);
  EXPECT_EQ(taken[1].remaining, 7);
  EXPECT_EQ(Remaining(a_, three_), 0);
}

TEST_P(BackendConformance, SaturatesASumThatIsTooLarge) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  const auto verdicts = Decide({{a_, ten_, huge, Mode::kTake}, {a_, ten_, huge, Mode::kTake}});
  EXPECT_FALSE(verdicts[0].allowed);
  EXPECT_EQ(verdicts[1].wait_us, kNever);
}

TEST_P(BackendConformance, LetsALargeCostInTwoPartsPayLaterAsOne) {
  const Limit gcra = LimitOf("gcra", "10/s", {{"burst", "2"}, {"oversize", "pay_later"}});
  const CounterKey key = KeyOf("a", gcra);
  const auto taken = Decide({{key, gcra, 4, Mode::kTake}, {key, gcra, 4, Mode::kTake}});
  EXPECT_TRUE(taken[0].taken);
  EXPECT_TRUE(taken[1].taken);
  EXPECT_EQ(taken[1].reset_us, 800'000);
  EXPECT_FALSE(Take(key, gcra, 1).allowed);
}

TEST_P(BackendConformance, LooksTakeNothing) {
  Take(a_, ten_, 4);
  for (int i = 0; i < 3; ++i) {
    const Verdict look = Decide(a_, ten_, 6, Mode::kLook);
    EXPECT_TRUE(look.allowed);
    EXPECT_FALSE(look.taken);
    EXPECT_EQ(look.remaining, 6);
  }
  const Verdict over = Decide(a_, ten_, 7, Mode::kLook);
  EXPECT_FALSE(over.allowed);
  EXPECT_EQ(over.remaining, 6);
  EXPECT_EQ(over.wait_us, Take(a_, ten_, 7).wait_us);
}

TEST_P(BackendConformance, LooksThatAreOverStopTheGroup) {
  Take(a_, ten_, 10);
  const auto verdicts = Decide({{b_, ten_, 1, Mode::kTake}, {a_, ten_, 1, Mode::kLook}});
  EXPECT_TRUE(verdicts[0].allowed);
  EXPECT_FALSE(verdicts[0].taken);
  EXPECT_FALSE(verdicts[1].allowed);
  EXPECT_EQ(Remaining(b_, ten_), 10);
}

TEST_P(BackendConformance, LooksOfNothingAreOverOnlyBeyondTheLimit) {
  Take(a_, ten_, 10);
  EXPECT_TRUE(Decide(a_, ten_, 0, Mode::kLook).allowed);
  Decide(a_, ten_, 1, Mode::kSettle);
  EXPECT_FALSE(Decide(a_, ten_, 0, Mode::kLook).allowed);
}

TEST_P(BackendConformance, LooksAreJudgedWithTheTakesOnTheirKey) {
  const auto denied = Decide({{a_, ten_, 6, Mode::kTake}, {a_, ten_, 5, Mode::kLook}});
  EXPECT_FALSE(denied[0].allowed);
  EXPECT_FALSE(denied[1].allowed);

  const auto taken =
      Decide({{a_, ten_, 2, Mode::kLook}, {a_, ten_, 3, Mode::kTake}, {a_, ten_, 2, Mode::kLook}});
  EXPECT_EQ(taken[0].remaining, 10);
  EXPECT_EQ(taken[1].remaining, 7);
  EXPECT_EQ(taken[2].remaining, 7);
  EXPECT_FALSE(taken[2].taken);
  EXPECT_EQ(Remaining(a_, ten_), 7);
}

TEST_P(BackendConformance, FollowsAreNeverInTheWay) {
  const CounterKey scarce = KeyOf("scarce", three_);
  const auto first = Decide({{scarce, three_, 4, Mode::kFollow}, {a_, ten_, 1, Mode::kTake}});
  EXPECT_FALSE(first[0].allowed);
  EXPECT_FALSE(first[0].taken);
  EXPECT_TRUE(first[1].taken);

  const auto second = Decide({{scarce, three_, 2, Mode::kFollow}, {a_, ten_, 1, Mode::kTake}});
  EXPECT_TRUE(second[0].taken);
  EXPECT_EQ(second[0].remaining, 1);

  const auto same_key = Decide({{a_, ten_, 1, Mode::kFollow}, {a_, ten_, 8, Mode::kTake}});
  EXPECT_FALSE(same_key[0].allowed);
  EXPECT_TRUE(same_key[1].taken);
}

TEST_P(BackendConformance, FollowsTakeNothingWhenTheGroupIsDenied) {
  const auto verdicts = Decide({{a_, ten_, 4, Mode::kFollow}, {b_, ten_, 11, Mode::kTake}});
  EXPECT_TRUE(verdicts[0].allowed);
  EXPECT_FALSE(verdicts[0].taken);
  EXPECT_EQ(Remaining(a_, ten_), 10);
}

TEST_P(BackendConformance, SumsTheFollowsOnOneKey) {
  const auto denied = Decide(
      {{a_, ten_, 6, Mode::kFollow}, {b_, ten_, 6, Mode::kFollow}, {a_, ten_, 5, Mode::kFollow}});
  EXPECT_FALSE(denied[0].allowed);
  EXPECT_TRUE(denied[1].taken);
  EXPECT_FALSE(denied[2].allowed);
  EXPECT_EQ(Remaining(a_, ten_), 10);

  const auto taken = Decide({{a_, ten_, 1, Mode::kFollow}, {a_, ten_, 1, Mode::kFollow}});
  EXPECT_TRUE(taken[0].taken);
  EXPECT_EQ(taken[0].remaining, 9);
  EXPECT_TRUE(taken[1].taken);
  EXPECT_EQ(taken[1].remaining, 8);
  EXPECT_EQ(Remaining(a_, ten_), 8);
}

TEST_P(BackendConformance, JudgesFollowsOnWhatTheTakesLeft) {
  const auto verdicts = Decide(
      {{a_, ten_, 2, Mode::kFollow}, {a_, ten_, 6, Mode::kTake}, {a_, ten_, 2, Mode::kFollow}});
  EXPECT_EQ(verdicts[1].remaining, 4);
  EXPECT_EQ(verdicts[0].remaining, 2);
  EXPECT_EQ(verdicts[2].remaining, 0);

  const auto denied = Decide(
      {{b_, ten_, 2, Mode::kFollow}, {b_, ten_, 6, Mode::kTake}, {b_, ten_, 3, Mode::kFollow}});
  EXPECT_FALSE(denied[0].allowed);
  EXPECT_TRUE(denied[1].taken);
  EXPECT_FALSE(denied[2].allowed);
  EXPECT_EQ(Remaining(b_, ten_), 4);
}

TEST_P(BackendConformance, JudgesEachLimitOfFollowsOnTheSum) {
  const auto verdicts = Decide({{a_, three_, 1, Mode::kFollow},
                                {a_, ten_, 2, Mode::kFollow},
                                {a_, three_, 1, Mode::kFollow}});
  EXPECT_FALSE(verdicts[0].allowed);
  EXPECT_EQ(verdicts[0].remaining, 3);
  EXPECT_TRUE(verdicts[1].taken);
  EXPECT_EQ(verdicts[1].remaining, 8);
  EXPECT_FALSE(verdicts[2].allowed);
  EXPECT_EQ(verdicts[2].remaining, 1);
  EXPECT_EQ(verdicts[2].wait_us, kNever);
  EXPECT_EQ(Remaining(a_, ten_), 8);
}

// A Check looks where a Hit follows.
TEST_P(BackendConformance, LooksForetellWhatFollowsDo) {
  const Limit limits[] = {ten_, LimitOf("token_bucket", "10/s"),
                          LimitOf("gcra", "10/s", {{"burst", "10"}}),
                          LimitOf("gcra", "10/s", {{"burst", "4"}, {"oversize", "pay_later"}})};
  for (const Limit& limit : limits) {
    const CounterKey key = KeyOf("shadow", limit);
    for (const int64_t amount : {2, 4, 1, 6, 2}) {
      const auto told = Decide({{key, limit, amount, Mode::kLook}, {key, limit, 1, Mode::kLook}});
      const auto done =
          Decide({{key, limit, amount, Mode::kFollow}, {key, limit, 1, Mode::kFollow}});
      for (size_t i = 0; i < done.size(); ++i) {
        EXPECT_EQ(done[i].allowed, told[i].allowed) << limit.shape() << " amount " << amount;
        EXPECT_EQ(done[i].taken, told[i].allowed);
        EXPECT_EQ(done[i].wait_us, told[i].wait_us);
      }
      if (!told[1].allowed) {
        EXPECT_EQ(done[1].remaining, told[1].remaining);
      }
    }
  }
}

TEST_P(BackendConformance, NothingTakenMovesNoTime) {
  const Limit limits[] = {LimitOf("token_bucket", "4/s"), LimitOf("gcra", "4/s", {{"burst", "4"}})};
  for (const Limit& limit : limits) {
    for (const Mode mode : {Mode::kTake, Mode::kFollow}) {
      const CounterKey key = KeyOf(mode == Mode::kTake ? "take" : "follow", limit);
      now_us_ = kStartUs;
      const Registers before = Take(key, limit, 4).registers;
      now_us_ += kSecondUs / 2;
      const Verdict nothing = Decide(key, limit, 0, mode);
      EXPECT_TRUE(nothing.allowed);
      EXPECT_FALSE(nothing.taken);
      EXPECT_EQ(nothing.remaining, 2);
      const auto beside = Decide({{key, limit, 0, mode}, {key, limit, 5, Mode::kFollow}});
      EXPECT_FALSE(beside[0].taken);

      // Had it moved the key's time, this would stand behind a clock that ran back.
      now_us_ = kStartUs;
      const Verdict back = Decide(key, limit, 1, Mode::kLook);
      EXPECT_EQ(back.registers, before) << limit.shape();
      EXPECT_EQ(back.wait_us, kSecondUs / 4);
    }
  }
  EXPECT_FALSE(Take(a_, ten_, 0).taken);
  EXPECT_FALSE(Decide(b_, ten_, 0, Mode::kFollow).taken);
  EXPECT_EQ(GetParam().keys(*backend_), 4);
}

TEST_P(BackendConformance, TellsATakeOfNothingInItsTurn) {
  const auto verdicts =
      Decide({{a_, ten_, 0, Mode::kTake}, {a_, ten_, 3, Mode::kTake}, {a_, ten_, 0, Mode::kTake}});
  EXPECT_EQ(verdicts[0].remaining, 10);
  EXPECT_EQ(verdicts[1].remaining, 7);
  EXPECT_EQ(verdicts[2].remaining, 7);
  EXPECT_TRUE(verdicts[1].taken);
  EXPECT_FALSE(verdicts[0].taken || verdicts[2].taken);
}

TEST_P(BackendConformance, SettlesBeforeItJudges) {
  Take(a_, ten_, 10);
  const auto verdicts = Decide({{a_, ten_, 3, Mode::kTake}, {a_, ten_, -4, Mode::kSettle}});
  EXPECT_TRUE(verdicts[0].taken);
  EXPECT_EQ(verdicts[0].remaining, 1);
  EXPECT_TRUE(verdicts[1].taken);
  EXPECT_EQ(verdicts[1].remaining, 4);
}

TEST_P(BackendConformance, SettlesWhateverBecomesOfTheGroup) {
  const auto denied = Decide({{a_, ten_, 2, Mode::kSettle}, {b_, ten_, 11, Mode::kTake}});
  EXPECT_TRUE(denied[0].taken);
  EXPECT_EQ(Remaining(a_, ten_), 8);

  const auto beyond = Decide({{a_, ten_, 9, Mode::kSettle}, {b_, ten_, 1, Mode::kTake}});
  EXPECT_FALSE(beyond[0].allowed);
  EXPECT_TRUE(beyond[0].taken);
  EXPECT_TRUE(beyond[1].taken);
  EXPECT_EQ(Remaining(a_, ten_), 0);
}

TEST_P(BackendConformance, RefundsNeverPassTheFull) {
  Decide(a_, ten_, -5, Mode::kSettle);
  EXPECT_EQ(Remaining(a_, ten_), 10);
}

TEST_P(BackendConformance, DecidesSeveralStrategiesTogether) {
  const Limit bucket = LimitOf("token_bucket", "2/s", {{"burst_size", "5"}});
  const Limit gcra = LimitOf("gcra", "1/s");
  const CounterKey bucket_key = KeyOf("a", bucket);
  const CounterKey gcra_key = KeyOf("a", gcra);
  const std::vector<Charge> charges = {{a_, ten_, 1, Mode::kTake},
                                       {bucket_key, bucket, 2, Mode::kTake},
                                       {gcra_key, gcra, 1, Mode::kTake}};
  const auto taken = Decide(charges);
  EXPECT_EQ(taken[0].remaining, 9);
  EXPECT_EQ(taken[1].remaining, 3);
  EXPECT_EQ(taken[2].remaining, 0);
  EXPECT_EQ(taken[0].now_us, taken[2].now_us);

  const auto denied = Decide(charges);
  EXPECT_FALSE(denied[2].allowed);
  EXPECT_EQ(denied[2].wait_us, kSecondUs);
  EXPECT_EQ(Remaining(bucket_key, bucket), 3);
}

// A wait and a refund that many entries of a log have to be looked at for.
TEST_P(BackendConformance, WalksALongLog) {
  const Limit limit = LimitOf("sliding_window_log", "300/min");
  const CounterKey key = KeyOf("a", limit);
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(Take(key, limit, 1).remaining, 299 - i);
    now_us_ += 1'000;
  }
  // Room for so many comes when the oldest have left, of which each stands for one.
  for (const int64_t amount : {1, 4, 5, 9, 128, 129, 133, 150, 257, 299, 300}) {
    const Verdict denied = Take(key, limit, amount);
    ASSERT_FALSE(denied.allowed);
    EXPECT_EQ(denied.wait_us, 60'000'000 - (301 - amount) * 1'000) << amount;
  }
  int64_t left = 0;
  for (const int64_t amount : {1, 4, 5, 130}) {
    EXPECT_EQ(Decide(key, limit, -amount, Mode::kSettle).remaining, left += amount);
  }
}

TEST_P(BackendConformance, DecidesManyChargesTogether) {
  std::deque<CounterKey> keys;
  std::vector<Charge> charges;
  for (int i = 0; i < 64; ++i) {
    keys.push_back(KeyOf(absl::StrCat("many-", i), ten_));
    charges.push_back({keys.back(), ten_, 1 + i % 10, Mode::kTake});
  }
  const auto taken = Decide(charges);
  for (size_t i = 0; i < charges.size(); ++i) {
    EXPECT_TRUE(taken[i].taken);
    EXPECT_EQ(taken[i].remaining, 10 - charges[i].amount);
  }
  const auto denied = Decide(charges);
  for (size_t i = 0; i < charges.size(); ++i) {
    EXPECT_FALSE(denied[i].taken);
    EXPECT_EQ(Remaining(keys[i], ten_), 10 - charges[i].amount);
  }
}

TEST_P(BackendConformance, AnswersADecisionWithoutCharges) { EXPECT_TRUE(Decide({}).empty()); }

TEST_P(BackendConformance, TouchesNothingAfterTheDeadline) {
  AwaitedDecision late({{a_, ten_, 1, Mode::kTake}}, now_us_);
  late.deadline_us = now_us_ - 1;
  backend_->Decide(late);
  EXPECT_EQ(late.Wait().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Remaining(a_, ten_), 10);

  AwaitedDecision just({{a_, ten_, 1, Mode::kTake}}, now_us_);
  just.deadline_us = now_us_;
  backend_->Decide(just);
  EXPECT_EQ(just.Wait(), absl::OkStatus());
  EXPECT_EQ(Remaining(a_, ten_), 9);
}

TEST_P(BackendConformance, AnswersEachDecisionOnce) {
  std::deque<AwaitedDecision> decisions;
  for (int i = 0; i < 100; ++i) {
    decisions.emplace_back(std::vector<Charge>{{a_, ten_, 1, Mode::kTake}}, now_us_);
    backend_->Decide(decisions.back());
  }
  int taken = 0;
  for (AwaitedDecision& decision : decisions) {
    EXPECT_EQ(decision.Wait(), absl::OkStatus());
    taken += decision.verdicts_told()[0].taken ? 1 : 0;
  }
  EXPECT_EQ(taken, 10);
  backend_.reset();
  for (const AwaitedDecision& decision : decisions) EXPECT_EQ(decision.times_done(), 1);
}

// What a door does whose caller has gone: the call's memory lives until Done, and goes there.
class AbandonedDecision final : public Decision {
 public:
  AbandonedDecision(CounterKey key, const Limit& limit, std::atomic<int>& ended)
      : key_(std::move(key)), charge_{key_, limit, 1, Mode::kTake}, ended_(ended) {
    charges = absl::MakeConstSpan(&charge_, 1);
    verdicts = absl::MakeSpan(&verdict_, 1);
    now_us = kStartUs;
  }
  void Done(absl::Status status) override {
    std::atomic<int>& ended = ended_;
    const bool answered = status.ok() && verdict_.now_us == now_us;
    delete this;
    if (answered) ++ended;
  }

 private:
  const CounterKey key_;
  const Charge charge_;
  Verdict verdict_;
  std::atomic<int>& ended_;
};

TEST_P(BackendConformance, LetsADecisionEndItselfWhenDone) {
  std::atomic<int> ended = 0;
  for (int i = 0; i < 100; ++i) {
    backend_->Decide(*new AbandonedDecision(KeyOf(absl::StrCat("gone-", i), ten_), ten_, ended));
  }
  backend_.reset();  // which waits for those that are still open
  EXPECT_EQ(ended, 100);
}

TEST_P(BackendConformance, AdmitsExactlyTheLimitToManyAtOnce) {
  const Limit limit = LimitOf("fixed_window", "500/day");
  const CounterKey key = KeyOf("shared", limit);
  std::atomic<int> admitted = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < 250; ++j) {
        if (Take(key, limit, 1).taken) ++admitted;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(admitted, 500);
}

TEST_P(BackendConformance, CountsTheKeysItHolds) {
  Take(a_, ten_, 1);
  Take(a_, ten_, 1);
  Take(b_, ten_, 1);
  Take(KeyOf("denied", ten_), ten_, 11);
  Remaining(KeyOf("looked at", ten_), ten_);
  const BackendStats stats = backend_->Stats();
  EXPECT_EQ(GetParam().keys(*backend_), 2);
  EXPECT_EQ(stats.full, 0);
  EXPECT_TRUE(stats.up);
}

}  // namespace
}  // namespace sluice
