#include "backend/memory/memory_backend.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/rate.h"
#include "tests/conformance/counters.h"

namespace sluice {
namespace {

class Answer final : public Decision {
 public:
  void Done(absl::Status status) override { ok = status.ok(); }
  bool ok = false;
};

class Oblivion final : public Forgetting {
 public:
  void Done(absl::Status status) override { EXPECT_EQ(status, absl::OkStatus()); }
};

class MemoryBackendTest : public testing::Test {
 protected:
  void Start(const MemoryOptions& options) { backend_ = NewMemoryBackend(options); }

  std::vector<Verdict> Decide(const std::vector<Charge>& charges) {
    std::vector<Verdict> verdicts(charges.size());
    Answer decision;
    decision.charges = charges;
    decision.verdicts = absl::MakeSpan(verdicts);
    decision.now_us = now_us_;
    backend_->Decide(decision);
    EXPECT_TRUE(decision.ok);
    return verdicts;
  }
  Verdict Hit(absl::string_view name, int64_t amount, Mode mode = Mode::kTake) {
    const CounterKey key = KeyOf(name, limit_);
    return Decide({{key, limit_, amount, mode}})[0];
  }
  Verdict Look(absl::string_view name) { return Hit(name, 1, Mode::kLook); }
  bool Known(absl::string_view name) { return Look(name).reset_us > 0; }
  void HitMany(absl::string_view prefix, int64_t count, int64_t amount) {
    for (int64_t i = 0; i < count; ++i) Hit(absl::StrCat(prefix, i), amount);
  }
  int64_t CountKnown(absl::string_view prefix, int64_t count) {
    int64_t known = 0;
    for (int64_t i = 0; i < count; ++i) known += Known(absl::StrCat(prefix, i)) ? 1 : 0;
    return known;
  }

