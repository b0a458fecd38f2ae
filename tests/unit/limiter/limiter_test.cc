#include "limiter/limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/fakes/late_backend.h"
#include "tests/unit/limiter/limiter_fixture.h"

namespace sluice {
namespace {

using testing::Each;
using testing::ElementsAre;

std::string PayloadOf(const absl::Status& status, absl::string_view url) {
  return std::string(status.GetPayload(url).value_or(absl::Cord("(none)")));
}

// Matching.

constexpr absl::string_view kEveryEarlyEnd = R"(
throttles:
  - {uid: off, rate: unlimited, cost: 0, enabled: false}
  - {uid: free, rate: unlimited, cost: 0}
  - {uid: open, rate: unlimited}
  - {uid: plain, rate: 5/min}
)";

TEST_F(LimiterTest, EndsAtTheFirstReasonNotToAsk) {
  Use(kEveryEarlyEnd);
  const auto call = Hit({"off", "free", "open", "plain"});
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kBypassed, Outcome::kNoCost,
                                           Outcome::kUnlimited, Outcome::kAllowed));
  EXPECT_TRUE(call->allowed());
  EXPECT_EQ(call->limited_by(), nullptr);
  EXPECT_EQ(call->wait_us(), 0);
  EXPECT_EQ(call->policy().generation, 1U);
  // Only what has a counter has a key, and an unlimited throttle would have one.
  EXPECT_EQ(KeyText(call->lines()[0]), "");
  EXPECT_EQ(KeyText(call->lines()[1]), "");
  EXPECT_EQ(KeyText(call->lines()[2]), "{::alice}:open:unlimited");
  EXPECT_EQ(KeyText(call->lines()[3]), "{::alice}:plain:fixed_window.1.1min.1us");
}

TEST_F(LimiterTest, AsksNoBackendWhereNothingIsLimited) {
  FailingBackend broken(absl::UnavailableError("down"));
  UseBackend(kEveryEarlyEnd, broken);
  EXPECT_TRUE(Hit({"off", "free", "open"})->allowed());
}

TEST_F(LimiterTest, ACostOfZeroComesBeforeTheRate) {
  Use(kEveryEarlyEnd);
  auto call = Prepare(Verb::kHit, {"off", "open", "plain"});
  call->cost = 0;
  Decide(*call);
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kBypassed, Outcome::kNoCost, Outcome::kNoCost));
  EXPECT_EQ(Remaining("plain"), 5);
}

TEST_F(LimiterTest, CostIsTheNamedOneElseTheRequestsElseTheThrottles) {
  Use(R"(
throttles:
  - {uid: one, rate: 100/min}
  - {uid: three, rate: 100/min, cost: 3}
  - {uid: four, rate: 100/min, cost: 4}
)");
  Hit({"one", "three", "four"});
  EXPECT_EQ(Remaining("one"), 99);
  EXPECT_EQ(Remaining("three"), 97);
  EXPECT_EQ(Remaining("four"), 96);
  auto call = Prepare(Verb::kHit, {"one", "three", "four"});
  call->cost = 10;
  call->costs = {{"three", 20}, {"four", 0}};
  Decide(*call);
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kAllowed, Outcome::kAllowed, Outcome::kNoCost));
  EXPECT_EQ(Remaining("one"), 89);
  EXPECT_EQ(Remaining("three"), 77);
  EXPECT_EQ(Remaining("four"), 96);
}

constexpr absl::string_view kContexts = R"(
namespace: shop
tenants:
  acme: {namespace: acme-ns, default_context: {scope: of-tenant, region: of-tenant}}
throttles:
  - {uid: plain, rate: 9/min, key_by: [scope, region]}
  - {uid: own, rate: 9/min, key_by: [scope, region], context: {scope: of-throttle}}
  - {uid: named, rate: 9/min, identifier: "{region}/{user|identifier}:{nobody|scope}", key_by: []}
)";

