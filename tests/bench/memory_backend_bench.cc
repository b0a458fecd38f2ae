// What a decision costs in memory: time by the number of keys and of charges.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "backend/memory/memory_backend.h"
#include "core/key.h"
#include "core/rate.h"
#include "strategy/limit.h"

namespace sluice {
namespace {

constexpr int64_t kNowUs = 1'700'000'000'000'000;

class Answered final : public Decision {
 public:
  void Done(absl::Status status) override { ok = status.ok(); }
  bool ok = false;
};

// A backend with its keys in use, made once for all runs that need it.
struct World {
  World(const std::string& strategy, int64_t key_count)
      : limit(*Limit::Create(strategy, *Rate::Parse("1000000000/day"))),
        backend(NewMemoryBackend({2 * key_count})) {
    const HashSecret secret = HashSecret::FromSeed(1);
    keys.reserve(static_cast<size_t>(key_count));
    for (int64_t i = 0; i < key_count; ++i) {
      const std::string tag = absl::StrCat("user-", i);
      keys.emplace_back(KeyParts{"bench", "", tag, "api", {}, limit.shape()}, secret);
      Verdict verdict;
      Decide({{keys.back(), limit, 1, Mode::kTake}}, absl::MakeSpan(&verdict, 1));
    }
    // Keys are read in the order in which they stand here, because in a server the key is at hand
    // too; their slots are anywhere.
    std::shuffle(keys.begin(), keys.end(), std::mt19937(7));
  }

  void Decide(absl::Span<const Charge> charges, absl::Span<Verdict> verdicts) {
    Answered decision;
    decision.charges = charges;
    decision.verdicts = verdicts;
    decision.now_us = kNowUs;
    backend->Decide(decision);
  }

  const Limit limit;
  const std::unique_ptr<MemoryBackend> backend;
  std::vector<CounterKey> keys;
};

World& WorldOf(const std::string& strategy, int64_t key_count) {
  static auto& worlds = *new std::map<std::pair<std::string, int64_t>, std::unique_ptr<World>>;
  std::unique_ptr<World>& world = worlds[{strategy, key_count}];
  if (world == nullptr) world = std::make_unique<World>(strategy, key_count);
  return *world;
}

void Decide(benchmark::State& state, const char* strategy) {
  World& world = WorldOf(strategy, state.range(0));
  const auto charges = static_cast<size_t>(state.range(1));
  std::vector<Verdict> verdicts(charges);
  size_t next = 0;
  for (auto _ : state) {
    absl::InlinedVector<Charge, 4> wanted;
    for (size_t i = 0; i < charges; ++i) {
      wanted.push_back({world.keys[next], world.limit, 1, Mode::kTake});
      next = next + 1 < world.keys.size() ? next + 1 : 0;
    }
    world.Decide(wanted, absl::MakeSpan(verdicts));
    benchmark::DoNotOptimize(verdicts.data());
  }
  state.counters["bytes_a_key"] = static_cast<double>(world.backend->Use().bytes) /
                                  static_cast<double>(world.backend->Stats().keys);
}

BENCHMARK_CAPTURE(Decide, fixed_window, "fixed_window")
    ->ArgNames({"keys", "charges"})
    ->Args({1000, 1})
    ->Args({1'000'000, 1})
    ->Args({1'000'000, 3});
BENCHMARK_CAPTURE(Decide, token_bucket, "token_bucket")
    ->ArgNames({"keys", "charges"})
    ->Args({1'000'000, 1});

// A key as a request of a throttle by user makes it.
void MakeKey(benchmark::State& state) {
  const HashSecret secret = HashSecret::FromSeed(1);
  const Limit limit = *Limit::Create("token_bucket", *Rate::Parse("1000000000/day"));
  std::vector<std::string> tags;
  for (int i = 0; i < 1000; ++i) tags.push_back(absl::StrCat("user-", i));
  size_t next = 0;
  for (auto _ : state) {
    const CounterKey key({"bench", "", tags[next], "api", {}, limit.shape()}, secret);
    next = next + 1 < tags.size() ? next + 1 : 0;
    benchmark::DoNotOptimize(key.fingerprint().low);
  }
}

BENCHMARK(MakeKey);

}  // namespace
}  // namespace sluice