  const Limit limit_ = LimitOf("token_bucket", "10/min");
  int64_t now_us_ = kStartUs;
  std::unique_ptr<MemoryBackend> backend_;
};

TEST_F(MemoryBackendTest, NeverHoldsMoreThanMaxKeys) {
  for (const int64_t max_keys : {1, 3, 100, 9000, 20'000}) {
    Start({.max_keys = max_keys});
    int64_t most = 0;
    for (int64_t i = 0; i < 2 * max_keys + 50; ++i) {
      EXPECT_TRUE(Hit(absl::StrCat("k", i), 1).taken);
      if (i % 64 == 0) most = std::max(most, backend_->Stats().keys);
    }
    EXPECT_LE(most, max_keys);
    EXPECT_LE(backend_->Stats().keys, max_keys);
    EXPECT_GE(backend_->Stats().keys, max_keys - max_keys / 20);
    EXPECT_GE(backend_->Stats().evictions, max_keys + 50);
    EXPECT_EQ(backend_->Stats().full, 0);
  }
}

TEST_F(MemoryBackendTest, DropsIdleCountersFirst) {
  Start({.max_keys = 16});
  Hit("idle soon", 1);
  HitMany("busy", 15, 9);
  now_us_ += kMinuteUs / 10 + 1000;
  Hit("newcomer", 1);
  EXPECT_EQ(CountKnown("busy", 15), 15);
  EXPECT_FALSE(Known("idle soon"));
  EXPECT_EQ(backend_->Stats().evictions, 0);
}

TEST_F(MemoryBackendTest, DropsTheSmallestShareThen) {
  Start({.max_keys = 16});
  HitMany("busy", 15, 5);
  const Limit slow = LimitOf("token_bucket", "10/hour");
  const CounterKey hardly = KeyOf("hardly", slow);
  const Verdict taken = Decide({{hardly, slow, 4, Mode::kTake}})[0];
  ASSERT_GT(taken.reset_us, Look("busy0").reset_us);
  Hit("newcomer", 9);
  EXPECT_EQ(Decide({{hardly, slow, 1, Mode::kLook}})[0].reset_us, 0);
  EXPECT_EQ(CountKnown("busy", 15), 15);
  EXPECT_EQ(backend_->Stats().evictions, 1);
}

TEST_F(MemoryBackendTest, DropsTheSoonestAbsentOfEqualShares) {
  Start({.max_keys = 16});
  Hit("older", 5);
  now_us_ += 10'000;
  HitMany("busy", 15, 5);
  Hit("newcomer", 9);
  EXPECT_FALSE(Known("older"));
  EXPECT_EQ(CountKnown("busy", 15), 15);
}

TEST_F(MemoryBackendTest, KeepsWhatIsAtItsLimitThroughAFlood) {
  Start({.max_keys = 10'000});
  HitMany("limited", 300, 10);
  HitMany("fresh", 100'000, 1);
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(Look(absl::StrCat("limited", i)).allowed) << i;
  EXPECT_LE(backend_->Stats().keys, 10'000);
}

// Whoever comes last may have much left; who was denied stays denied.
TEST_F(MemoryBackendTest, KeepsALogThatIsAtItsLimitForTheLowestPriority) {
  Start({.max_keys = 16});
  const Limit queue = LimitOf("priority_queue", "10/min");
  const CounterKey key = KeyOf("queue", queue);
  const auto ask = [&](int64_t amount, absl::string_view priority, Mode mode) {
    return Decide({{key, queue, amount, mode, queue.TagOf(priority)}})[0];
  };
  EXPECT_TRUE(ask(10, "low", Mode::kTake).allowed);
  EXPECT_EQ(ask(1, "critical", Mode::kTake).remaining, 9);
  HitMany("flood", 1'000, 1);
  EXPECT_FALSE(ask(1, "low", Mode::kLook).allowed);
  EXPECT_EQ(ask(1, "critical", Mode::kLook).remaining, 9);
}

TEST_F(MemoryBackendTest, GivesBackTheLogsOfWhatItDrops) {
  Start({.max_keys = 16});
  const Limit log = LimitOf("sliding_window_log", "1000/min");
  int64_t bytes = 0;
  for (int round = 0; round < 200; ++round) {
    for (int user = 0; user < 16; ++user) {
      const CounterKey key = KeyOf(absl::StrCat(round, "/", user), log);
      for (int hit = 0; hit < 50; ++hit) Decide({{key, log, 1, Mode::kTake}});
    }
    if (round == 1) bytes = backend_->Use().bytes;
  }
  EXPECT_EQ(backend_->Use().bytes, bytes);
  EXPECT_GT(backend_->Stats().evictions, 3'000);
}

TEST_F(MemoryBackendTest, RefusesNewcomersWhenAllAreAtTheirLimit) {
  Start({.max_keys = 1000});
  HitMany("limited", 1000, 10);
  EXPECT_EQ(backend_->Stats().full, 0);
  for (int i = 0; i < 5000; ++i) {
    const Verdict refused = Hit(absl::StrCat("fresh", i), 1);
    ASSERT_FALSE(refused.allowed);
    ASSERT_FALSE(refused.taken);
    ASSERT_EQ(refused.remaining, 0);
    ASSERT_GT(refused.wait_us, 0);
    ASSERT_LE(refused.wait_us, kMinuteUs + 1000);
    ASSERT_EQ(refused.now_us, now_us_);
  }
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(Look(absl::StrCat("limited", i)).allowed);
  EXPECT_EQ(backend_->Stats().full, 5000);
  EXPECT_EQ(backend_->Stats().evictions, 0);
  EXPECT_EQ(backend_->Stats().keys, 1000);
}

TEST_F(MemoryBackendTest, LetsARefusedNewcomerInAfterItsWait) {
  Start({.max_keys = 100});
  for (int i = 0; i < 100; ++i) {
    Hit(absl::StrCat("limited", i), 10);
    now_us_ += 1000;
  }
  const Verdict refused = Hit("fresh", 1);
  ASSERT_FALSE(refused.allowed);
  now_us_ += refused.wait_us - 1;
  EXPECT_FALSE(Hit("fresh", 1).allowed);
  now_us_ += 1;
  EXPECT_TRUE(Hit("fresh", 1).taken);
  EXPECT_EQ(backend_->Stats().evictions, 0);
}

TEST_F(MemoryBackendTest, LetsNewcomersPassUncountedIfToldSo) {
  Start({.max_keys = 100, .allow_when_full = true});
  HitMany("limited", 100, 10);
  for (int i = 0; i < 20; ++i) {
    const Verdict passed = Hit("fresh", 1);
    ASSERT_TRUE(passed.allowed);
    ASSERT_FALSE(passed.taken);
  }
  EXPECT_FALSE(Known("fresh"));
  EXPECT_FALSE(Hit("fresh", 11).allowed);
  EXPECT_EQ(CountKnown("limited", 100), 100);
  EXPECT_EQ(backend_->Stats().full, 20);
}

TEST_F(MemoryBackendTest, ARefusedNewcomerDeniesTheGroup) {
  Start({.max_keys = 17});
  HitMany("limited", 16, 10);
  const CounterKey known = KeyOf("limited0", limit_);
  const CounterKey first = KeyOf("first", limit_);
  const CounterKey second = KeyOf("second", limit_);
  Hit("limited0", -3, Mode::kSettle);
  const auto verdicts = Decide({{known, limit_, 1, Mode::kTake},
                                {first, limit_, 1, Mode::kTake},
                                {second, limit_, 1, Mode::kTake},
                                {known, limit_, 1, Mode::kFollow}});
  EXPECT_TRUE(verdicts[0].allowed);
  EXPECT_FALSE(verdicts[0].taken);
  EXPECT_EQ(verdicts[0].remaining, 3);
  EXPECT_TRUE(verdicts[1].allowed);
  EXPECT_FALSE(verdicts[1].taken);
  EXPECT_FALSE(verdicts[2].allowed);
  EXPECT_GT(verdicts[2].wait_us, 0);
  EXPECT_FALSE(verdicts[3].taken);
  EXPECT_EQ(Look("limited0").remaining, 3);
  EXPECT_FALSE(Known("first"));
  EXPECT_EQ(backend_->Stats().keys, 16);
  EXPECT_EQ(backend_->Stats().full, 1);
}

TEST_F(MemoryBackendTest, DropsNothingForAGroupThatIsDenied) {
  Start({.max_keys = 16});
  HitMany("limited", 15, 10);
  Hit("hardly", 1);
  const CounterKey first = KeyOf("first", limit_);
  const CounterKey second = KeyOf("second", limit_);
  const auto verdicts = Decide({{first, limit_, 1, Mode::kTake}, {second, limit_, 1, Mode::kTake}});
  EXPECT_TRUE(verdicts[0].allowed);
  EXPECT_FALSE(verdicts[1].allowed);
  EXPECT_TRUE(Known("hardly"));
  EXPECT_EQ(backend_->Stats().evictions, 0);
}

TEST_F(MemoryBackendTest, DoesNotDropTheCountersOfTheDecisionItself) {
  Start({.max_keys = 3});
  HitMany("other", 3, 9);
  const CounterKey known = KeyOf("other0", limit_);
  const CounterKey first = KeyOf("first", limit_);
  const CounterKey second = KeyOf("second", limit_);
  const auto taken = Decide({{first, limit_, 1, Mode::kTake},
                             {second, limit_, 1, Mode::kTake},
                             {known, limit_, 1, Mode::kTake}});
  for (const Verdict& verdict : taken) EXPECT_TRUE(verdict.taken);
  EXPECT_EQ(Look("other0").remaining, 0);
  EXPECT_EQ(Look("first").remaining, 9);
  EXPECT_EQ(Look("second").remaining, 9);
  EXPECT_EQ(backend_->Stats().keys, 3);
  EXPECT_EQ(backend_->Stats().evictions, 2);
}

TEST_F(MemoryBackendTest, TellsAFiniteWaitToADecisionWithTooManyNewKeys) {
  Start({.max_keys = 1});
  const CounterKey first = KeyOf("first", limit_);
  const CounterKey second = KeyOf("second", limit_);
  const auto verdicts = Decide({{first, limit_, 1, Mode::kTake}, {second, limit_, 1, Mode::kTake}});
  EXPECT_FALSE(verdicts[1].allowed);
  EXPECT_EQ(verdicts[1].wait_us, 1'000'000);
  EXPECT_EQ(backend_->Stats().keys, 0);
}

TEST_F(MemoryBackendTest, RefusesAShadowWithoutStoppingTheGroup) {
  Start({.max_keys = 16});
  HitMany("limited", 16, 10);
  Hit("limited3", -5, Mode::kSettle);
  const CounterKey known = KeyOf("limited3", limit_);
  const CounterKey fresh = KeyOf("fresh", limit_);
  const auto verdicts =
      Decide({{fresh, limit_, 1, Mode::kFollow}, {known, limit_, 1, Mode::kTake}});
  EXPECT_FALSE(verdicts[0].allowed);
  EXPECT_GT(verdicts[0].wait_us, 0);
  EXPECT_TRUE(verdicts[1].taken);
}

TEST_F(MemoryBackendTest, DropsAndCountsADebitWithoutAPlace) {
  Start({.max_keys = 16});
  HitMany("limited", 16, 10);
  const Verdict refused = Hit("fresh", 1);
  const Verdict dropped = Hit("fresh", 3, Mode::kSettle);
  EXPECT_FALSE(dropped.taken);
  EXPECT_FALSE(dropped.allowed);
  EXPECT_EQ(dropped.remaining, 0);
  EXPECT_EQ(dropped.reset_us, 0);
  EXPECT_GT(dropped.wait_us, 0);
  EXPECT_EQ(dropped.wait_us, refused.wait_us);
  EXPECT_EQ(dropped.registers[1], 0);
  EXPECT_FALSE(Known("fresh"));
  EXPECT_EQ(backend_->Stats().full, 2);
}

TEST_F(MemoryBackendTest, TellsWhatItDoesNotCountAsItStands) {
  Start({.max_keys = 16, .allow_when_full = true});
  HitMany("limited", 16, 10);
  for (const Mode mode : {Mode::kSettle, Mode::kTake, Mode::kFollow}) {
    const Verdict passed = Hit("fresh", 3, mode);
    EXPECT_TRUE(passed.allowed);
    EXPECT_FALSE(passed.taken);
    EXPECT_EQ(passed.remaining, 10);
    EXPECT_EQ(passed.wait_us, 0);
    EXPECT_EQ(passed.reset_us, 0);
  }
  EXPECT_EQ(backend_->Stats().full, 3);
}

TEST_F(MemoryBackendTest, TellsNoWaitForAPlaceToACostThatNeverFits) {
  Start({.max_keys = 16});
  HitMany("limited", 16, 10);
  const CounterKey fresh = KeyOf("fresh", limit_);
  const auto verdicts =
      Decide({{fresh, limit_, 3, Mode::kSettle}, {fresh, limit_, 11, Mode::kTake}});
  EXPECT_FALSE(verdicts[0].taken);
  EXPECT_FALSE(verdicts[1].allowed);
  EXPECT_EQ(verdicts[1].wait_us, kNever);
}

TEST_F(MemoryBackendTest, FillsEachShardExactlyWithinOneDecision) {
  Start({.max_keys = 8192, .shards = 2});
  HitMany("limited", 7992, 10);
  ASSERT_EQ(backend_->Stats().full, 0);
  std::vector<CounterKey> keys;
  for (int i = 0; i < 1200; ++i) keys.push_back(KeyOf(absl::StrCat("fresh", i), limit_));
  std::vector<Charge> charges;
  for (const CounterKey& key : keys) charges.push_back({key, limit_, 10, Mode::kFollow});
  const auto verdicts = Decide(charges);
  EXPECT_EQ(std::count_if(verdicts.begin(), verdicts.end(), [](const auto& v) { return v.taken; }),
            200);
  EXPECT_EQ(backend_->Stats().keys, 8192);
  EXPECT_EQ(backend_->Stats().full, 1000);
  EXPECT_EQ(backend_->Stats().evictions, 0);
}

TEST_F(MemoryBackendTest, WorksInBoundedStepsWhileItGrowsAndSweeps) {
  constexpr int64_t kKeys = 200'000;
  Start({.shards = 1});
  HitMany("k", kKeys, 1);
  ASSERT_EQ(backend_->Stats().keys, kKeys);
  EXPECT_GT(backend_->Use().most_slots_a_call, 0);

  // All are idle now, and leave while one other key goes on.
  now_us_ += kMinuteUs;
  int64_t calls = 0;
  for (; backend_->Stats().keys > 1 && calls < kKeys; ++calls) Hit("other", 1);
  EXPECT_EQ(backend_->Stats().keys, 1);
  EXPECT_GE(calls, kKeys / 64);
  EXPECT_LE(backend_->Use().most_slots_a_call, 64);
  EXPECT_EQ(backend_->Stats().evictions, 0);
}

TEST_F(MemoryBackendTest, BoundsTheWorkOfManyNewKeysInOneCall) {
  Start({.shards = 1});
  for (int i = 0; i < 200; ++i) {
    std::vector<CounterKey> keys;
    for (int j = 0; j < 64; ++j) keys.push_back(KeyOf(absl::StrCat(i, "-", j), limit_));
    std::vector<Charge> charges;
    for (const CounterKey& key : keys) charges.push_back({key, limit_, 1, Mode::kTake});
    for (const Verdict& verdict : Decide(charges)) ASSERT_TRUE(verdict.taken);
  }
  EXPECT_EQ(backend_->Stats().keys, 200 * 64);
  EXPECT_LE(backend_->Use().most_slots_a_call, 4 * 64);
}

TEST_F(MemoryBackendTest, GrowsAtOnceWhenItMayHoldMore) {
  Start({.max_keys = 1000});
  HitMany("limited", 1000, 10);
  ASSERT_FALSE(Hit("fresh", 1).allowed);
  EXPECT_EQ(backend_->Resize({.max_keys = 3000}), 3000);
  HitMany("more", 2000, 10);
  EXPECT_EQ(backend_->Stats().keys, 3000);
  EXPECT_EQ(CountKnown("limited", 1000), 1000);
  EXPECT_EQ(backend_->Stats().evictions, 0);
  EXPECT_EQ(backend_->Stats().full, 1);
  EXPECT_FALSE(Hit("fresh", 1).allowed);
}

TEST_F(MemoryBackendTest, DropsNothingAtOnceWhenItMayHoldLess) {
  Start({.max_keys = 20'000});
  HitMany("k", 20'000, 1);
  const int64_t held = backend_->Stats().keys;
  EXPECT_EQ(backend_->Resize({.max_keys = 8000}), 8000);
  EXPECT_EQ(backend_->Stats().keys, held);
  int64_t before = held;
  int64_t calls = 0;
  for (; before > 8000 && calls < 40'000; ++calls) {
    Hit(absl::StrCat("fresh", calls), 1);
    const int64_t now = backend_->Stats().keys;
    ASSERT_LE(now, before);
    ASSERT_GE(now, before - 2);
    before = now;
  }
  EXPECT_EQ(backend_->Stats().keys, 8000);
  // One for each call, but for those of shards that are done before the others.
  EXPECT_LE(calls, 2 * (held - 8000));
  EXPECT_LE(backend_->Use().most_slots_a_call, 64);
  HitMany("later", 5000, 1);
  EXPECT_LE(backend_->Stats().keys, 8000);
}

TEST_F(MemoryBackendTest, KnownKeysAloneDrainItToo) {
  Start({.max_keys = 4000});
  HitMany("k", 4000, 1);
  backend_->Resize({.max_keys = 1000});
  for (int i = 0; i < 3000; ++i) Hit("k0", 1);
  EXPECT_EQ(backend_->Stats().keys, 1000);
  EXPECT_EQ(backend_->Stats().evictions, 3000);
}

TEST_F(MemoryBackendTest, KeepsWhatIsAtItsLimitWhenItMayHoldLess) {
  Start({.max_keys = 4000});
  HitMany("limited", 1500, 10);
  HitMany("fresh", 2500, 1);
  backend_->Resize({.max_keys = 1000});
  for (int i = 0; i < 10'000; ++i) Hit(absl::StrCat("other", i), 1);
  EXPECT_EQ(backend_->Stats().keys, 1500);
  for (int i = 0; i < 1500; ++i) ASSERT_FALSE(Look(absl::StrCat("limited", i)).allowed) << i;
  EXPECT_GT(backend_->Stats().full, 0);
  now_us_ += kMinuteUs + 1000;
  HitMany("later", 3000, 1);
  EXPECT_EQ(backend_->Stats().keys, 1000);
}

TEST_F(MemoryBackendTest, GivesMemoryBackWhenItMayHoldLess) {
  Start({.max_keys = 200'000, .shards = 4});
  HitMany("k", 210'000, 1);
  const int64_t full = backend_->Use().bytes;
  backend_->Resize({.max_keys = 20'000});
  HitMany("fresh", 250'000, 1);
  EXPECT_EQ(backend_->Stats().keys, 20'000);
  EXPECT_LT(backend_->Use().bytes, full / 5);
}

TEST_F(MemoryBackendTest, TakesAnotherAnswerWhenFull) {
  Start({.max_keys = 100});
  HitMany("limited", 100, 10);
  EXPECT_FALSE(Hit("fresh", 1).allowed);
  backend_->Resize({.max_keys = 100, .allow_when_full = true});
  EXPECT_TRUE(Hit("fresh", 1).allowed);
  EXPECT_EQ(CountKnown("limited", 100), 100);
  backend_->Resize({.max_keys = 100, .allow_when_full = false});
  EXPECT_FALSE(Hit("fresh", 1).allowed);
}

TEST_F(MemoryBackendTest, ResizesWithinTheBoundsOfItsShards) {
  Start({.max_keys = 1000});  // in one shard
  EXPECT_EQ(backend_->Resize({.max_keys = 1}), 1);
  EXPECT_EQ(backend_->Resize({.max_keys = 100'000'000}), 16'777'215);
  Start({.max_keys = 1'000'000, .shards = 64});
  EXPECT_EQ(backend_->Resize({.max_keys = 1}), 64 * 16);
  EXPECT_EQ(backend_->Resize({.max_keys = 100'000'001}), 100'000'001);
}

TEST_F(MemoryBackendTest, GivesBackTheLogsOfWhatItForgets) {
  Start({.shards = 1});
  const Limit log = LimitOf("sliding_window_log", "1000/min");
  int64_t bytes = 0;
  for (int round = 0; round < 100; ++round) {
    for (int user = 0; user < 16; ++user) {
      const CounterKey key = KeyOf(absl::StrCat(user), log, absl::StrCat("throttle-", round));
      for (int hit = 0; hit < 50; ++hit) Decide({{key, log, 1, Mode::kTake}});
    }
    Oblivion forgetting;
    if (round % 2 == 0) {
      forgetting.scope = ScopeOf(absl::StrCat("throttle-", round));
      backend_->Forget(forgetting);
    } else {
      std::vector<CounterKey> keys;
      for (int user = 0; user < 16; ++user) {
        keys.push_back(KeyOf(absl::StrCat(user), log, absl::StrCat("throttle-", round)));
      }
      forgetting.keys = keys;
      backend_->Forget(forgetting);
    }
    EXPECT_EQ(forgetting.forgotten, 16);
    if (round == 1) bytes = backend_->Use().bytes;
  }
  EXPECT_EQ(backend_->Use().bytes, bytes);
}

TEST_F(MemoryBackendTest, KeepsACounterInFortyEightBytes) {
  for (const int64_t max_keys : {100'000, 400'000}) {
    Start({.max_keys = max_keys});
    HitMany("k", max_keys + max_keys / 10, 1);
    const double bytes =
        static_cast<double>(backend_->Use().bytes) / static_cast<double>(backend_->Stats().keys);
    std::printf("%lld keys: %.1f bytes a key\n", static_cast<long long>(max_keys), bytes);
    EXPECT_LE(bytes, 48.0);
  }
}

}  // namespace
}  // namespace sluice