TEST_F(LimiterTest, TheRequestsContextWinsOverTheThrottlesOverTheTenants) {
  Use(kContexts);
  auto call = Prepare(Verb::kHit, {"plain", "own"});
  call->tenant = "acme";
  Decide(*call);
  EXPECT_EQ(KeyText(call->lines()[0]),
            "{acme-ns:acme:alice}:plain:scope=of-tenant:region=of-tenant:fixed_window.1.1min.1us");
  EXPECT_EQ(KeyText(call->lines()[1]),
            "{acme-ns:acme:alice}:own:scope=of-throttle:region=of-tenant:fixed_window.1.1min.1us");

  call = Prepare(Verb::kHit, {"own"});
  call->tenant = "acme";
  call->context = {{"scope", "of-request"}, {"region", ""}};
  Decide(*call);
  // Empty is absent, so the next in line speaks.
  EXPECT_EQ(KeyText(call->lines()[0]),
            "{acme-ns:acme:alice}:own:scope=of-request:region=of-tenant:fixed_window.1.1min.1us");
}

TEST_F(LimiterTest, KeyByGivesEachValueItsOwnCounter) {
  Use(kContexts);
  const auto hit = [&](absl::string_view scope) {
    auto call = Prepare(Verb::kHit, {"plain"});
    if (!scope.empty()) call->context = {{"scope", scope}};
    Decide(*call);
    return call->lines()[0].verdict.remaining;
  };
  EXPECT_EQ(hit(""), 8);
  EXPECT_EQ(hit("mail"), 8);
  EXPECT_EQ(hit("sms"), 8);
  EXPECT_EQ(hit("mail"), 7);
  EXPECT_EQ(hit(""), 7);
}

TEST_F(LimiterTest, IdentifierTemplatesReadTheContext) {
  Use(kContexts);
  auto call = Prepare(Verb::kHit, {"named"});
  call->context = {{"region", "eu"}, {"user", "u7"}, {"scope", "mail"}, {"identifier", "forged"}};
  Decide(*call);
  EXPECT_EQ(KeyText(call->lines()[0]), "{shop::eu/u7%3Amail}:named:fixed_window.1.1min.1us");
  call = Prepare(Verb::kHit, {"named"});
  call->context = {{"identifier", "forged"}};
  Decide(*call);
  EXPECT_EQ(KeyText(call->lines()[0]), "{shop::/alice%3A}:named:fixed_window.1.1min.1us");
}

TEST_F(LimiterTest, CallersOfWhomNothingIsKnownShareACounter) {
  Use("throttles: [{uid: plain, rate: 9/min}]");
  auto call = Prepare(Verb::kHit, {"plain"});
  call->identifier = "";
  Decide(*call);
  EXPECT_EQ(KeyText(call->lines()[0]), "{::__anonymous__}:plain:fixed_window.1.1min.1us");
}

TEST_F(LimiterTest, TenantsHaveTheirOwnCountersAndBackends) {
  Use(R"(
namespace: shop
backends: {first: {type: memory}, second: {type: memory}}
default_backend: first
tenants:
  acme: {backend: second}
  "*": {namespace: guests}
throttles: [{uid: plain, rate: 9/min}]
)");
  const auto hit = [&](absl::string_view tenant) {
    auto call = Prepare(Verb::kHit, {"plain"});
    call->tenant = tenant;
    Decide(*call);
    return KeyText(call->lines()[0]);
  };
  EXPECT_EQ(hit(""), "{shop::alice}:plain:fixed_window.1.1min.1us");
  EXPECT_EQ(hit("acme"), "{shop:acme:alice}:plain:fixed_window.1.1min.1us");
  EXPECT_EQ(backends_[0]->Stats().keys, 1);
  EXPECT_EQ(backends_[1]->Stats().keys, 1);
  // Guests share a row, not a counter.
  EXPECT_EQ(hit("globex"), "{guests:globex:alice}:plain:fixed_window.1.1min.1us");
  EXPECT_EQ(hit("initech"), "{guests:initech:alice}:plain:fixed_window.1.1min.1us");
  EXPECT_EQ(backends_[0]->Stats().keys, 3);
}

