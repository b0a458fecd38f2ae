// Many threads on few keys: what is admitted is exactly what the limits allow.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backend/memory/memory_backend.h"
#include "tests/conformance/counters.h"

namespace sluice {
namespace {

constexpr size_t kThreads = 8;
constexpr size_t kKeys = 12;

class Answer final : public Decision {
 public:
  void Done(absl::Status status) override { ok = status.ok(); }
  bool ok = false;
};

class Oblivion final : public Forgetting {
 public:
  void Done(absl::Status status) override { EXPECT_EQ(status, absl::OkStatus()); }
};

struct Counter {
  Limit limit;
  CounterKey key;
};

std::vector<Counter> Counters() {
  const Limit limits[] = {LimitOf("fixed_window", "7000/day"),
                          LimitOf("token_bucket", "7000/day", {{"burst_size", "9000"}}),
                          LimitOf("gcra", "10000/day", {{"burst", "8000"}})};
  std::vector<Counter> counters;
  for (size_t i = 0; i < kKeys; ++i) {
    const Limit& limit = limits[i % std::size(limits)];
    counters.push_back({limit, KeyOf(absl::StrCat("key-", i), limit)});
  }
  return counters;
}

// Decides random sets of charges until every key has denied a charge of 1, and tells what it was
// admitted per key.
class Caller {
 public:
  Caller(Backend& backend, const std::vector<Counter>& counters, uint64_t seed)
      : backend_(backend), counters_(counters), random_(seed) {}

  void Run() {
    // Large and overlapping first; then ones alone, which leave nothing.
    for (int i = 0; i < 5000; ++i) {
      std::vector<size_t> keys(1 + random_() % 8);
      for (size_t& key : keys) key = random_() % kKeys;
      Decide(keys, 1 + static_cast<int64_t>(random_() % 3));
    }
    for (size_t key = 0; key < kKeys; ++key) {
      while (Decide({key}, 1)) {
      }
    }
  }

  int64_t admitted(size_t key) const { return admitted_[key]; }

 private:
  bool Decide(const std::vector<size_t>& keys, int64_t amount) {
    std::vector<Charge> charges;
    for (const size_t key : keys) {
      charges.push_back({counters_[key].key, counters_[key].limit, amount, Mode::kTake});
    }
    std::vector<Verdict> verdicts(keys.size());
    Answer decision;
    decision.charges = charges;
    decision.verdicts = absl::MakeSpan(verdicts);
    decision.now_us = kStartUs;
    backend_.Decide(decision);
    EXPECT_TRUE(decision.ok);
    for (size_t i = 0; i < keys.size(); ++i) {
      EXPECT_EQ(verdicts[i].taken, verdicts[0].taken);
      if (verdicts[i].taken) admitted_[keys[i]] += amount;
    }
    return verdicts[0].taken;
  }

  Backend& backend_;
  const std::vector<Counter>& counters_;
  std::mt19937_64 random_;
  std::array<int64_t, kKeys> admitted_{};
};

void Hammer(const MemoryOptions& options) {
  const std::vector<Counter> counters = Counters();
  const std::unique_ptr<Backend> backend = NewMemoryBackend(options);
  std::vector<Caller> callers;
  for (uint64_t i = 0; i < kThreads; ++i) callers.emplace_back(*backend, counters, i);

  std::atomic<bool> over = false;
  std::thread scraper([&] {
    while (!over) EXPECT_LE(backend->Stats().keys, static_cast<int64_t>(kKeys));
  });
  std::vector<std::thread> threads;
  for (Caller& caller : callers) threads.emplace_back([&caller] { caller.Run(); });
  for (std::thread& thread : threads) thread.join();
  over = true;
  scraper.join();

  for (size_t key = 0; key < kKeys; ++key) {
    int64_t admitted = 0;
    for (const Caller& caller : callers) admitted += caller.admitted(key);
    EXPECT_EQ(admitted, counters[key].limit.most()) << key;
  }
}

TEST(HammerTest, AdmitsExactlyTheLimitsOverManyShards) { Hammer({}); }
TEST(HammerTest, AdmitsExactlyTheLimitsInOneShard) { Hammer({.shards = 1}); }

// Fresh keys on all sides keep growth, eviction and the sweep busy at once.
TEST(HammerTest, NeverHoldsTooManyWhileAllIsMoving) {
  constexpr int64_t kMaxKeys = 20'000;
  const Limit limit = LimitOf("fixed_window", "3/s");
  const std::unique_ptr<Backend> backend = NewMemoryBackend({.max_keys = kMaxKeys, .shards = 4});
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int64_t i = 0; i < 5000; ++i) {
        std::vector<CounterKey> keys;
        for (int j = 0; j < 3; ++j) keys.push_back(KeyOf(absl::StrCat(random() % 60'000), limit));
        const Charge charges[] = {{keys[0], limit, 1, Mode::kTake},
                                  {keys[1], limit, 1, Mode::kTake},
                                  {keys[2], limit, 1, Mode::kFollow}};
        std::array<Verdict, 3> verdicts;
        Answer decision;
        decision.charges = charges;
        decision.verdicts = absl::MakeSpan(verdicts);
        decision.now_us = kStartUs + i * 1000;
        backend->Decide(decision);
        EXPECT_TRUE(decision.ok);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(backend->Stats().keys, kMaxKeys);
  EXPECT_GT(backend->Stats().keys, 0);
}

// Its size goes up and down, and a throttle is forgotten again and again, while it is in use.
TEST(HammerTest, AdmitsExactlyTheLimitsWhileItIsResized) {
  const Limit flood = LimitOf("fixed_window", "3/day");
  const std::unique_ptr<MemoryBackend> backend =
      NewMemoryBackend({.max_keys = 50'000, .shards = 4});
  const std::vector<Counter> counters = Counters();
  std::vector<Caller> callers;
  for (uint64_t i = 0; i < 4; ++i) callers.emplace_back(*backend, counters, i);
  // At their limits from the start, so that none of them may be dropped.
  for (Caller& caller : callers) caller.Run();

  std::atomic<bool> over = false;
  std::thread operation([&] {
    for (int64_t i = 0; !over; ++i) {
      backend->Resize({.max_keys = i % 2 == 0 ? 1000 : 50'000, .allow_when_full = i % 3 == 0});
      Oblivion forgetting;
      forgetting.scope = ScopeOf("flood");
      forgetting.now_us = kStartUs;
      backend->Forget(forgetting);
    }
  });
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10'000; ++i) {
        const CounterKey key = KeyOf(absl::StrCat(t, "/", i), flood, "flood");
        const Counter& denied = counters[static_cast<size_t>(i) % kKeys];
        const Charge charges[] = {{key, flood, 1, Mode::kTake},
                                  {denied.key, denied.limit, 1, Mode::kFollow}};
        std::array<Verdict, 2> verdicts;
        Answer decision;
        decision.charges = charges;
        decision.verdicts = absl::MakeSpan(verdicts);
        decision.now_us = kStartUs;
        backend->Decide(decision);
        EXPECT_TRUE(decision.ok);
        EXPECT_FALSE(verdicts[1].allowed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  over = true;
  operation.join();
  backend->Resize({.max_keys = 1024});
  Oblivion forgetting;
  forgetting.scope = ScopeOf("flood");
  forgetting.now_us = kStartUs;
  backend->Forget(forgetting);
  EXPECT_EQ(backend->Stats().keys, static_cast<int64_t>(kKeys));
}

}  // namespace
}  // namespace sluice
