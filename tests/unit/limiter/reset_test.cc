#include <gmock/gmock.h>

#include "tests/fakes/awaited.h"
#include "tests/fakes/borrowed.h"
#include "tests/fakes/flaky_backend.h"
#include "tests/unit/limiter/limiter_fixture.h"

namespace sluice {
namespace {

using Resets = AwaitedCall<ResetCall>;

class ResetTest : public LimiterTest {
 protected:
  std::unique_ptr<Resets> Reset(const std::vector<absl::string_view>& uids,
                                const std::vector<ThrottleRequest::Pair>& context = {}) {
    auto call = std::make_unique<Resets>(now_us_);
    call->throttles.assign(uids.begin(), uids.end());
    call->identifier = "alice";
    call->context.assign(context.begin(), context.end());
    limiter_.Reset(*call);
    return call;
  }
};

TEST_F(ResetTest, ForgetsOneIdentifierUnderTheNamedThrottles) {
  Use("throttles: [{uid: a, rate: 5/min}, {uid: b, rate: 5/min}, {uid: c, rate: unlimited}]");
  Hit({"a", "b", "c"});
  auto other = Prepare(Verb::kHit, {"a"});
  other->identifier = "bob";
  Decide(*other);
  auto call = Reset({"a", "c"});
  EXPECT_TRUE(call->Wait().ok());
  EXPECT_EQ(call->keys_reset(), 1);
  EXPECT_EQ(Remaining("a"), 5);
  EXPECT_EQ(Remaining("b"), 4);
  auto again = Reset({"a"});
  EXPECT_EQ(again->keys_reset(), 0);
  auto bob = Prepare(Verb::kStat, {"a"});
  bob->identifier = "bob";
  Decide(*bob);
  EXPECT_EQ(bob->lines()[0].verdict.remaining, 4);
}

TEST_F(ResetTest, TheContextChoosesTheCounterAsInAHit) {
  Use(R"(throttles:
  - uid: t
    rate: 10/min
    strategy: {type: tiered_rate, tiers: {pro: 2, free: 1}, default_tier: free}
    key_by: [region])");
  const auto hit = [&](absl::string_view tier, absl::string_view region) {
    auto call = Prepare(Verb::kHit, {"t"});
    call->context = {{"tier", tier}, {"region", region}};
    Decide(*call);
  };
  hit("pro", "eu");
  hit("", "eu");
  EXPECT_EQ(Reset({"t"}, {{"tier", "pro"}, {"region", "us"}})->keys_reset(), 0);
  EXPECT_EQ(Reset({"t"}, {{"tier", "pro"}, {"region", "eu"}})->keys_reset(), 1);
  EXPECT_EQ(Reset({"t"}, {{"region", "eu"}})->keys_reset(), 1);
}

TEST_F(ResetTest, GoesToEveryBackendThatMayHoldTheCounter) {
  FlakyBackend home(NewMemoryBackend({}));
  FlakyBackend spare(NewMemoryBackend({}));
  limiter_.Publish(PolicyOf("backends: {home: {type: memory}, spare: {type: memory}}\n"
                            "default_backend: home\n"
                            "throttles: [{uid: a, rate: 5/min, on_error: {fallback: spare}}]"),
                   {Borrowed(home), Borrowed(spare)});
  Hit({"a"});
  home.down = true;
  Hit({"a"});
  auto failed = Reset({"a"});
  EXPECT_EQ(failed->Wait().code(), absl::StatusCode::kUnavailable);
  home.down = false;
  Hit({"a"});
  auto call = Reset({"a"});
  EXPECT_TRUE(call->Wait().ok());
  EXPECT_EQ(Remaining("a"), 5);
}

TEST_F(ResetTest, UnknownNamesAreToldAsInAHit) {
  Use("throttles: [{uid: a, rate: 5/min}]");
  auto call = Reset({"b"});
  EXPECT_EQ(call->Wait().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sluice
