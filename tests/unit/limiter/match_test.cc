// From requests to lines: tenants, rules, costs, exemptions, rates, identifiers, overrides.
#include <gmock/gmock.h>

#include "tests/fakes/borrowed.h"
#include "tests/unit/limiter/limiter_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MatchTest : public LimiterTest {
 protected:
  using Pairs = std::vector<ThrottleRequest::Pair>;

  std::unique_ptr<Throttles> Prepare(absl::string_view uid, const Pairs& context) const {
    auto call = LimiterTest::Prepare(Verb::kHit, {uid});
    call->context.assign(context.begin(), context.end());
    return call;
  }
  std::unique_ptr<Throttles> HitWith(absl::string_view uid, const Pairs& context) {
    auto call = Prepare(uid, context);
    Decide(*call);
    return call;
  }
  Outcome OutcomeWith(absl::string_view uid, const Pairs& context) {
    return HitWith(uid, context)->lines()[0].outcome;
  }
  int64_t CostWith(absl::string_view uid, const Pairs& context) {
    return HitWith(uid, context)->lines()[0].amount;
  }
  std::string KeyWith(absl::string_view uid, const Pairs& context) {
    return KeyText(HitWith(uid, context)->lines()[0]);
  }
  // The uids that a gateway's request concerns.
  std::vector<std::string> Concerned(const Pairs& context, const Pairs& headers = {}) {
    auto call = LimiterTest::Prepare(Verb::kCheck, {});
    call->gateway = true;
    call->context.assign(context.begin(), context.end());
    call->headers.assign(headers.begin(), headers.end());
    Decide(*call);
    std::vector<std::string> uids;
    for (const Line& line : call->lines()) uids.push_back(line.throttle->uid);
    return uids;
  }
  absl::Status Refused(Throttles& call) {
    limiter_.Decide(call);
    return call.Wait();
  }
};

TEST_F(MatchTest, ACostFollowsItsConditionAndTheRequestsOwnWins) {
  Use(R"(throttles:
  - {uid: a, rate: 100/min, cost: {by: method, values: {GET: 1, POST: 3, HEAD: 0}, default: 2}})");
  EXPECT_EQ(CostWith("a", {{"method", "POST"}}), 3);
  EXPECT_EQ(CostWith("a", {{"method", "PUT"}}), 2);
  EXPECT_EQ(CostWith("a", {}), 2);
  EXPECT_EQ(OutcomeWith("a", {{"method", "HEAD"}}), Outcome::kNoCost);
  auto call = Prepare("a", {{"method", "POST"}});
  call->cost = 7;
  Decide(*call);
  EXPECT_EQ(call->lines()[0].amount, 7);
}

TEST_F(MatchTest, AnExpressionThatFailsIsToldAndItsDefaultStands) {
  Use(R"yaml(throttles:
  - {uid: a, rate: 100/min, cost: {expr: "ceil(content_length / 1024)", default: 5}})yaml");
  EXPECT_EQ(CostWith("a", {{"content_length", "2049"}}), 3);
  EXPECT_THAT(observer_.failures(), IsEmpty());
  EXPECT_EQ(CostWith("a", {}), 5);
  ASSERT_EQ(observer_.failures().size(), 1U);
  EXPECT_THAT(observer_.failures()[0], HasSubstr("a: expr 'ceil(content_length / 1024)'"));
}

TEST_F(MatchTest, ARateFollowsItsConditionOnOneCounter) {
  Use(R"(throttles:
  - {uid: a, rate: {by: tier, values: {pro: 5/min, all: unlimited}, default: 2/min}})");
  EXPECT_EQ(HitWith("a", {{"tier", "pro"}})->lines()[0].verdict.remaining, 4);
  EXPECT_EQ(HitWith("a", {})->lines()[0].verdict.remaining, 0);  // both are of one shape
  EXPECT_EQ(OutcomeWith("a", {}), Outcome::kDenied);
  EXPECT_EQ(OutcomeWith("a", {{"tier", "all"}}), Outcome::kUnlimited);
}

