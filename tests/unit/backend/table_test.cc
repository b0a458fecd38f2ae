#include "backend/memory/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/key.h"

namespace sluice {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;

// Of one throttle and tenant, so that much of it is the same for all.
Fingerprint Numbered(uint64_t number) {
  static const HashSecret& secret = *new HashSecret(HashSecret::FromSeed(1));
  const std::string tag = absl::StrCat(number);
  return CounterKey(KeyParts{"test", "", tag, "throttle", {}, "shape"}, secret).fingerprint();
}

TEST(UseOfTest, RoundsTheInstantUpAndTellsTheShare) {
  Verdict verdict;
  verdict.now_us = 1'000'500;
  verdict.reset_us = 1;
  verdict.tightest = 5;
  EXPECT_EQ(UseOf(verdict, 10).absent_ms, 1001);
  EXPECT_NEAR(UseOf(verdict, 10).share, SlotUse::kAtLimit / 2, 2);
  verdict.tightest = 10;
  EXPECT_EQ(UseOf(verdict, 10).share, 0);
  verdict.tightest = 0;
  EXPECT_EQ(UseOf(verdict, 10).share, SlotUse::kAtLimit);
  EXPECT_EQ(UseOf(verdict, 0).share, SlotUse::kAtLimit);
}

TEST(UseOfTest, OnlyWhatIsAtItsLimitHasTheFullShare) {
  Verdict verdict;
  verdict.tightest = 1;
  EXPECT_LT(UseOf(verdict, (int64_t{1} << 52) - 1).share, SlotUse::kAtLimit);
}

TEST(UseOfTest, KeepsInstantsThatAreVeryFar) {
  Verdict verdict;
  verdict.now_us = kNowMs * 1000;
  verdict.reset_us = kNever;
  const SlotUse far = UseOf(verdict, 1);
  Table table(1);
  table.Insert(Numbered(1), {}, far);
  EXPECT_EQ(table.UseAt(0).absent_ms, far.absent_ms);
  EXPECT_FALSE(far.AbsentAt(kNowMs * 50));
}

TEST(TableTest, KeepsTheRegistersItIsMadeFor) {
  const Registers registers = {1, -2, 3, -4};
  for (int kept = 1; kept <= kMaxRegisters; ++kept) {
    Table table(kept);
    table.Insert(Numbered(1), registers, {kNowMs, 17});
    table.Insert(Numbered(2), {}, {});
    const Table::Index index = table.Find(Numbered(1));
    ASSERT_NE(index, Table::kNone);
    const Registers read = table.RegistersAt(index);
    for (size_t i = 0; i < read.size(); ++i) {
      EXPECT_EQ(read[i], i < static_cast<size_t>(kept) ? registers[i] : 0);
    }
    EXPECT_EQ(table.UseAt(index).absent_ms, kNowMs);
    EXPECT_EQ(table.UseAt(index).share, 17);
  }
}

TEST(TableTest, TellsApartFingerprintsThatMeetInAChain) {
  Table table(2);
  const Fingerprint twins[] = {{7, 1}, {7, 2}, {7, 1 + 256}, {7 + (1 << 20), 1}};
  for (size_t i = 0; i < std::size(twins); ++i) {
    table.Insert(twins[i], {static_cast<int64_t>(i)}, {kNowMs, 0});
  }
  for (size_t i = 0; i < std::size(twins); ++i) {
    EXPECT_EQ(table.RegistersAt(table.Find(twins[i]))[0], static_cast<int64_t>(i));
  }
  EXPECT_EQ(table.Find({7, 3}), Table::kNone);
}

// Random inserts, writes, erasures and sweeps, beside a std::map.
TEST(TableTest, HoldsWhatAMapHolds) {
  Table table(2);
  std::map<uint64_t, std::pair<int64_t, int64_t>> map;  // number: value, absent_ms
  std::mt19937_64 random(3);
  int64_t now_ms = 0;
  for (int64_t step = 0; step < 200'000; ++step) {
    const uint64_t number = random() % 5000;
    const Fingerprint fingerprint = Numbered(number);
    const Table::Index index = table.Find(fingerprint);
    const int64_t absent_ms = now_ms + static_cast<int64_t>(random() % 3000);
    if (index == Table::kNone) {
      const auto known = map.find(number);
      ASSERT_TRUE(known == map.end() || known->second.second <= now_ms) << "lost " << number;
      table.Insert(fingerprint, {step, -step}, {absent_ms, 0});
      map[number] = {step, absent_ms};
    } else {
      ASSERT_EQ(table.RegistersAt(index)[0], map[number].first);
      if (random() % 4 == 0) {
        table.Erase(index);
        map.erase(number);
      } else {
        table.Write(index, {step, -step}, {absent_ms, 0});
        map[number] = {step, absent_ms};
      }
    }
    int budget = 64;
    table.Grow(budget);
    table.Sweep(now_ms, 2, budget);
    ++now_ms;
  }
  EXPECT_LE(table.size(), map.size());
  for (Table::Index index = 0; index < table.size(); ++index) {
    ASSERT_EQ(table.Find(table.FingerprintAt(index)), index);
  }
}

TEST(TableTest, GrowsAndSweepsWithinItsBudget) {
  Table table(2);
  int most = 0;
  for (uint64_t number = 0; number < 200'000; ++number) {
    table.Insert(Numbered(number), {}, {kNowMs, 0});
    int budget = 64;
    table.Grow(budget);
    most = std::max(most, 64 - budget);
    ASSERT_GE(budget, 0);
  }
  EXPECT_GT(most, 0);

  int none = 0;
  table.Sweep(kNowMs, 100, none);
  EXPECT_EQ(table.size(), 200'000u);
  int calls = 0;
  for (; table.size() > 0; ++calls) {
    int budget = 64;
    table.Sweep(kNowMs, 100, budget);
    ASSERT_EQ(budget, 0);
  }
  EXPECT_EQ(calls, 200'000 / 32);
}

TEST(TableTest, GivesMemoryBack) {
  Table table(2);
  for (uint64_t number = 0; number < 10'000; ++number) {
    table.Insert(Numbered(number), {}, {kNowMs, 0});
  }
  const int64_t full = table.bytes();
  while (table.size() > 100) table.Erase(0);
  EXPECT_LT(table.bytes(), full / 10);
}

}  // namespace
}  // namespace sluice
