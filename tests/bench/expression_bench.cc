// What a cost costs that is computed from the context.
#include "policy/expression.h"

#include <benchmark/benchmark.h>

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sluice {
namespace {

void Evaluate(benchmark::State& state, absl::string_view source, absl::string_view value) {
  const Expression expression = *Expression::Compile(source);
  int64_t failed = 0;
  for (auto _ : state) {
    const absl::StatusOr<int64_t> cost =
        expression.Evaluate([&](absl::string_view) { return value; });
    failed += cost.ok() ? 0 : 1;
    benchmark::DoNotOptimize(cost);
  }
  state.counters["failed"] = static_cast<double>(failed) / static_cast<double>(state.iterations());
}

BENCHMARK_CAPTURE(Evaluate, Constant, "1", "");
BENCHMARK_CAPTURE(Evaluate, Example, "ceil(content_length / 1024)", "4097");
BENCHMARK_CAPTURE(Evaluate, Text, "({GET = 1, POST = 3})[method] or 10", "POST");
BENCHMARK_CAPTURE(Evaluate, Fails, "ceil(content_length / 1024)", "");
// What takes the longest of all that is bounded.
BENCHMARK_CAPTURE(Evaluate, Loops, "(function() while true do end end)()", "");
BENCHMARK_CAPTURE(Evaluate, Fills,
                  "(function() local t = {} while true do t[#t + 1] = {} end end)()", "");

}  // namespace
}  // namespace sluice