TEST_F(MatchTest, WhoIsExemptTouchesNothing) {
  Use(R"(throttles:
  - uid: a
    rate: 1/min
    exempt:
      - {header.x-admin-token: {equals: s3cret}}
      - {tier: {in: [enterprise]}, region: {prefix: eu-}}
      - {remote_address: {cidr: [10.0.0.0/8]}})");
  EXPECT_EQ(OutcomeWith("a", {{"header.X-Admin-Token", "s3cret"}}), Outcome::kExempt);
  EXPECT_EQ(OutcomeWith("a", {{"tier", "enterprise"}, {"region", "eu-west"}}), Outcome::kExempt);
  EXPECT_EQ(OutcomeWith("a", {{"remote_address", "::ffff:10.1.2.3"}}), Outcome::kExempt);
  EXPECT_EQ(backends_[0]->Stats().keys, 0);
  EXPECT_EQ(OutcomeWith("a", {{"tier", "enterprise"}}), Outcome::kAllowed);
  EXPECT_EQ(OutcomeWith("a", {{"header.x-admin-token", "S3cret"}}), Outcome::kDenied);
}

TEST_F(MatchTest, ARuleWithoutItsKeysIsSkipped) {
  Use(R"(throttles:
  - uid: a
    rate: 10/min
    rules: [{bypass: {path: /health}}, {apply: {path: "/api/**"}}])");
  EXPECT_EQ(OutcomeWith("a", {}), Outcome::kAllowed);
  EXPECT_EQ(OutcomeWith("a", {{"path", "/api/x"}}), Outcome::kAllowed);
  EXPECT_EQ(OutcomeWith("a", {{"path", "/health?x=1"}}), Outcome::kBypassed);
  EXPECT_EQ(OutcomeWith("a", {{"path", "/other"}}), Outcome::kBypassed);
  // Odd paths are not bypassed.
  EXPECT_EQ(OutcomeWith("a", {{"path", "/api/../health"}}), Outcome::kAllowed);
  EXPECT_EQ(OutcomeWith("a", {{"path", "//api/x"}}), Outcome::kAllowed);
}

TEST_F(MatchTest, AnotherSpellingOfAPathIsNoOtherCounter) {
  Use("throttles: [{uid: a, rate: 100/min, identifier: '{path}'}]");
  const std::string key = KeyWith("a", {{"path", "/x"}});
  for (const char* path : {"/x?a=1", "/x/", "//x", "/./x", "/%78", "/x;a=1", "/y/../x"}) {
    EXPECT_EQ(KeyWith("a", {{"path", path}}), key) << path;
  }
  EXPECT_NE(KeyWith("a", {{"path", "/X"}}), key);
}

TEST_F(MatchTest, AnotherSpellingOfAPathEscapesNoRule) {
  Use(R"(throttles:
  - {uid: a, rate: 100/min, rules: [{apply: {path: "/v1/users:get"}}, {apply: {path: "/café"}}]})");
  for (const char* path :
       {"/v1/users:get", "/v1/users%3Aget", "/v1/users:get;x=1", "/caf%C3%A9", "/caf%c3%a9/menu"}) {
    EXPECT_EQ(OutcomeWith("a", {{"path", path}}), Outcome::kAllowed) << path;
  }
  EXPECT_EQ(OutcomeWith("a", {{"path", "/v1/users"}}), Outcome::kBypassed);
}

TEST_F(MatchTest, WhoHidesItsPathIsNotExemptForIt) {
  Use("throttles: [{uid: a, rate: 100/min, exempt: [{path: {prefix: /public/}}]}]");
  EXPECT_EQ(OutcomeWith("a", {{"path", "/public/x"}}), Outcome::kExempt);
  for (const char* path : {"/public/../admin", "/public/%2e%2e/admin", "/public//../admin"}) {
    EXPECT_EQ(OutcomeWith("a", {{"path", path}}), Outcome::kAllowed) << path;
  }
}

