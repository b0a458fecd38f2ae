// Policies that are loaded again and again while requests run.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/policy_source.h"
#include "tests/fakes/borrowed.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/limiter/limiter_fixture.h"

namespace sluice {
namespace {

constexpr int kReloads = 200;
constexpr int kThreads = 4;
constexpr int64_t kLimit = int64_t{1} << 40;

class ReloadStormTest : public LimiterTest {
 protected:
  // What stands for the file. The throttle `same` never changes, the others do.
  static PolicyResult LoadNth(uint64_t generation) {
    return LoadPolicyText(
        "storm.yaml",
        absl::StrCat("backends: {kept: {type: memory, max_keys: ", 10'000 + generation, "}",
                     generation % 2 == 0 ? ", other: {type: memory}" : "",
                     "}\ndefault_backend: kept\nthrottles:\n  - {uid: same, rate: ", kLimit,
                     "/day}\n  - {uid: other, rate: ", generation,
                     "/min, rules: [{apply: {path: /x", generation, "}}]}\n"),
        generation);
  }

  // Hits until the storm is over; returns how many times.
  int64_t HitUntilOver() {
    int64_t hits = 0;
    uint64_t last = 0;
    while (!over_) {
      Throttles call(now_us_);
      call.throttles = {"same", "other"};
      call.identifier = "alice";
      call.context = {{"path", "/none"}};
      limiter_.Decide(call);
      EXPECT_TRUE(call.Wait().ok()) << call.Wait();
      EXPECT_TRUE(call.allowed());
      EXPECT_EQ(call.lines()[1].outcome, Outcome::kBypassed);
      // Both throttles are those of one generation, and no generation comes back.
      const uint64_t generation = call.policy().generation;
      EXPECT_EQ(call.lines()[1].throttle->rate.otherwise.rate.limit(),
                static_cast<int64_t>(generation));
      EXPECT_GE(generation, last);
      last = generation;
      ++hits;
    }
    return hits;
  }

  std::atomic<bool> over_ = false;
};

TEST_F(ReloadStormTest, LosesNoRequestAndNoCount) {
  FakeClock clock;
  const std::unique_ptr<Backend> kept = NewMemoryBackend({});
  PolicySource source([](uint64_t generation) { return LoadNth(generation); },
                      [&](std::shared_ptr<const PolicySet> policy) {
                        std::vector<std::shared_ptr<Backend>> backends = {Borrowed(*kept)};
                        // One that comes and goes.
                        if (policy->backends.size() > 1) backends.push_back(NewMemoryBackend({}));
                        limiter_.Publish(std::move(policy), std::move(backends));
                        return absl::OkStatus();
                      },
                      [](const PolicyLoad&) {}, clock);
  ASSERT_NE(source.Reload().policy, nullptr);
  std::atomic<int64_t> hits = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { hits += HitUntilOver(); });
  for (int i = 0; i < kReloads; ++i) EXPECT_NE(source.Reload().policy, nullptr);
  over_ = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(source.status().policy->generation, kReloads + 1U);
  EXPECT_EQ(Remaining("same"), kLimit - hits);
  EXPECT_GT(hits, kThreads);
}

}  // namespace
}  // namespace sluice