TEST_F(LimiterTest, UnknownTenantsAndThrottlesAreErrorsThatChargeNothing) {
  Use("tenants: {acme: {}}\nthrottles: [{uid: plain, rate: 9/min}]");
  auto stranger = Prepare(Verb::kHit, {"plain"});
  stranger->tenant = "globex";
  limiter_.Decide(*stranger);
  EXPECT_TRUE(absl::IsNotFound(stranger->Wait()));
  EXPECT_EQ(PayloadOf(stranger->Wait(), kReasonPayload), "TENANT_NOT_FOUND");
  EXPECT_EQ(PayloadOf(stranger->Wait(), "sluice/tenant"), "globex");

  auto typo = Prepare(Verb::kHit, {"plain", "plian"});
  limiter_.Decide(*typo);
  EXPECT_TRUE(absl::IsNotFound(typo->Wait()));
  EXPECT_EQ(PayloadOf(typo->Wait(), kReasonPayload), "THROTTLE_NOT_FOUND");
  EXPECT_EQ(PayloadOf(typo->Wait(), "sluice/throttle"), "plian");
  EXPECT_EQ(typo->times_finished(), 1);
  EXPECT_EQ(observer_.told(), 0);
  EXPECT_EQ(Remaining("plain"), 9);
}

TEST_F(LimiterTest, BeforeTheFirstPolicyNothingIsDecided) {
  EXPECT_EQ(limiter_.policy(), nullptr);
  const auto call = Prepare(Verb::kHit, {"plain"});
  limiter_.Decide(*call);
  EXPECT_TRUE(absl::IsUnavailable(call->Wait()));
  EXPECT_EQ(observer_.told(), 0);
}

TEST_F(LimiterTest, ADeadlineThatIsOverOnArrivalChargesNothing) {
  Use("throttles: [{uid: plain, rate: 9/min}]");
  auto call = Prepare(Verb::kHit, {"plain"});
  call->deadline_us = now_us_;
  limiter_.Decide(*call);
  EXPECT_TRUE(absl::IsDeadlineExceeded(call->Wait()));
  EXPECT_EQ(call->times_finished(), 1);
  EXPECT_EQ(observer_.told(), 0);
  EXPECT_EQ(Remaining("plain"), 9);
  auto in_time = Prepare(Verb::kHit, {"plain"});
  in_time->deadline_us = now_us_ + 1;
  Decide(*in_time);
  EXPECT_EQ(Remaining("plain"), 8);
}

// The fold.

constexpr absl::string_view kSmall = R"(
throttles:
  - {uid: many, rate: 100/min}
  - {uid: hourly, rate: 1/hour}
  - {uid: minutely, rate: 1/min}
  - {uid: trial, rate: 1/min, shadow: true}
)";

TEST_F(LimiterTest, TheFirstDenialInTheRequestsOrderLimitsAndTheLongestWaitIsTold) {
  Use(kSmall);
  Hit({"hourly", "minutely"});
  auto call = Hit({"many", "minutely", "hourly"});
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kAllowed, Outcome::kDenied, Outcome::kDenied));
  EXPECT_FALSE(call->allowed());
  EXPECT_EQ(call->limited_by(), &call->lines()[1]);
  EXPECT_EQ(call->wait_us(), 2'800'000'000);
  call = Hit({"hourly", "minutely"});
  EXPECT_EQ(call->limited_by()->throttle->uid, "hourly");
  EXPECT_EQ(call->wait_us(), 2'800'000'000);
  call = Hit({"minutely"});
  EXPECT_EQ(call->wait_us(), 40'000'000);
}

TEST_F(LimiterTest, ADenialLeavesTheOthersUncharged) {
  Use(kSmall);
  Hit({"minutely"});
  const auto call = Hit({"many", "trial", "minutely"});
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kAllowed, Outcome::kAllowed, Outcome::kDenied));
  for (const Line& line : call->lines()) EXPECT_FALSE(line.verdict.taken);
  EXPECT_EQ(call->lines()[0].verdict.remaining, 100);
  EXPECT_EQ(Remaining("many"), 100);
  EXPECT_EQ(Remaining("trial"), 1);
}

TEST_F(LimiterTest, ACostThatCanNeverPassWaitsForever) {
  Use(kSmall);
  auto call = Prepare(Verb::kHit, {"minutely"});
  call->cost = 2;
  Decide(*call);
  EXPECT_FALSE(call->allowed());
  EXPECT_EQ(call->wait_us(), kNever);
}