TEST_F(MatchTest, AThrottlesOwnMethodIsFoundByAGateway) {
  Use(R"(tenants: {acme: {default_context: {method: GET}}}
throttles:
  - {uid: a, rate: 9/min, context: {method: POST}, rules: [{apply: {methods: [POST]}}]})");
  auto call = LimiterTest::Prepare(Verb::kCheck, {});
  call->gateway = true;
  call->tenant = "acme";
  Decide(*call);
  EXPECT_EQ(call->lines().size(), 1U);
}

TEST_F(MatchTest, AnIdentifierFallsBackAndIsAnonymousInTheEnd) {
  Use("throttles: [{uid: a, rate: 10/min, identifier: 'u:{user_id|header.x-key|remote_address}'}]");
  EXPECT_THAT(KeyWith("a", {{"user_id", "7"}, {"remote_address", "1.2.3.4"}}), HasSubstr("u%3A7"));
  EXPECT_THAT(KeyWith("a", {{"user_id", ""}, {"header.X-Key", "k"}}), HasSubstr("u%3Ak"));
  EXPECT_THAT(KeyWith("a", {}), HasSubstr("__anonymous__"));
}

TEST_F(MatchTest, ClientsBehindProxiesAreToldApartByTheirNetwork) {
  Use(R"(client_ip: {trusted_proxies: [10.0.0.0/8], headers: [x-forwarded-for], ipv6_prefix: 64}
throttles:
  - uid: a
    rate: 10/min
    identifier: "{remote_address}"
    exempt: [{remote_address: {cidr: ["2001:db8::1/128"]}}])");
  const auto behind = [](absl::string_view peer, absl::string_view forwarded) {
    return Pairs{{"remote_address", peer}, {"header.x-forwarded-for", forwarded}};
  };
  EXPECT_THAT(KeyWith("a", behind("10.0.0.1", "9.9.9.9")), HasSubstr(":9.9.9.9}"));
  // Not believed of anyone else.
  EXPECT_THAT(KeyWith("a", behind("8.8.8.8", "9.9.9.9")), HasSubstr(":8.8.8.8}"));
  EXPECT_EQ(KeyWith("a", behind("10.0.0.1", "2001:db8::7")),
            KeyWith("a", behind("10.0.0.1", "2001:db8::8")));
  // A matcher sees the address itself.
  EXPECT_EQ(OutcomeWith("a", behind("10.0.0.1", "2001:db8::1")), Outcome::kExempt);
}

TEST_F(MatchTest, TheRequestsContextWinsOverTheThrottlesAndThatOverTheTenants) {
  Use(R"(tenants: {acme: {default_context: {tier: free, plan: basic}}}
throttles:
  - uid: a
    rate: {by: tier, values: {free: 1/min, pro: 2/min, max: 3/min}, default: 9/min}
    context: {tier: pro})");
  auto call = Prepare("a", {});
  call->tenant = "acme";
  Decide(*call);
  EXPECT_EQ(call->lines()[0].rate.ToString(), "2/min");
  EXPECT_EQ(HitWith("a", {{"tier", "max"}})->lines()[0].rate.ToString(), "3/min");
  EXPECT_EQ(HitWith("a", {{"tier", ""}})->lines()[0].rate.ToString(), "2/min");
}

TEST_F(MatchTest, TheTenantComesFromTheRequestThenFromTheTemplate) {
  Use(R"(tenant: "{header.x-tenant}"
tenants: {acme: {}, globex: {}}
throttles: [{uid: a, rate: 10/min}])");
  EXPECT_EQ(HitWith("a", {{"header.x-tenant", "acme"}})->tenant_row().name, "acme");
  EXPECT_EQ(HitWith("a", {})->tenant_row().name, "");
  auto call = Prepare("a", {{"header.x-tenant", "acme"}});
  call->tenant = "globex";
  Decide(*call);
  EXPECT_EQ(call->tenant_row().name, "globex");
  auto unknown = Prepare("a", {{"header.x-tenant", "nobody"}});
  const absl::Status status = Refused(*unknown);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*status.GetPayload(kReasonPayload), "TENANT_NOT_FOUND");
}

