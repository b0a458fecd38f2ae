// Requests over several backends, some of which fail: what is answered, and what is left charged.
#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/fakes/flaky_backend.h"
#include "tests/fakes/temp_folder.h"
#include "tests/unit/limiter/limiter_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Three backends: the default tenant's, another, and one to fall back to.
class OnErrorTest : public LimiterTest {
 protected:
  // `throttles` is a list of throttles; each has a limit of 10 a minute if it says nothing else.
  void UseThrottles(absl::string_view throttles) {
    const std::shared_ptr<const PolicySet> policy = PolicyOf(absl::StrCat(
        "backends: {home: {type: memory}, away: {type: memory}, spare: {type: memory}}\n"
        "default_backend: home\n"
        "tenants: {acme: {}, globex: {backend: away}}\n"
        "defaults: {rate: 10/min}\n"
        "throttles: ",
        throttles));
    ASSERT_NE(policy, nullptr);
    limiter_.Publish(policy, {home_, away_, spare_});
  }

  static std::shared_ptr<FlakyBackend> New() {
    return std::make_shared<FlakyBackend>(NewMemoryBackend({}));
  }

  // A Hit that ends in an error.
  absl::Status Refused(const std::vector<absl::string_view>& uids) {
    auto call = Prepare(Verb::kHit, uids);
    limiter_.Decide(*call);
    const absl::Status status = call->Wait();
    EXPECT_EQ(call->times_finished(), 1);
    return status;
  }

  // Shared with the limiter, whose refunds may still ask them when the test is over.
  const std::shared_ptr<FlakyBackend> home_ = New();
  const std::shared_ptr<FlakyBackend> away_ = New();
  const std::shared_ptr<FlakyBackend> spare_ = New();
};

TEST_F(OnErrorTest, AllOrNoneOverTwoBackends) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, rate: 2/min}]");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(Hit({"a", "b"})->allowed());
  const auto denied = Hit({"a", "b"});
  EXPECT_FALSE(denied->allowed());
  EXPECT_EQ(denied->limited_by()->throttle->uid, "b");
  EXPECT_THAT(Outcomes(*denied), ElementsAre(Outcome::kAllowed, Outcome::kDenied));
  // What had been taken at home went back, and the answer shows it so.
  EXPECT_EQ(denied->lines()[0].verdict.remaining, 8);
  EXPECT_FALSE(denied->lines()[0].verdict.taken);
  EXPECT_EQ(denied->lines()[0].verdict.wait_us, 0);
  EXPECT_EQ(Remaining("a"), 8);
  EXPECT_EQ(Remaining("b"), 0);
}

TEST_F(OnErrorTest, AfterADenialTheOtherBackendsOnlyLook) {
  UseThrottles("[{uid: a, rate: 1/min}, {uid: b, backend: away}, {uid: c, backend: spare}]");
  EXPECT_TRUE(Hit({"a"})->allowed());
  const auto denied = Hit({"a", "b", "c"});
  EXPECT_THAT(Outcomes(*denied),
              ElementsAre(Outcome::kDenied, Outcome::kAllowed, Outcome::kAllowed));
  EXPECT_EQ(denied->lines()[1].verdict.remaining, 10);
  EXPECT_EQ(Remaining("b"), 10);
  EXPECT_EQ(Remaining("c"), 10);
}

TEST_F(OnErrorTest, AShadowElsewhereIsTakenIffTheRequestPasses) {
  UseThrottles("[{uid: s, shadow: true}, {uid: a, backend: away, rate: 1/min}]");
  EXPECT_TRUE(Hit({"s", "a"})->allowed());
  EXPECT_EQ(Remaining("s"), 9);
  EXPECT_FALSE(Hit({"s", "a"})->allowed());
  EXPECT_EQ(Remaining("s"), 9);
}

TEST_F(OnErrorTest, TheTenantsOfOneRequestMayLiveApart) {
  UseThrottles("[{uid: a}, {uid: b, backend: spare}]");
  auto call = Prepare(Verb::kHit, {"a", "b"});
  call->tenant = "globex";
  Decide(*call);
  EXPECT_TRUE(call->allowed());
  EXPECT_EQ(home_->asked(), 0);
  EXPECT_EQ(away_->asked(), 1);
  EXPECT_EQ(spare_->asked(), 1);
}

TEST_F(OnErrorTest, ThrottleDeniesAndTakesNothing) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, on_error: throttle}]");
  away_->down = true;
  const auto denied = Hit({"a", "b"});
  EXPECT_THAT(Outcomes(*denied), ElementsAre(Outcome::kAllowed, Outcome::kErrorDenied));
  EXPECT_EQ(denied->limited_by()->throttle->uid, "b");
  EXPECT_EQ(denied->wait_us(), 1'000'000);
  EXPECT_EQ(Remaining("a"), 10);
}

