// What the native step of each strategy costs, with its store: at the rate, where all hits pass,
// and at ten times the rate, where nine of ten are denied. Time runs on with the hits, so windows
// roll, buckets drain and logs forget.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "backend/memory/log_pool.h"
#include "core/charge.h"
#include "core/rate.h"
#include "strategy/limit.h"
#include "tests/fakes/required_params.h"

namespace sluice {
namespace {

constexpr int64_t kStartUs = 1'700'000'000'000'000;

// One counter, kept as the memory backend keeps it.
class Counter {
 public:
  explicit Counter(const Limit& limit) : limit_(limit) {}

  bool Hit(int64_t now_us, int64_t cost, int tag) {
    Verdict verdict;
    if (limit_.keeps_log()) {
      const LogPool::Reader log(pool_, log_);
      verdict = limit_.Step({registers_, &log}, now_us, cost, true, tag);
      if (verdict.changes) log_ = pool_.Apply(log_, verdict.edit);
    } else {
      verdict = limit_.Step({registers_}, now_us, cost, true, tag);
    }
    if (verdict.changes) registers_ = verdict.registers;
    return verdict.allowed;
  }

 private:
  const Limit& limit_;
  Registers registers_{};
  LogPool pool_;
  LogPool::Handle log_ = LogPool::kEmpty;
};

// `load`: hits in the time in which one is due.
void Hits(benchmark::State& state, const std::string& strategy, int64_t load) {
  // Each hit in 1 ms: a log of a second's hits has a thousand entries.
  const Limit limit = *Limit::Create(strategy, *Rate::Parse("1000/s"), RequiredParams(strategy));
  const int tag = limit.TagOf("");
  Counter counter(limit);
  const int64_t gap_us = 1'000 / load;
  int64_t now_us = kStartUs;
  // Until what is remembered is as much as it will be.
  for (int64_t i = 0; i < 5'000 * load; ++i) counter.Hit(now_us += gap_us, 1, tag);
  int64_t allowed = 0;
  for (auto _ : state) allowed += counter.Hit(now_us += gap_us, 1, tag) ? 1 : 0;
  state.counters["allowed"] =
      static_cast<double>(allowed) / static_cast<double>(state.iterations());
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const absl::string_view name : StrategyNames()) {
    const std::string strategy(name);
    benchmark::RegisterBenchmark(absl::StrCat("Hit/", strategy).c_str(),
                                 [strategy](benchmark::State& state) { Hits(state, strategy, 1); });
    benchmark::RegisterBenchmark(
        absl::StrCat("HitAtTenTimesTheRate/", strategy).c_str(),
        [strategy](benchmark::State& state) { Hits(state, strategy, 10); });
  }
  return true;
}();

}  // namespace
}  // namespace sluice
