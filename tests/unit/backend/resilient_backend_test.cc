#include "backend/resilient/resilient_backend.h"

#include <gmock/gmock.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/rate.h"
#include "tests/conformance/counters.h"
#include "tests/fakes/awaited_decision.h"
#include "tests/fakes/awaited_forgetting.h"
#include "tests/fakes/fake_clock.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kMs = 1'000;

absl::Status Down() { return absl::UnavailableError("down"); }
absl::Status NotSent() { return NotRun(absl::UnavailableError("not connected")); }

// Answers as the script says, one line a decision, and well when there is none; or holds what it is
// asked. On one thread.
class ScriptedBackend final : public Backend {
 public:
  void Decide(Decision& decision) override {
    deadlines.push_back(decision.deadline_us);
    if (hold) {
      held.push_back(&decision);
      return;
    }
    Answer(decision, Next());
  }
  uint32_t Unit(const CounterKey& key) const override {
    return static_cast<uint32_t>(key.bytes().size());
  }
  void Forget(Forgetting& forgetting) override {
    asked_to_forget.push_back(forgetting.now_us);
    name_spaces = forgetting.name_spaces;
    forgetting.forgotten = static_cast<int64_t>(forgetting.keys.size());
    forgetting.Done(Next());
  }
  BackendStats Stats() const override {
    BackendStats stats;
    stats.up = false;
    stats.remote.emplace().errors[kCutError] = 7;
    return stats;
  }

  // Answers the oldest that is held.
  void Release(absl::Status status) {
    Decision& decision = *held.front();
    held.pop_front();
    Answer(decision, std::move(status));
  }

  std::deque<absl::Status> script;
  bool hold = false;
  std::deque<Decision*> held;
  std::vector<int64_t> deadlines;  // of each that was asked
  std::vector<int64_t> asked_to_forget;
  std::vector<std::string> name_spaces;  // of what it was asked to forget last

 private:
  static void Answer(Decision& decision, absl::Status status) {
    if (!decision.verdicts.empty()) decision.verdicts[0].remaining = 42;
    decision.Done(std::move(status));
  }
  absl::Status Next() {
    if (script.empty()) return absl::OkStatus();
    absl::Status next = std::move(script.front());
    script.pop_front();
    return next;
  }
};

class ResilientBackendTest : public testing::Test {
 protected:
  struct Task {
    int64_t delay_us;
    std::function<void()> run;
  };

  void SetUp() override { Make({}); }
  void Make(const ResilientOptions& options) {
    auto inner = std::make_unique<ScriptedBackend>();
    inner_ = inner.get();
    ResilientHooks hooks;
    hooks.after = [this](int64_t delay_us, std::function<void()> task) {
      tasks_.push_back({delay_us, std::move(task)});
    };
    hooks.on_breaker = [this](BreakerState state) { told_.push_back(state); };
    backend_ = NewResilientBackend(std::move(inner), options, std::move(hooks), clock_);
  }

  std::unique_ptr<AwaitedDecision> Ask(int64_t deadline_us = kNever) {
    auto decision = std::make_unique<AwaitedDecision>(
        std::vector<Charge>{{key_, limit_, 1, Mode::kTake}}, clock_.Now());
    decision->deadline_us = deadline_us;
    backend_->Decide(*decision);
    return decision;
  }
  absl::Status AskNow() {
    const auto decision = Ask();
    EXPECT_EQ(decision->times_done(), 1);
    return decision->Wait();
  }
  // Runs the oldest task at its time.
  void RunTask() {
    ASSERT_FALSE(tasks_.empty());
    const Task task = tasks_.front();
    tasks_.pop_front();
    clock_.Advance(task.delay_us);
    task.run();
  }
  void Fail(int times) {
    for (int i = 0; i < times; ++i) {
      inner_->script.push_back(Down());
      EXPECT_EQ(AskNow(), Down());
    }
  }
  // Past the longest that it may be open.
  void Recover() { clock_.Advance(601 * kMs); }
  size_t asked() const { return inner_->deadlines.size(); }
  int64_t Refused() const { return backend_->Stats().remote->errors[kBreakerError]; }