TEST_F(OnErrorTest, AnErrorTellsTheLeastWaitIfThatIsLonger) {
  UseThrottles("[{uid: b, backend: away, min_wait: 7s}]");
  away_->down = true;
  EXPECT_EQ(Hit({"b"})->wait_us(), 7'000'000);
}

TEST_F(OnErrorTest, AllowPassesOnWhatTheOthersSay) {
  UseThrottles("[{uid: a, rate: 1/min}, {uid: b, backend: away, on_error: allow}]");
  away_->down = true;
  const auto allowed = Hit({"a", "b"});
  EXPECT_TRUE(allowed->allowed());
  EXPECT_THAT(Outcomes(*allowed), ElementsAre(Outcome::kAllowed, Outcome::kErrorAllowed));
  const auto denied = Hit({"a", "b"});
  EXPECT_THAT(Outcomes(*denied), ElementsAre(Outcome::kDenied, Outcome::kErrorAllowed));
  EXPECT_EQ(denied->limited_by()->throttle->uid, "a");
}

TEST_F(OnErrorTest, RaiseIsAnErrorAndTakesNothing) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, on_error: raise}]");
  away_->down = true;
  const absl::Status status = Refused({"a", "b"});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(*status.GetPayload(kReasonPayload), "BACKEND_FAILED");
  EXPECT_EQ(*status.GetPayload("sluice/backend"), "away");
  EXPECT_EQ(Remaining("a"), 10);
  EXPECT_EQ(observer_.told(), 1);  // the look at what remains
}

TEST_F(OnErrorTest, TheErrorNamesTheBackendThatRaises) {
  UseThrottles("[{uid: a, on_error: allow}, {uid: b, backend: away, on_error: raise}]");
  home_->down = away_->down = true;
  EXPECT_EQ(*Refused({"a", "b"}).GetPayload("sluice/backend"), "away");
}

TEST_F(OnErrorTest, ADenialThatIsCertainWinsOverAnError) {
  UseThrottles("[{uid: a, rate: 1/min}, {uid: b, backend: away, on_error: raise}]");
  EXPECT_TRUE(Hit({"a"})->allowed());
  away_->down = true;
  const auto denied = Hit({"a", "b"});
  EXPECT_FALSE(denied->allowed());
  EXPECT_EQ(denied->limited_by()->throttle->uid, "a");
}

TEST_F(OnErrorTest, AFallbackDecidesInsteadAndOnItsOwnCounter) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, rate: 2/min, on_error: {fallback: spare}}]");
  EXPECT_TRUE(Hit({"a", "b"})->allowed());
  away_->down = true;
  for (int i = 0; i < 2; ++i) {
    const auto allowed = Hit({"a", "b"});
    EXPECT_THAT(Outcomes(*allowed), ElementsAre(Outcome::kAllowed, Outcome::kAllowed));
  }
  const auto denied = Hit({"a", "b"});
  EXPECT_THAT(Outcomes(*denied), ElementsAre(Outcome::kAllowed, Outcome::kDenied));
  EXPECT_EQ(Remaining("a"), 7);
  away_->down = false;
  EXPECT_EQ(Remaining("b"), 1);
}

TEST_F(OnErrorTest, WhenAnotherDeniesNoFallbackIsAsked) {
  UseThrottles("[{uid: b, backend: away, on_error: {fallback: spare}}, {uid: a, rate: 1/min}]");
  EXPECT_TRUE(Hit({"a"})->allowed());
  away_->down = true;
  const auto denied = Hit({"b", "a"});
  EXPECT_EQ(spare_->asked(), 0);
  EXPECT_THAT(Outcomes(*denied), ElementsAre(Outcome::kErrorAllowed, Outcome::kDenied));
  EXPECT_EQ(denied->limited_by()->throttle->uid, "a");
}

TEST_F(OnErrorTest, WhenAnErrorDeniesNoFallbackIsAskedEither) {
  UseThrottles("[{uid: b, backend: away, on_error: {fallback: spare}}, {uid: c, backend: away}]");
  away_->down = true;
  const auto denied = Hit({"b", "c"});
  EXPECT_EQ(spare_->asked(), 0);
  EXPECT_THAT(Outcomes(*denied), ElementsAre(Outcome::kErrorAllowed, Outcome::kErrorDenied));
}

