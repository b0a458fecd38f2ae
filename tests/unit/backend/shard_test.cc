#include "backend/memory/shard.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/key.h"
#include "tests/conformance/counters.h"

namespace sluice {
namespace {

constexpr int64_t kNowMs = kStartUs / 1000;

Fingerprint Numbered(uint64_t number, absl::string_view throttle = "kept") {
  const std::string tag = absl::StrCat(number);
  return CounterKey(KeyParts{"test", "", tag, throttle, {}, "shape"}, SecretOfKeys()).fingerprint();
}

class ShardTest : public testing::Test {
 protected:
  void Insert(const Fingerprint& fingerprint, int registers = 2, SlotUse use = {kNowMs + 1000, 1}) {
    MutexLock lock(shard_.mutex);
    Table& table = shard_.TableOf(registers, false);
    table.Insert(fingerprint, {}, use);
    int budget = 64;
    table.Grow(budget);
  }
  int64_t Size() {
    MutexLock lock(shard_.mutex);
    return shard_.size();
  }
  // One call's upkeep; what it took of 64 slots.
  int Maintain() {
    MutexLock lock(shard_.mutex);
    int budget = 64;
    shard_.Maintain(kNowMs, budget);
    EXPECT_GE(budget, 0);
    return 64 - budget;
  }
  void SetCapacity(int64_t capacity) {
    MutexLock lock(shard_.mutex);
    shard_.SetCapacity(capacity);
  }
  int64_t Evictions() {
    MutexLock lock(shard_.mutex);
    return shard_.evictions;
  }

  // The next stretch; whether there is more.
  bool ForgetSome(const KeyScope& scope) {
    MutexLock lock(shard_.mutex);
    return shard_.Forget(scope, kNowMs, walk_, forgotten_);
  }

  Shard shard_{1'000'000};
  ShardWalk walk_;
  int64_t forgotten_ = 0;
};

TEST_F(ShardTest, ForgetsInBoundedSteps) {
  constexpr int64_t kEach = 20'000;
  for (int registers = 1; registers <= 2; ++registers) {
    for (uint64_t number = 0; number < kEach; ++number) {
      Insert(Numbered(number, absl::StrCat("kept-", registers)), registers);
      Insert(Numbered(number, "dropped"), registers);
    }
  }
  int64_t steps = 1;
  int64_t before = Size();
  for (; ForgetSome(ScopeOf("dropped")); ++steps) {
    // A slot that is erased is looked at, and the last one moves into its place.
    ASSERT_LE(before - Size(), 512);
    before = Size();
  }
  EXPECT_EQ(forgotten_, 2 * kEach);
  EXPECT_EQ(Size(), 2 * kEach);
  // 40,000 looked at, and 40,000 looked at and replaced.
  EXPECT_GE(steps, 3 * 2 * kEach / 1024);
  EXPECT_LE(steps, 3 * 2 * kEach / 1022 + 2);
}

TEST_F(ShardTest, LooksAtNoMoreThanItMayWhenNothingIsToGo) {
  for (uint64_t number = 0; number < 10'240; ++number) Insert(Numbered(number));
  int64_t steps = 1;
  while (ForgetSome(ScopeOf("dropped"))) ++steps;
  EXPECT_GE(steps, 10);
  EXPECT_LE(steps, 11);
  EXPECT_EQ(forgotten_, 0);
  EXPECT_EQ(Size(), 10'240);
}

TEST_F(ShardTest, DoesNotCountTheAbsentButDropsThem) {
  for (uint64_t number = 0; number < 100; ++number) {
    Insert(Numbered(number, "dropped"), 2, {kNowMs + (number < 30 ? 0 : 1), 1});
  }
  EXPECT_FALSE(ForgetSome(ScopeOf("dropped")));
  EXPECT_EQ(forgotten_, 70);
  EXPECT_EQ(Size(), 0);
}

// Between two steps others insert, erase and sweep; what was there at the start goes all the same.
TEST_F(ShardTest, MissesNothingThatWasThereWhileAllIsMoving) {
  std::mt19937_64 random(3);
  std::set<uint64_t> at_start;  // of "dropped"
  std::set<uint64_t> kept;
  for (uint64_t number = 0; number < 30'000; ++number) {
    Insert(Numbered(number));
    kept.insert(number);
    Insert(Numbered(number, "dropped"));
    at_start.insert(number);
  }
  uint64_t fresh = 1'000'000;
  while (ForgetSome(ScopeOf("dropped"))) {
    for (int i = 0; i < 300; ++i) {
      const uint64_t gone = random() % 30'000;
      MutexLock lock(shard_.mutex);
      shard_.Forget(Numbered(gone), kNowMs);
      kept.erase(gone);
      if (i % 3 == 0) shard_.Forget(Numbered(random() % 30'000, "dropped"), kNowMs);
    }
    for (int i = 0; i < 200; ++i) Insert(Numbered(fresh++, i % 2 == 0 ? "dropped" : "fresh"));
    Maintain();
  }
  MutexLock lock(shard_.mutex);
  for (const uint64_t number : at_start) {
    ASSERT_FALSE(shard_.Forget(Numbered(number, "dropped"), kNowMs)) << number;
  }
  for (const uint64_t number : kept) ASSERT_TRUE(shard_.Forget(Numbered(number), kNowMs)) << number;
}

TEST_F(ShardTest, DrainsOneACallWhenThereAreTooMany) {
  for (uint64_t number = 0; number < 2000; ++number) Insert(Numbered(number));
  SetCapacity(500);
  EXPECT_EQ(Size(), 2000);
  for (int64_t left = 1999; left >= 500; --left) {
    Maintain();
    ASSERT_EQ(Size(), left);
  }
  Maintain();
  EXPECT_EQ(Size(), 500);
  EXPECT_EQ(Evictions(), 1500);
}

TEST_F(ShardTest, DrainsTheAbsentFirstAndNothingAtItsLimit) {
  for (uint64_t number = 0; number < 1000; ++number) {
    Insert(Numbered(number), 2, {kNowMs + 1000, number < 600 ? SlotUse::kAtLimit : uint16_t{9}});
  }
  SetCapacity(100);
  for (int i = 0; i < 5000; ++i) Maintain();
  EXPECT_EQ(Size(), 600);
  EXPECT_EQ(Evictions(), 400);
  MutexLock lock(shard_.mutex);
  for (uint64_t number = 0; number < 600; ++number) {
    ASSERT_TRUE(shard_.Forget(Numbered(number), kNowMs));
  }
}

// Newcomers of one throttle have most bits of their fingerprints in common.
TEST_F(ShardTest, SamplesAllOverTheShard) {
  for (uint64_t number = 0; number < 4096; ++number) {
    Insert(Numbered(number), 2, {kNowMs + 1000, static_cast<uint16_t>(number % 16)});
  }
  std::map<uint64_t, int> victims;
  MutexLock lock(shard_.mutex);
  for (uint64_t number = 10'000; number < 20'000; ++number) {
    const Eviction eviction =
        shard_.Sample(Numbered(number), kNowMs, [](const Fingerprint&) { return false; });
    ++victims[eviction.victim.high];
  }
  EXPECT_EQ(victims.size(), 256u);
  for (const auto& [victim, times] : victims) EXPECT_LE(times, 100) << victim;
}

}  // namespace
}  // namespace sluice