TEST_F(MatchTest, TenantsUnderTheStarHaveCountersOfTheirOwn) {
  Use(R"(tenant: "{header.x-tenant}"
tenants: {"*": {}}
throttles: [{uid: a, rate: 1/min}])");
  EXPECT_EQ(OutcomeWith("a", {{"header.x-tenant", "one"}}), Outcome::kAllowed);
  EXPECT_EQ(OutcomeWith("a", {{"header.x-tenant", "two"}}), Outcome::kAllowed);
  EXPECT_EQ(OutcomeWith("a", {{"header.x-tenant", "one"}}), Outcome::kDenied);
  auto star = Prepare("a", {{"header.x-tenant", "*"}});
  EXPECT_EQ(Refused(*star).code(), absl::StatusCode::kNotFound);
}

TEST_F(MatchTest, CredentialsSayForWhomACallerActs) {
  // Without the certificates that a text with rules would need.
  const std::shared_ptr<const PolicySet> loaded =
      PolicyOf("tenants: {acme: {}, globex: {}}\nthrottles: [{uid: a, rate: 10/min}]");
  auto policy = std::make_shared<PolicySet>();
  policy->backends = loaded->backends;
  policy->tenants = loaded->tenants;
  policy->throttles = loaded->throttles;
  policy->Index();
  policy->server.auth = Auth({{"web.acme", {"acme"}, false, {}}, {"ops", {"*"}, true, {}}});
  backends_.push_back(NewMemoryBackend({}));
  limiter_.Publish(policy, {Borrowed(*backends_[0])});
  const std::vector<std::string> acme = {"web.acme"};
  const std::vector<std::string> ops = {"ops"};
  auto call = Prepare("a", {});
  call->identities = acme;
  Decide(*call);
  EXPECT_EQ(call->tenant_row().name, "acme");  // the only one that they name
  for (const absl::string_view tenant : {"globex", "nobody"}) {
    auto other = Prepare("a", {});
    other->identities = acme;
    other->tenant = tenant;
    const absl::Status status = Refused(*other);
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << tenant;
    EXPECT_EQ(*status.GetPayload(kReasonPayload), "TENANT_NOT_ALLOWED");
  }
  auto any = Prepare("a", {});
  any->identities = ops;
  any->tenant = "globex";
  Decide(*any);
  EXPECT_EQ(any->tenant_row().name, "globex");
  auto stranger = Prepare("a", {});
  EXPECT_EQ(Refused(*stranger).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(MatchTest, DomainsAreTheDefaultTenants) {
  auto policy = std::make_shared<PolicySet>();
  policy->server.auth = Auth({{"envoy", {""}, false, {}}, {"web", {"acme"}, false, {}}});
  policy->Index();
  limiter_.Publish(policy, {});
  const auto code = [&](const std::string& name) {
    const std::vector<std::string> identities = {name};
    Descriptors call(now_us_);
    call.domain = "edge";
    call.identities = identities;
    limiter_.Decide(call);
    return call.Wait().code();
  };
  EXPECT_EQ(code("envoy"), absl::StatusCode::kOk);
  EXPECT_EQ(code("web"), absl::StatusCode::kPermissionDenied);
}

TEST_F(MatchTest, AGatewayIsToldOfWhatAppliesInTheFilesOrder) {
  Use(R"(throttles:
  - {uid: all, rate: 9/min}
  - {uid: api, rate: 9/min, rules: [{apply: {path: "/api/**", methods: [GET]}}]}
  - {uid: named, rate: 9/min, gateway: false}
  - {uid: off, rate: 9/min, enabled: false}
  - {uid: acme, rate: 9/min, rules: [{apply: {match: {header.x-team: {equals: acme}}}}]}
  - {uid: health, rate: 9/min, rules: [{bypass: {path: /api/health}}]})");
  EXPECT_THAT(Concerned({{"path", "/api/x"}, {"method", "GET"}}, {{"X-Team", "acme"}}),
              ElementsAre("all", "api", "acme", "health"));
  EXPECT_THAT(Concerned({{"path", "/api/health"}, {"method", "POST"}}, {{"x-team", "other"}}),
              ElementsAre("all"));
  // Rules about what the request does not say are skipped.
  EXPECT_THAT(Concerned({}), ElementsAre("all", "api", "acme", "health"));
}

TEST_F(MatchTest, AnOverrideMayBeForAllAndAThrottlesOwnWins) {
  Use("throttles: [{uid: a, rate: 5/min}, {uid: b, rate: 5/min}, {uid: c, rate: unlimited}]");
  Override all;
  all.throttle = "*";
  all.rate = *Rate::Parse("1/min");
  all.ends_at_us = now_us_ + 20;
  Override own;
  own.throttle = "a";
  own.enabled = false;
  own.ends_at_us = now_us_ + 10;
  ASSERT_TRUE(limiter_.SetOverride(all, now_us_).ok());
  ASSERT_TRUE(limiter_.SetOverride(own, now_us_).ok());
  EXPECT_EQ(OutcomeWith("a", {}), Outcome::kBypassed);
  EXPECT_EQ(HitWith("b", {})->lines()[0].rate.ToString(), "1/min");
  EXPECT_EQ(HitWith("c", {})->lines()[0].rate.ToString(), "1/min");
  now_us_ += 10;
  EXPECT_EQ(HitWith("a", {})->lines()[0].rate.ToString(), "1/min");
  now_us_ += 10;
  EXPECT_EQ(HitWith("a", {})->lines()[0].rate.ToString(), "5/min");
  EXPECT_THAT(limiter_.overrides(now_us_), IsEmpty());
}

TEST_F(MatchTest, AnOverrideChangesCostAndShadowAndIsEndedByAnother) {
  Use("throttles: [{uid: a, rate: 5/min, cost: {by: x, values: {y: 3}, default: 2}}]");
  Override change;
  change.throttle = "a";
  change.cost = 4;
  change.shadow = true;
  change.ends_at_us = now_us_ + 1'000'000;
  ASSERT_TRUE(limiter_.SetOverride(change, now_us_).ok());
  EXPECT_EQ(CostWith("a", {}), 4);
  EXPECT_EQ(OutcomeWith("a", {}), Outcome::kShadowDenied);
  change.ends_at_us = now_us_;
  ASSERT_TRUE(limiter_.SetOverride(change, now_us_).ok());
  EXPECT_EQ(OutcomeWith("a", {}), Outcome::kDenied);
  EXPECT_EQ(CostWith("a", {}), 2);
}

TEST_F(MatchTest, AnOverrideThatTheStrategyCannotHaveIsRefused) {
  Use("throttles: [{uid: a, rate: 5/min, strategy: token_bucket}]");
  Override change;
  change.throttle = "a";
  change.rate = *Rate::Create((int64_t{1} << 52) - 1, kYearUs);
  change.ends_at_us = now_us_ + 1;
  EXPECT_EQ(limiter_.SetOverride(change, now_us_).code(), absl::StatusCode::kInvalidArgument);
  change.throttle = "b";
  EXPECT_EQ(limiter_.SetOverride(change, now_us_).code(), absl::StatusCode::kNotFound);
}

TEST_F(MatchTest, TheLeastWaitIsToldOnADenialOnly) {
  Use("throttles: [{uid: a, rate: 1/s, strategy: gcra, min_wait: 30s}]");
  EXPECT_EQ(HitWith("a", {})->wait_us(), 0);
  const auto denied = HitWith("a", {});
  EXPECT_EQ(denied->wait_us(), 30'000'000);
  EXPECT_EQ(denied->lines()[0].verdict.wait_us, 30'000'000);
}

TEST_F(MatchTest, DeniedHitsCountWhereTheThrottleSaysSo) {
  Use("throttles: [{uid: a, rate: 2/min, count_denied: true}]");
  for (int i = 0; i < 4; ++i) HitWith("a", {});
  EXPECT_TRUE(PolicyOf("defaults: {count_denied: true}\n"
                       "throttles: [{uid: a, rate: 1/s, strategy: gcra}]") != nullptr);
  EXPECT_EQ(limiter_.policy()->throttles[0].params.at(0).first, "count_denied");
}

}  // namespace
}  // namespace sluice