TEST_F(OnErrorTest, WhenTheFallbackFailsTooThenDecides) {
  UseThrottles(
      "[{uid: t, backend: away, on_error: {fallback: spare}},"
      " {uid: w, backend: away, on_error: {fallback: spare, then: allow}},"
      " {uid: r, backend: away, on_error: {fallback: spare, then: raise}}]");
  away_->down = spare_->down = true;
  EXPECT_THAT(Outcomes(*Hit({"t"})), ElementsAre(Outcome::kErrorDenied));
  EXPECT_THAT(Outcomes(*Hit({"w"})), ElementsAre(Outcome::kErrorAllowed));
  EXPECT_EQ(Refused({"r"}).code(), absl::StatusCode::kUnavailable);
}

TEST_F(OnErrorTest, TheFallbacksOfARequestAreDecidedTogether) {
  UseThrottles(
      "[{uid: b, backend: away, on_error: {fallback: spare}},"
      " {uid: c, backend: away, rate: 1/min, on_error: {fallback: spare}}]");
  away_->down = true;
  EXPECT_TRUE(Hit({"b", "c"})->allowed());
  EXPECT_FALSE(Hit({"b", "c"})->allowed());
  EXPECT_EQ(Remaining("b"), 9);  // asked of the fallback too, for the look fails at home
}

TEST_F(OnErrorTest, AShadowNeverDeniesWhateverItsBackendDoes) {
  UseThrottles("[{uid: s, backend: away, shadow: true, on_error: raise}, {uid: a}]");
  away_->down = true;
  const auto allowed = Hit({"s", "a"});
  EXPECT_TRUE(allowed->allowed());
  EXPECT_THAT(Outcomes(*allowed), ElementsAre(Outcome::kErrorAllowed, Outcome::kAllowed));
}

TEST_F(OnErrorTest, ChecksFollowItAsHitsDo) {
  UseThrottles("[{uid: a}, {uid: b, backend: away}]");
  away_->down = true;
  EXPECT_FALSE(Ask(Verb::kCheck, {"a", "b"})->allowed());
  EXPECT_EQ(Remaining("a"), 10);
}

TEST_F(OnErrorTest, ChargesThatCannotGoBackAtOnceGoBackLater) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, rate: 1/min}]");
  EXPECT_TRUE(Hit({"b"})->allowed());
  home_->failing_settlements = 2;
  EXPECT_FALSE(Hit({"a", "b"})->allowed());
  for (int i = 0; i < 500 && Remaining("a") != 10; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(Remaining("a"), 10);
  EXPECT_THAT(observer_.orphans(), IsEmpty());
}

TEST_F(OnErrorTest, ThoseThatComeMeanwhileDoNotHoldUpTheOthers) {
  UseThrottles("[{uid: a, rate: 1000000/day}, {uid: b, backend: away, rate: 1/min}]");
  EXPECT_TRUE(Hit({"b"})->allowed());
  home_->failing_settlements = 1'000'000;
  for (int i = 0; i < 300 && observer_.orphans().empty(); ++i) {
    EXPECT_FALSE(Hit({"a", "b"})->allowed());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_FALSE(observer_.orphans().empty());
}

TEST_F(OnErrorTest, ChargesThatCannotGoBackInTimeAreCounted) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, rate: 1/min}]");
  EXPECT_TRUE(Hit({"b"})->allowed());
  home_->failing_settlements = 1'000'000;
  EXPECT_FALSE(Hit({"a", "b"})->allowed());
  for (int i = 0; i < 1000 && observer_.orphans().empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(observer_.orphans(), ElementsAre("home: 1"));
  EXPECT_EQ(Remaining("a"), 9);
}

TEST_F(OnErrorTest, WhatMayHaveGoneBackIsNotGivenBackAgain) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, rate: 1/min}]");
  EXPECT_TRUE(Hit({"b"})->allowed());
  home_->failing_settlements = 1;
  home_->may_have_run = true;
  EXPECT_FALSE(Hit({"a", "b"})->allowed());
  EXPECT_THAT(observer_.orphans(), ElementsAre("home: 1"));
  EXPECT_EQ(Remaining("a"), 9);
}

TEST_F(OnErrorTest, NorIsItWhenThatTurnsOutLater) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, rate: 1/min}]");
  EXPECT_TRUE(Hit({"b"})->allowed());
  home_->failing_settlements = 2;
  EXPECT_FALSE(Hit({"a", "b"})->allowed());
  home_->may_have_run = true;
  for (int i = 0; i < 500 && observer_.orphans().empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(observer_.orphans(), ElementsAre("home: 1"));
  EXPECT_EQ(home_->failing_settlements, 0);
  EXPECT_EQ(Remaining("a"), 9);
}