  const Limit limit_ = LimitOf("fixed_window", "10/min");
  const CounterKey key_ = KeyOf("a", limit_);
  FakeClock clock_;
  std::deque<Task> tasks_;
  std::vector<BreakerState> told_;
  ScriptedBackend* inner_ = nullptr;
  std::unique_ptr<ResilientBackend> backend_;
};

TEST_F(ResilientBackendTest, HandsOnTheDecisionAndItsVerdicts) {
  const auto decision = Ask();
  EXPECT_TRUE(decision->Wait().ok());
  EXPECT_EQ(decision->times_done(), 1);
  EXPECT_EQ(decision->verdicts_told()[0].remaining, 42);
  EXPECT_EQ(backend_->Unit(key_), key_.bytes().size());
}

TEST_F(ResilientBackendTest, TheSmallerDeadlineStandsCountedFromArrival) {
  const int64_t now_us = clock_.Now();
  Ask();
  Ask(now_us + 4 * kMs);
  Ask(now_us + 40 * kMs);
  EXPECT_THAT(inner_->deadlines,
              ElementsAre(now_us + 15 * kMs, now_us + 4 * kMs, now_us + 15 * kMs));
}

TEST_F(ResilientBackendTest, WhatComesAfterItsDeadlineIsNotAsked) {
  AwaitedDecision late({{key_, limit_, 1, Mode::kTake}}, clock_.Now());
  clock_.Advance(15 * kMs);
  backend_->Decide(late);
  EXPECT_EQ(late.Wait().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(ProvesNotRun(late.Wait()));
  EXPECT_EQ(asked(), 0u);
}

TEST_F(ResilientBackendTest, AsksAgainWhenNothingRan) {
  inner_->script = {NotSent(), NotSent()};
  const auto decision = Ask();
  EXPECT_EQ(decision->times_done(), 0);
  EXPECT_EQ(tasks_.front().delay_us, 1 * kMs);
  RunTask();
  EXPECT_EQ(tasks_.front().delay_us, 2 * kMs);
  RunTask();
  EXPECT_TRUE(decision->Wait().ok());
  EXPECT_EQ(asked(), 3u);
  EXPECT_EQ(inner_->deadlines[0], inner_->deadlines[2]);
}

TEST_F(ResilientBackendTest, AsksAgainOnlySoOften) {
  inner_->script = {NotSent(), NotSent(), NotSent()};
  const auto decision = Ask();
  RunTask();
  RunTask();
  EXPECT_EQ(decision->Wait(), NotSent());
  EXPECT_TRUE(ProvesNotRun(decision->Wait()));
  EXPECT_THAT(tasks_, IsEmpty());
}

TEST_F(ResilientBackendTest, WhatMayHaveRunIsNeverAskedAgain) {
  inner_->script = {Down()};
  EXPECT_EQ(AskNow(), Down());
  EXPECT_EQ(asked(), 1u);
  EXPECT_THAT(tasks_, IsEmpty());
}

TEST_F(ResilientBackendTest, ThereIsNoRetryForWhichNoTimeIsLeft) {
  inner_->script = {NotSent(), NotSent()};
  const auto decision = Ask(clock_.Now() + 2 * kMs);
  RunTask();
  EXPECT_EQ(decision->Wait(), NotSent());
  EXPECT_THAT(tasks_, IsEmpty());
}

TEST_F(ResilientBackendTest, ARetryThatComesTooLateIsNotMade) {
  inner_->script = {NotSent()};
  const auto decision = Ask();
  clock_.Advance(15 * kMs);
  RunTask();
  EXPECT_EQ(decision->Wait().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(ProvesNotRun(decision->Wait()));
  EXPECT_EQ(asked(), 1u);
}

TEST_F(ResilientBackendTest, OpensAfterFailuresInARow) {
  Fail(4);
  EXPECT_TRUE(AskNow().ok());
  Fail(4);
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
  Fail(1);
  EXPECT_EQ(backend_->breaker(), BreakerState::kOpen);
  EXPECT_THAT(told_, ElementsAre(BreakerState::kOpen));
  const absl::Status refused = AskNow();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(refused.message(), "the breaker is open");
  EXPECT_TRUE(ProvesNotRun(refused));
  EXPECT_EQ(asked(), 10u);
  EXPECT_EQ(Refused(), 1);
}

TEST_F(ResilientBackendTest, ClosesAfterSuccessesHalfOpen) {
  Fail(5);
  Recover();
  EXPECT_EQ(backend_->breaker(), BreakerState::kHalfOpen);
  EXPECT_TRUE(AskNow().ok());
  EXPECT_EQ(backend_->breaker(), BreakerState::kHalfOpen);
  EXPECT_TRUE(AskNow().ok());
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
  EXPECT_THAT(told_, ElementsAre(BreakerState::kOpen, BreakerState::kClosed));
}

TEST_F(ResilientBackendTest, AFailureHalfOpenOpensItAgain) {
  Fail(5);
  Recover();
  EXPECT_TRUE(AskNow().ok());
  Fail(1);
  EXPECT_EQ(backend_->breaker(), BreakerState::kOpen);
  Recover();
  EXPECT_TRUE(AskNow().ok());
  EXPECT_EQ(backend_->breaker(), BreakerState::kHalfOpen);
  EXPECT_THAT(told_, ElementsAre(BreakerState::kOpen));
}

TEST_F(ResilientBackendTest, HalfOpenLetsOneThroughAtATime) {
  Fail(5);
  Recover();
  inner_->hold = true;
  const auto first = Ask();
  EXPECT_EQ(first->times_done(), 0);
  EXPECT_EQ(AskNow().message(), "the breaker is open");
  inner_->Release(absl::OkStatus());
  EXPECT_TRUE(first->Wait().ok());
  const auto second = Ask();
  EXPECT_EQ(second->times_done(), 0);
  inner_->Release(absl::OkStatus());
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
}

TEST_F(ResilientBackendTest, OneThatProvesNothingMakesRoomForTheNext) {
  Fail(5);
  Recover();
  inner_->script = {absl::InvalidArgumentError("what?")};
  EXPECT_EQ(AskNow().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(backend_->breaker(), BreakerState::kHalfOpen);
  EXPECT_TRUE(AskNow().ok());
  EXPECT_TRUE(AskNow().ok());
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
}

TEST_F(ResilientBackendTest, AnswersOfAPhaseThatIsOverDoNotCount) {
  inner_->hold = true;
  const auto early = Ask();
  inner_->hold = false;
  Fail(5);
  Recover();
  EXPECT_TRUE(AskNow().ok());
  inner_->Release(Down());
  EXPECT_EQ(early->Wait(), Down());
  EXPECT_EQ(backend_->breaker(), BreakerState::kHalfOpen);
}

TEST_F(ResilientBackendTest, RecoversAfterItsTimeGiveOrTakeAFifth) {
  for (int i = 0; i < 200; ++i) {
    Make({});
    Fail(5);
    clock_.Advance(399 * kMs);
    EXPECT_EQ(backend_->breaker(), BreakerState::kOpen);
    clock_.Advance(202 * kMs);
    EXPECT_EQ(backend_->breaker(), BreakerState::kHalfOpen);
  }
}

TEST_F(ResilientBackendTest, TheTimeIsNotAlwaysTheSame) {
  int half_open = 0;
  for (int i = 0; i < 200; ++i) {
    Make({});
    Fail(5);
    clock_.Advance(500 * kMs);
    if (backend_->breaker() == BreakerState::kHalfOpen) ++half_open;
  }
  EXPECT_GT(half_open, 0);
  EXPECT_LT(half_open, 200);
}

TEST_F(ResilientBackendTest, ErrorsOfTheCallersDoNotCount) {
  for (int i = 0; i < 20; ++i) {
    inner_->script = {absl::InvalidArgumentError("what?"), absl::ResourceExhaustedError("full")};
    Ask();
    Ask();
  }
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
}

TEST_F(ResilientBackendTest, NoAnswerInTimeIsAFailure) {
  for (int i = 0; i < 5; ++i) {
    inner_->script = {absl::DeadlineExceededError("no answer")};
    Ask();
  }
  EXPECT_EQ(backend_->breaker(), BreakerState::kOpen);
}

TEST_F(ResilientBackendTest, ACallerInAHurryProvesNothing) {
  for (int i = 0; i < 20; ++i) {
    inner_->script = {absl::DeadlineExceededError("no answer")};
    Ask(clock_.Now() + 14 * kMs);
  }
  EXPECT_EQ(asked(), 20u);
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
}

TEST_F(ResilientBackendTest, OneWhoseTimeOthersHaveSpentProvesNothing) {
  for (int i = 0; i < 20; ++i) {
    AwaitedDecision late({{key_, limit_, 1, Mode::kTake}}, clock_.Now());
    clock_.Advance(10 * kMs);
    inner_->script = {absl::DeadlineExceededError("no answer")};
    backend_->Decide(late);
  }
  EXPECT_EQ(asked(), 20u);
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
}

TEST_F(ResilientBackendTest, ARetryEndsWhenItOpensMeanwhile) {
  inner_->script = {NotSent()};
  const auto decision = Ask();
  Fail(5);
  RunTask();
  EXPECT_EQ(decision->Wait().message(), "the breaker is open");
  EXPECT_TRUE(ProvesNotRun(decision->Wait()));
  EXPECT_EQ(asked(), 6u);
}

TEST_F(ResilientBackendTest, ForcedOpenAsksNothingUntilItIsAutomaticAgain) {
  backend_->SetBreaker(BreakerMode::kForcedOpen);
  EXPECT_THAT(told_, ElementsAre(BreakerState::kOpen));
  clock_.Advance(kSecondUs * 3600);
  backend_->ProvedAlive();
  EXPECT_EQ(AskNow().message(), "the breaker is open");
  EXPECT_EQ(asked(), 0u);
  backend_->SetBreaker(BreakerMode::kAutomatic);
  EXPECT_EQ(backend_->breaker(), BreakerState::kHalfOpen);
  EXPECT_TRUE(AskNow().ok());
  EXPECT_TRUE(AskNow().ok());
  EXPECT_THAT(told_, ElementsAre(BreakerState::kOpen, BreakerState::kClosed));
}

TEST_F(ResilientBackendTest, ForcedClosedAsksWhateverHappens) {
  Fail(5);
  backend_->SetBreaker(BreakerMode::kForcedClosed);
  EXPECT_THAT(told_, ElementsAre(BreakerState::kOpen, BreakerState::kClosed));
  Fail(20);
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
  backend_->SetBreaker(BreakerMode::kAutomatic);
  Fail(4);
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
  Fail(1);
  EXPECT_EQ(backend_->breaker(), BreakerState::kOpen);
}

TEST_F(ResilientBackendTest, OneThatProvedAliveIsTriedAtOnce) {
  backend_->ProvedAlive();
  EXPECT_EQ(backend_->breaker(), BreakerState::kClosed);
  Fail(5);
  backend_->ProvedAlive();
  EXPECT_EQ(backend_->breaker(), BreakerState::kHalfOpen);
  EXPECT_TRUE(AskNow().ok());
}

TEST_F(ResilientBackendTest, OtherOptionsHoldFromNowOn) {
  ResilientOptions options;
  options.deadline_us = 3 * kMs;
  options.breaker.failure_threshold = 1;
  options.retry.max_retries = 0;
  backend_->SetOptions(options);
  inner_->script = {NotSent()};
  EXPECT_EQ(AskNow(), NotSent());
  EXPECT_THAT(inner_->deadlines, ElementsAre(clock_.Now() + 3 * kMs));
  EXPECT_EQ(backend_->breaker(), BreakerState::kOpen);
}

TEST_F(ResilientBackendTest, ForgettingPassesAndCountsAndIsNeverAskedAgain) {
  AwaitedForgetting passes({key_, key_}, clock_.Now());
  backend_->Forget(passes);
  EXPECT_TRUE(passes.Wait().ok());
  EXPECT_EQ(passes.forgotten, 2);
  EXPECT_THAT(inner_->asked_to_forget, ElementsAre(clock_.Now()));
  for (int i = 0; i < 5; ++i) {
    inner_->script = {NotSent()};
    AwaitedForgetting fails(ScopeOf("throttle"), clock_.Now());
    backend_->Forget(fails);
    EXPECT_EQ(fails.Wait(), NotSent());
  }
  EXPECT_THAT(tasks_, IsEmpty());
  EXPECT_EQ(backend_->breaker(), BreakerState::kOpen);
  AwaitedForgetting refused({key_}, clock_.Now());
  backend_->Forget(refused);
  EXPECT_EQ(refused.Wait().message(), "the breaker is open");
  EXPECT_EQ(inner_->asked_to_forget.size(), 6u);
}

TEST_F(ResilientBackendTest, ForgetsInTheNamespacesThatAreAskedForAlone) {
  AwaitedForgetting forgetting(ScopeOf("throttle"), clock_.Now());
  forgetting.name_spaces = {"staging"};
  backend_->Forget(forgetting);
  EXPECT_TRUE(forgetting.Wait().ok());
  EXPECT_THAT(inner_->name_spaces, ElementsAre("staging"));
}

TEST_F(ResilientBackendTest, TellsTheBreakerBesideWhatTheBackendTells) {
  Fail(5);
  Ask();
  const BackendStats stats = backend_->Stats();
  EXPECT_FALSE(stats.up);
  EXPECT_EQ(stats.remote->errors[kCutError], 7);
  EXPECT_EQ(stats.remote->errors[kBreakerError], 1);
  EXPECT_EQ(stats.remote->breaker, BreakerState::kOpen);
}

// What it is told of, one at a time.
class Told {
 public:
  void Tell(BreakerState state) {
    EXPECT_EQ(inside_.fetch_add(1), 0);
    EXPECT_EQ(state, last_ == BreakerState::kOpen ? BreakerState::kClosed : BreakerState::kOpen);
    last_ = state;
    ++times_;
    --inside_;
  }
  int times() const { return times_; }

 private:
  std::atomic<int> inside_ = 0;
  std::atomic<int> times_ = 0;
  BreakerState last_ = BreakerState::kClosed;
};

// Fails and works in turns, on the callers' threads.
class MoodyBackend final : public Backend {
 public:
  void Decide(Decision& decision) override {
    const uint64_t turn = turn_.fetch_add(1);
    if (turn % 64 < 40) return decision.Done(absl::OkStatus());
    decision.Done(turn % 2 == 0 ? Down() : NotSent());
  }
  void Forget(Forgetting& forgetting) override { forgetting.Done(absl::OkStatus()); }
  BackendStats Stats() const override { return {}; }

 private:
  std::atomic<uint64_t> turn_ = 0;
};

TEST(ResilientBackendHammerTest, EveryDecisionIsAnsweredOnceWhateverTheBreakerDoes) {
  constexpr int kThreads = 8;
  constexpr int kDecisions = 3000;
  const Limit limit = LimitOf("fixed_window", "10/min");
  const CounterKey key = KeyOf("a", limit);
  FakeClock clock;
  Told told;
  ResilientHooks hooks;
  hooks.after = [](int64_t, const std::function<void()>& task) { task(); };
  hooks.on_breaker = [&](BreakerState state) { told.Tell(state); };
  const auto backend =
      NewResilientBackend(std::make_unique<MoodyBackend>(), {}, std::move(hooks), clock);
  std::atomic<int64_t> refused = 0;
  std::atomic<bool> over = false;
  const auto call = [&] {
    for (int i = 0; i < kDecisions; ++i) {
      AwaitedDecision decision({{key, limit, 1, Mode::kTake}}, clock.Now());
      backend->Decide(decision);
      EXPECT_EQ(decision.times_done(), 1);
      if (decision.Wait().message() == "the breaker is open") ++refused;
      clock.Advance(1);
    }
  };
  std::thread operates([&] {
    for (int i = 0; !over; ++i) {
      const BreakerMode modes[] = {BreakerMode::kForcedOpen, BreakerMode::kAutomatic,
                                   BreakerMode::kForcedClosed, BreakerMode::kAutomatic};
      backend->SetBreaker(modes[i % 4]);
      backend->ProvedAlive();
      backend->SetOptions({});
      backend->Stats();
      clock.Advance(1000);
    }
  });
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(call);
  for (std::thread& thread : threads) thread.join();
  over = true;
  operates.join();
  EXPECT_EQ(backend->Stats().remote->errors[kBreakerError], refused);
  EXPECT_GT(told.times(), 0);
}

}  // namespace
}  // namespace sluice
