// The fakes that stand for a backend across a network, and what a caller may do while one is asked.
#include "tests/fakes/late_backend.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <vector>

#include "backend/memory/memory_backend.h"
#include "tests/conformance/counters.h"
#include "tests/fakes/awaited_decision.h"
#include "tests/fakes/awaited_forgetting.h"

namespace sluice {
namespace {

class LateBackendTest : public testing::Test {
 protected:
  const Limit limit_ = LimitOf("fixed_window", "10/day");
  const CounterKey key_ = KeyOf("a", limit_);
  const std::vector<Charge> one_ = {{key_, limit_, 1, Mode::kTake}};
};

TEST_F(LateBackendTest, HoldsAnswersBackUntilReleased) {
  LateBackend backend(NewMemoryBackend({}));
  backend.Hold();
  AwaitedDecision decision(one_, kStartUs);
  backend.Decide(decision);
  EXPECT_EQ(backend.waiting(), 1u);
  EXPECT_EQ(decision.times_done(), 0);
  backend.Release();
  EXPECT_TRUE(decision.Wait().ok());
  EXPECT_EQ(backend.waiting(), 0u);
}

TEST_F(LateBackendTest, AnswersACallWhoseCallerHasGone) {
  LateBackend backend(NewMemoryBackend({}));
  backend.Hold();
  AwaitedDecision cancelled(one_, kStartUs);
  backend.Decide(cancelled);
  // A cancelled call asks nothing of the backend: its memory stays, and the charge stands.
  AwaitedDecision other(one_, kStartUs);
  backend.Decide(other);
  backend.Release();
  EXPECT_TRUE(other.Wait().ok());
  EXPECT_TRUE(cancelled.Wait().ok());
  EXPECT_EQ(cancelled.times_done(), 1);
  EXPECT_EQ(other.verdicts_told()[0].remaining, 8);
}

TEST_F(LateBackendTest, AnswersWhatIsHeldWhenItEnds) {
  std::deque<AwaitedDecision> decisions;
  {
    LateBackend backend(NewMemoryBackend({}));
    backend.Hold();
    for (int i = 0; i < 20; ++i) backend.Decide(decisions.emplace_back(one_, kStartUs));
  }
  for (const AwaitedDecision& decision : decisions) EXPECT_EQ(decision.times_done(), 1);
}

TEST_F(LateBackendTest, ForgetsInItsTurn) {
  LateBackend backend(NewMemoryBackend({}));
  backend.Hold();
  AwaitedDecision before(one_, kStartUs);
  backend.Decide(before);
  AwaitedForgetting forgetting({key_}, kStartUs);
  backend.Forget(forgetting);
  AwaitedDecision after(one_, kStartUs);
  backend.Decide(after);
  EXPECT_EQ(backend.waiting(), 3u);
  EXPECT_EQ(forgetting.times_done(), 0);
  backend.Release();
  EXPECT_TRUE(after.Wait().ok());
  EXPECT_TRUE(forgetting.Wait().ok());
  EXPECT_EQ(forgetting.forgotten, 1);
  EXPECT_EQ(before.verdicts_told()[0].remaining, 9);
  EXPECT_EQ(after.verdicts_told()[0].remaining, 9);
}

// The places in which twenty decisions were taken, in the order in which they were asked.
std::vector<int64_t> Places(const std::vector<Charge>& charges, absl::optional<uint64_t> seed) {
  LateBackend backend(NewMemoryBackend({}), seed);
  backend.Hold();
  std::deque<AwaitedDecision> decisions;
  for (int i = 0; i < 10; ++i) backend.Decide(decisions.emplace_back(charges, kStartUs));
  backend.Release();
  std::vector<int64_t> places;
  for (AwaitedDecision& decision : decisions) {
    EXPECT_TRUE(decision.Wait().ok());
    places.push_back(9 - decision.verdicts_told()[0].remaining);
  }
  return places;
}

TEST_F(LateBackendTest, AnswersInOrderOrShuffledBySeed) {
  const std::vector<int64_t> in_order = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(Places(one_, absl::nullopt), in_order);
  EXPECT_NE(Places(one_, 7), in_order);
  EXPECT_EQ(Places(one_, 7), Places(one_, 7));
}

TEST_F(LateBackendTest, FailingBackendTellsItsError) {
  FailingBackend backend(absl::UnavailableError("gone"));
  AwaitedDecision decision(one_, kStartUs);
  backend.Decide(decision);
  EXPECT_EQ(decision.Wait(), absl::UnavailableError("gone"));
  AwaitedForgetting forgetting({key_}, kStartUs);
  backend.Forget(forgetting);
  EXPECT_EQ(forgetting.Wait(), absl::UnavailableError("gone"));
  EXPECT_FALSE(backend.Stats().up);
}

}  // namespace
}  // namespace sluice