TEST_F(OnErrorTest, TheAnswerDoesNotWaitForWhatGoesBackAfterTheDeadline) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, rate: 1/min}]");
  EXPECT_TRUE(Hit({"b"})->allowed());
  auto call = Prepare(Verb::kHit, {"a", "b"});
  call->deadline_us = now_us_ + 1;
  clock_.Advance(1);
  Decide(*call);
  EXPECT_FALSE(call->allowed());
  EXPECT_EQ(home_->asked(), 1);
  for (int i = 0; i < 500 && Remaining("a") != 10; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(Remaining("a"), 10);
  EXPECT_THAT(observer_.orphans(), IsEmpty());
}

TEST_F(OnErrorTest, WhatGoesBackHasTheDeadlineOfTheCall) {
  UseThrottles("[{uid: a}, {uid: b, backend: away, rate: 1/min}]");
  EXPECT_TRUE(Hit({"b"})->allowed());
  auto call = Prepare(Verb::kHit, {"a", "b"});
  call->deadline_us = now_us_ + 5000;
  Decide(*call);
  EXPECT_FALSE(call->allowed());
  EXPECT_EQ(call->deadline_us, now_us_ + 5000);
  EXPECT_EQ(call->now_us, now_us_);
  EXPECT_EQ(Remaining("a"), 10);
}

TEST_F(OnErrorTest, AFallbackInMemoryStillAnswersAtTheDeadline) {
  UseThrottles("[{uid: b, backend: away, on_error: {fallback: spare}}]");
  away_->down = true;
  auto call = Prepare(Verb::kHit, {"b"});
  call->deadline_us = now_us_ + 1;
  clock_.Advance(2);
  Decide(*call);
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kAllowed));
}

TEST_F(OnErrorTest, ACounterOnAFallbackIsNotThatOfTheThrottleThere) {
  UseThrottles("[{uid: b, rate: 2/min, on_error: {fallback: spare}}]");
  home_->down = true;
  const auto first = Hit({"b"});
  EXPECT_EQ(KeyText(first->lines()[0]), "{::alice}:fallback%3Ahome%3Ab:fixed_window.1.1min.1us");
  // The tenant whose backend it is counts beside it, and so does another's fallback.
  UseThrottles("[{uid: b, rate: 2/min, backend: spare}]");
  EXPECT_EQ(Remaining("b"), 2);
  UseThrottles("[{uid: b, rate: 2/min, backend: away, on_error: {fallback: spare}}]");
  away_->down = true;
  EXPECT_EQ(Remaining("b"), 2);
  UseThrottles("[{uid: b, rate: 2/min, on_error: {fallback: spare}}]");
  EXPECT_EQ(Remaining("b"), 1);
}

TEST_F(OnErrorTest, WhatAFallbackCountedIsForgottenWhenTheBackendWorksAgain) {
  UseThrottles(
      "[{uid: a, on_error: {fallback: spare}}, {uid: b, backend: away, on_error: {fallback: "
      "spare}},"
      " {uid: s, backend: spare}]");
  home_->down = away_->down = true;
  EXPECT_TRUE(Hit({"a", "b", "s"})->allowed());
  limiter_.ForgetFallbacks("home", now_us_);
  EXPECT_EQ(Remaining("a"), 10);
  EXPECT_EQ(Remaining("b"), 9);
  EXPECT_EQ(Remaining("s"), 9);
  limiter_.ForgetFallbacks("nowhere", now_us_);
  EXPECT_EQ(Remaining("b"), 9);
}

TEST_F(OnErrorTest, ItIsForgottenAlsoForTenantsOfThatBackend) {
  UseThrottles("[{uid: a, on_error: {fallback: spare}}]");
  away_->down = true;
  const auto remaining = [&] {
    auto call = Prepare(Verb::kHit, {"a"});
    call->tenant = "globex";
    Decide(*call);
    return call->lines()[0].verdict.remaining;
  };
  EXPECT_EQ(remaining(), 9);
  EXPECT_EQ(remaining(), 8);
  limiter_.ForgetFallbacks("away", now_us_);
  EXPECT_EQ(remaining(), 9);
}