TEST_F(LimiterTest, AShadowNeverDeniesAndIsInNobodysWay) {
  Use(kSmall);
  EXPECT_THAT(Outcomes(*Hit({"trial", "many"})), Each(Outcome::kAllowed));
  EXPECT_EQ(Remaining("trial"), 0);
  const auto call = Hit({"trial", "many"});
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kShadowDenied, Outcome::kAllowed));
  EXPECT_TRUE(call->allowed());
  EXPECT_EQ(call->limited_by(), nullptr);
  EXPECT_EQ(call->wait_us(), 0);
  EXPECT_EQ(call->lines()[0].verdict.wait_us, 40'000'000);
  EXPECT_EQ(Remaining("many"), 98);
}

TEST_F(LimiterTest, CheckAndStatLookAndAShadowThatIsOverSpoilsNeither) {
  Use(kSmall);
  Hit({"trial", "many"});
  for (const Verb verb : {Verb::kCheck, Verb::kStat}) {
    const auto call = Ask(verb, {"trial", "many", "minutely"});
    EXPECT_THAT(Outcomes(*call),
                ElementsAre(Outcome::kShadowDenied, Outcome::kAllowed, Outcome::kAllowed));
    EXPECT_TRUE(call->allowed());
    EXPECT_EQ(call->lines()[1].verdict.remaining, 99);
  }
  EXPECT_EQ(Remaining("many"), 99);
  EXPECT_EQ(Remaining("minutely"), 1);
}

TEST_F(LimiterTest, CheckTellsWhatHitWould) {
  Use(kSmall);
  auto call = Prepare(Verb::kCheck, {"many", "minutely"});
  call->costs = {{"minutely", 2}};
  Decide(*call);
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kAllowed, Outcome::kDenied));
  EXPECT_EQ(call->limited_by(), &call->lines()[1]);
  EXPECT_EQ(call->wait_us(), kNever);
}

TEST_F(LimiterTest, AUidNamedTwiceIsChargedTwiceAndJudgedAsOne) {
  Use("throttles: [{uid: plain, rate: 3/min}]");
  auto call = Hit({"plain", "plain"});
  EXPECT_THAT(Outcomes(*call), Each(Outcome::kAllowed));
  EXPECT_EQ(call->lines()[0].verdict.remaining, 2);
  EXPECT_EQ(call->lines()[1].verdict.remaining, 1);
  call = Hit({"plain", "plain"});
  EXPECT_THAT(Outcomes(*call), ElementsAre(Outcome::kDenied, Outcome::kDenied));
  EXPECT_EQ(call->limited_by(), &call->lines()[0]);
  EXPECT_EQ(Remaining("plain"), 1);
  EXPECT_THAT(Outcomes(*Ask(Verb::kCheck, {"plain", "plain"})), Each(Outcome::kDenied));
}

TEST_F(LimiterTest, AFailedBackendDeniesForASecondButNeverThroughAShadow) {
  FailingBackend broken(absl::UnavailableError("down"));
  UseBackend(kSmall, broken);
  for (const Verb verb : {Verb::kHit, Verb::kCheck, Verb::kStat}) {
    const auto call = Ask(verb, {"trial", "many", "minutely"});
    EXPECT_THAT(Outcomes(*call),
                ElementsAre(Outcome::kErrorAllowed, Outcome::kErrorDenied, Outcome::kErrorDenied));
    EXPECT_EQ(call->limited_by(), &call->lines()[1]);
    EXPECT_EQ(call->wait_us(), 1'000'000);
    for (const Line& line : call->lines()) EXPECT_FALSE(line.judged);
  }
  EXPECT_TRUE(Hit({"trial"})->allowed());
  EXPECT_EQ(observer_.told(), 4);
}

// The backend's own deadline lies within the caller's: running out of it is a failure like others.
TEST_F(LimiterTest, ABackendThatIsTooLateHasFailed) {
  FailingBackend broken(absl::DeadlineExceededError("15 ms are over"));
  UseBackend(kSmall, broken);
  EXPECT_THAT(Outcomes(*Hit({"many"})), ElementsAre(Outcome::kErrorDenied));
}

TEST_F(LimiterTest, TheObserverIsToldOnceOfEachAnsweredCallBeforeItsCaller) {
  LateBackend late(NewMemoryBackend({}));
  UseBackend(kSmall, late);
  for (int i = 0; i < 3; ++i) Hit({"minutely", "many"});
  Ask(Verb::kStat, {"many"});
  EXPECT_EQ(observer_.told(), 4);
  EXPECT_EQ(observer_.allowed(), 2);
}

}  // namespace
}  // namespace sluice
