// A limiter over memory backends, and short ways to ask it.
#ifndef SLUICE_TESTS_UNIT_LIMITER_LIMITER_FIXTURE_H_
#define SLUICE_TESTS_UNIT_LIMITER_LIMITER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "backend/memory/memory_backend.h"
#include "limiter/limiter.h"
#include "tests/fakes/awaited_call.h"
#include "tests/fakes/borrowed.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/policies.h"

namespace sluice {

using Throttles = AwaitedCall<ThrottleCall>;
using Descriptors = AwaitedCall<DescriptorCall>;
using Verb = ThrottleCall::Verb;

// Counts the calls that it is told of. Each must be told once, while nobody has the answer yet.
class CountingObserver final : public Observer {
 public:
  void OnThrottles(const ThrottleCall& call) override {
    EXPECT_EQ(static_cast<const Throttles&>(call).times_finished(), 0);
    Count(call);
  }
  void OnDescriptors(const DescriptorCall& call) override {
    EXPECT_EQ(static_cast<const Descriptors&>(call).times_finished(), 0);
    Count(call);
  }

  void OnExpressionFailed(const Throttle& throttle, const absl::Status& why, int64_t) override {
    MutexLock lock(mutex_);
    failures_.push_back(absl::StrCat(throttle.uid, ": ", why.message()));
  }
  void OnOrphans(absl::string_view backend, size_t charges) override {
    MutexLock lock(mutex_);
    orphans_.push_back(absl::StrCat(backend, ": ", charges));
  }

  // "uid: why" of cost expressions, and "backend: charges" that were given up.
  std::vector<std::string> failures() const {
    MutexLock lock(mutex_);
    return failures_;
  }
  std::vector<std::string> orphans() const {
    MutexLock lock(mutex_);
    return orphans_;
  }
  int told() const {
    MutexLock lock(mutex_);
    return told_;
  }
  int allowed() const {
    MutexLock lock(mutex_);
    return allowed_;
  }

 private:
  void Count(const Call& call) {
    MutexLock lock(mutex_);
    ++told_;
    if (call.allowed()) ++allowed_;
  }

  mutable Mutex mutex_;
  int told_ ABSL_GUARDED_BY(mutex_) = 0;
  int allowed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> orphans_ ABSL_GUARDED_BY(mutex_);
};

class LimiterTest : public testing::Test {
 protected:
  // 2023-11-14T22:13:20Z: 40 s before the next minute, 2800 s before the next hour.
  static constexpr int64_t kStartUs = 1'700'000'000'000'000;

  // Publishes a policy over a memory backend for each that it names. The counters of backends that
  // the policy before had too, by place, go on.
  void Use(absl::string_view text, uint64_t generation = 1) {
    const std::shared_ptr<const PolicySet> policy = PolicyOf(text, generation);
    ASSERT_NE(policy, nullptr);
    std::vector<std::shared_ptr<Backend>> named;
    for (size_t i = 0; i < policy->backends.size(); ++i) {
      if (i == backends_.size()) backends_.push_back(NewMemoryBackend({}));
      named.push_back(backends_[i]);
    }
    limiter_.Publish(policy, named);
  }
  void UseBackend(absl::string_view text, Backend& backend) {
    const std::shared_ptr<const PolicySet> policy = PolicyOf(text);
    ASSERT_NE(policy, nullptr);
    limiter_.Publish(policy, {Borrowed(backend)});
  }

  std::unique_ptr<Throttles> Prepare(Verb verb, const std::vector<absl::string_view>& uids) const {
    auto call = std::make_unique<Throttles>(now_us_);
    call->verb = verb;
    call->throttles.assign(uids.begin(), uids.end());
    call->identifier = "alice";
    return call;
  }
  template <class Asked>
  void Decide(Asked& call) {
    limiter_.Decide(call);
    EXPECT_TRUE(call.Wait().ok()) << call.Wait();
    EXPECT_EQ(call.times_finished(), 1);
  }
  std::unique_ptr<Throttles> Ask(Verb verb, const std::vector<absl::string_view>& uids) {
    auto call = Prepare(verb, uids);
    Decide(*call);
    return call;
  }
  std::unique_ptr<Throttles> Hit(const std::vector<absl::string_view>& uids) {
    return Ask(Verb::kHit, uids);
  }
  // What a Stat tells to be left of a throttle for alice.
  int64_t Remaining(absl::string_view uid) {
    return Ask(Verb::kStat, {uid})->lines()[0].verdict.remaining;
  }

  static std::vector<Outcome> Outcomes(const Call& call) {
    std::vector<Outcome> outcomes;
    for (const Line& line : call.lines()) outcomes.push_back(line.outcome);
    return outcomes;
  }
  static std::string KeyText(const Line& line) {
    return line.key.has_value() ? line.key->ToString() : "";
  }

  CountingObserver observer_;
  FakeClock clock_{kStartUs};
  Limiter limiter_{HashSecret::FromSeed(1), observer_, clock_};
  std::vector<std::shared_ptr<Backend>> backends_;
  int64_t now_us_ = kStartUs;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_LIMITER_LIMITER_FIXTURE_H_