TEST_F(OnErrorTest, ItIsForgottenAlsoForDomains) {
  const TempFolder folder;
  folder.Write("edge.yaml",
               "{domain: edge, descriptors:"
               " [{key: path, rate_limit: {unit: minute, requests_per_unit: 5}}]}");
  const PolicyResult loaded =
      LoadPolicyFile(folder.Write("sluice.yaml",
                                  "backends: {home: {type: memory}, spare: {type: memory}}\n"
                                  "default_backend: home\n"
                                  "domains: {files: [edge.yaml], on_error: {fallback: spare}}\n"),
                     1);
  ASSERT_NE(loaded.policy, nullptr);
  limiter_.Publish(loaded.policy, {home_, spare_});
  home_->down = true;
  const auto remaining = [&](absl::optional<Rate> override_rate) {
    Descriptors call(now_us_);
    call.domain = "edge";
    call.asks.push_back({{{"path", "/a"}}, override_rate, 1, Mode::kTake});
    Decide(call);
    return call.lines()[0].verdict.remaining;
  };
  const Rate other = *Rate::Parse("7/min");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(remaining(absl::nullopt), 4);
    EXPECT_EQ(remaining(other), 6);
    limiter_.ForgetFallbacks("home", now_us_);
  }
}

TEST_F(OnErrorTest, ManyAreForgottenOnAShortStack) {
  std::string throttles;
  for (int i = 0; i < 20'000; ++i) {
    absl::StrAppend(&throttles, i == 0 ? "[" : ",", "{uid: t", i, ", on_error: {fallback: spare}}");
  }
  UseThrottles(throttles + "]");
  home_->down = true;
  Hit({"t0", "t19999"});
  limiter_.ForgetFallbacks("home", now_us_);
  EXPECT_EQ(Remaining("t0"), 10);
  EXPECT_EQ(Remaining("t19999"), 10);
}

TEST_F(OnErrorTest, ResetsReachTheFallbacksCounters) {
  UseThrottles("[{uid: a, on_error: {fallback: spare}}, {uid: b, on_error: {fallback: spare}}]");
  Hit({"a"});
  home_->down = true;
  Hit({"a", "b"});
  home_->down = false;
  int64_t keys_reset = 0;
  limiter_.ResetAll("a", absl::nullopt, now_us_, [&](const absl::Status& status, int64_t keys) {
    EXPECT_TRUE(status.ok()) << status;
    keys_reset = keys;
  });
  EXPECT_EQ(keys_reset, 2);
  home_->down = true;
  EXPECT_EQ(Remaining("a"), 10);
  EXPECT_EQ(Remaining("b"), 9);
}

// As a cluster has its slots: a throttle's counters are a unit, which its name's last letter names.
class SlottedBackend final : public Backend {
 public:
  explicit SlottedBackend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

  void Decide(Decision& decision) override {
    std::string unit;
    for (const Charge& charge : decision.charges) {
      EXPECT_EQ(Unit(charge.key), Unit(decision.charges[0].key));
      absl::StrAppend(&unit, charge.mode == Mode::kSettle ? "-" : "",
                      std::string(1, static_cast<char>(Unit(charge.key))));
    }
    asked.push_back(unit);
    inner_->Decide(decision);
  }
  uint32_t Unit(const CounterKey& key) const override {
    const std::string text = key.ToString();
    return static_cast<uint32_t>(text[text.find(":fixed_window") - 1]);
  }
  void Forget(Forgetting& forgetting) override { inner_->Forget(forgetting); }
  BackendStats Stats() const override { return inner_->Stats(); }

  std::vector<std::string> asked;  // a letter for each charge

 private:
  const std::unique_ptr<Backend> inner_;
};

class UnitsTest : public LimiterTest {
 protected:
  SlottedBackend slots_{NewMemoryBackend({})};
};

TEST_F(UnitsTest, TheUnitsOfABackendAreAskedOneAfterTheOther) {
  UseBackend("defaults: {rate: 9/min}\nthrottles: [{uid: xa}, {uid: xb}, {uid: ya}]", slots_);
  const auto call = Hit({"xa", "xb", "ya"});
  EXPECT_TRUE(call->allowed());
  EXPECT_THAT(slots_.asked, ElementsAre("aa", "b"));
  for (const Line& line : call->lines()) EXPECT_EQ(line.verdict.remaining, 8);
}

TEST_F(UnitsTest, WhatOneUnitTookGoesBackWhenAnotherDenies) {
  UseBackend("defaults: {rate: 9/min}\nthrottles: [{uid: xa}, {uid: b}, {uid: c, rate: 1/min}]",
             slots_);
  Hit({"c"});
  slots_.asked.clear();
  const auto denied = Hit({"xa", "b", "c"});
  EXPECT_EQ(denied->limited_by()->throttle->uid, "c");
  EXPECT_THAT(slots_.asked, ElementsAre("a", "b", "c", "-a", "-b"));
  EXPECT_EQ(Remaining("xa"), 9);
  EXPECT_EQ(Remaining("b"), 9);
}

}  // namespace
}  // namespace sluice
