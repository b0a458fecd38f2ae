// What it costs to find the throttles that apply to a gateway's request: through the index, and by
// asking each of them. Three apply, however many there are.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/gateway_index.h"

namespace sluice {
namespace {

constexpr absl::string_view kMethod = "POST";
constexpr absl::string_view kTarget = "/svc1/api/v2/users?page=3";

Rules Applying(absl::string_view path, std::vector<std::string> methods) {
  Rule rule;
  rule.path = *PathPattern::Parse(path);
  rule.methods = std::move(methods);
  return {{}, {rule}};
}

// Five throttles a service, of which three are for POST /api/v2/users; for some services only.
std::vector<Rules> ThrottlesOf(size_t count) {
  std::vector<Rules> throttles;
  for (size_t service = 0; throttles.size() < count; ++service) {
    const std::string root = absl::StrCat("/svc", service);
    throttles.push_back(Applying(root + "/api/**", {"POST", "PUT", "DELETE"}));
    throttles.push_back(Applying(root + "/api/**", {"GET"}));
    throttles.push_back(Applying(root + "/api/v*/users", {}));
    throttles.push_back(Applying(root, {}));
    throttles.push_back(Applying(root + "/*/v*/admin/**", {}));
  }
  return throttles;
}

struct World {
  explicit World(size_t count) : throttles(ThrottlesOf(count)) {
    std::vector<GatewayIndex::Entry> entries;
    for (const Rules& rules : throttles) entries.push_back({&rules, false});
    index = GatewayIndex(entries);
  }

  const std::vector<Rules> throttles;
  GatewayIndex index;
};

absl::string_view Nothing(absl::string_view /*key*/) { return ""; }

// `find(request)` is how many apply.
template <class Find>
void Run(benchmark::State& state, const Find& find) {
  for (auto _ : state) {
    const RequestPath path(kTarget);
    const size_t found = find({kMethod, path, Nothing});
    if (found != 3) state.SkipWithError("not three throttles apply");
  }
}

void ThroughTheIndex(benchmark::State& state) {
  const World world(static_cast<size_t>(state.range(0)));
  std::vector<uint32_t> candidates;
  Run(state, [&](const RequestAttributes& request) {
    world.index.Candidates(request, candidates);
    size_t found = 0;
    for (uint32_t i : candidates) found += Judge(world.throttles[i], request).applies ? 1U : 0U;
    return found;
  });
  state.counters["candidates"] = static_cast<double>(candidates.size());
}

void AskingEach(benchmark::State& state) {
  const World world(static_cast<size_t>(state.range(0)));
  Run(state, [&](const RequestAttributes& request) {
    size_t found = 0;
    for (const Rules& rules : world.throttles) found += Judge(rules, request).applies ? 1U : 0U;
    return found;
  });
}

BENCHMARK(ThroughTheIndex)->ArgName("throttles")->RangeMultiplier(10)->Range(10, 10'000);
BENCHMARK(AskingEach)->ArgName("throttles")->RangeMultiplier(10)->Range(10, 10'000);

}  // namespace
}  // namespace sluice
