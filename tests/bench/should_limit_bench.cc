// What ShouldLimit costs, from message to message over the memory backend, by the number of
// throttles that there are. Three apply to the request, however many there are.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "backend/memory/memory_backend.h"
#include "core/clock.h"
#include "limiter/limiter.h"
#include "policy/loader.h"
#include "service/limiter_service.h"

namespace sluice {
namespace {

class Nobody final : public Observer {
 public:
  void OnThrottles(const ThrottleCall&) override {}
  void OnDescriptors(const DescriptorCall&) override {}
  void OnExpressionFailed(const Throttle&, const absl::Status&, int64_t) override {}
  void OnOrphans(absl::string_view, size_t) override {}
};

// Services with three throttles each, all told apart by path and method.
std::string PolicyOf(int64_t throttles) {
  std::string text = "throttles:\n";
  for (int64_t i = 0; i < throttles; ++i) {
    const int64_t service = i / 3;
    const std::string root = absl::StrCat("/svc", service);
    const char* const forms[] = {"/api/**\", methods: [GET, POST]", "/api/v*/users\"", "\""};
    absl::StrAppend(&text, "  - {uid: t", i, ", rate: 1000000000/s, rules: [{apply: {path: \"",
                    root, forms[i % 3], "}}]}\n");
  }
  return text;
}

void ShouldLimit(benchmark::State& state) {
  const PolicyResult loaded = LoadPolicyText("bench.yaml", PolicyOf(state.range(0)), 1);
  if (loaded.policy == nullptr) {
    state.SkipWithError(loaded.errors[0].ToString().c_str());
    return;
  }
  Nobody nobody;
  const std::unique_ptr<Clock> clock = NewSystemClock();
  Limiter limiter(HashSecret::FromSeed(1), nobody, *clock);
  limiter.Publish(loaded.policy, {NewMemoryBackend({})});
  LimiterService service(limiter);
  v1::ShouldLimitRequest request;
  request.set_method("GET");
  request.set_path("/svc1/api/v2/users?page=3");
  request.set_identifier("alice");
  request.set_detail(v1::DETAIL_DECISION);
  CallContext context;
  context.now_us = 1'700'000'000'000'000;
  for (auto _ : state) {
    v1::ShouldLimitResponse response;
    ++context.now_us;
    service.ShouldLimit(request, context, &response, [](const absl::Status&) {});
    benchmark::DoNotOptimize(response.should_limit());
  }
  request.set_detail(v1::DETAIL_STAT);
  v1::ShouldLimitResponse response;
  service.ShouldLimit(request, context, &response, [](const absl::Status&) {});
  if (response.results_size() != 3) state.SkipWithError("not three throttles apply");
}

BENCHMARK(ShouldLimit)->ArgName("throttles")->RangeMultiplier(10)->Range(10, 10'000);

}  // namespace
}  // namespace sluice
