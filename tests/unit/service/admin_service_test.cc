#include "service/admin_service.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/memory/memory_backend.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "policy/policy_source.h"
#include "service/errors.h"
#include "tests/fakes/awaited_reply.h"
#include "tests/fakes/borrowed.h"
#include "tests/fakes/fake_breakers.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/service/service_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// Nothing here depends on a backend.
class AdminServiceTest : public testing::Test {
 protected:
  void Use(absl::string_view text) { EXPECT_NE(Reload(text).policy, nullptr); }
  PolicyLoad Reload(absl::string_view text) {
    config_ = std::string(text);
    return source_.Reload();
  }
  // A policy of these rules alone, without the certificates that a text would need.
  void UseRules(std::vector<AuthRule> rules) {
    auto policy = std::make_shared<PolicySet>();
    policy->server.auth = Auth(std::move(rules));
    limiter_.Publish(std::move(policy), {});
  }
  template <class Response, class Request>
  Answered<Response> Ask(void (AdminService::*handler)(const Request&, const CallContext&,
                                                       Response*, Reply),
                         const Request& request = Request(),
                         std::vector<std::string> identities = {}) {
    return CallHandler(admin_, handler, request,
                       CallContext{now_us_, kNever, std::move(identities)});
  }
  // The same with a request in text format, and an answer that is expected.
  template <class Response, class Request>
  Response Answer(void (AdminService::*handler)(const Request&, const CallContext&, Response*,
                                                Reply),
                  const std::string& text = "") {
    const Answered<Response> answer = Ask(handler, ParseText<Request>(text));
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }
  v1::HitResponse Hit(const std::string& text) {
    const auto answer = CallHandler(native_, &LimiterService::Hit, ParseText<v1::HitRequest>(text),
                                    CallContext{now_us_, kNever, {}});
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }
  v1::ValidatePolicyResponse Validate(const std::string& text) {
    v1::ValidatePolicyRequest request;
    request.set_yaml(text);
    const auto answer = Ask(&AdminService::ValidatePolicy, request);
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }

  const std::unique_ptr<Telemetry> telemetry_ = NewTelemetry({"1.2.3", "abc"});
  FakeClock clock_;
  Limiter limiter_{HashSecret::FromSeed(1), *telemetry_, clock_};
  LimiterService native_{limiter_};
  const std::unique_ptr<Backend> backend_ = NewMemoryBackend({});
  std::string config_;
  PolicySource source_{
      [this](uint64_t generation) { return LoadPolicyText("admin.yaml", config_, generation); },
      [this](std::shared_ptr<const PolicySet> policy) {
        std::vector<std::shared_ptr<Backend>> backends(policy->backends.size(),
                                                       Borrowed(*backend_));
        limiter_.Publish(std::move(policy), std::move(backends));
        return absl::OkStatus();
      },
      [](const PolicyLoad&) {}, clock_};
  FakeBreakers breakers_;
  AdminService admin_{limiter_, source_, breakers_, /*local=*/true};
  int64_t now_us_ = 1'700'000'000'000'000;
};

TEST_F(AdminServiceTest, ListsThrottlesInTheirOrder) {
  Use(R"(
backends: {local: {type: memory}, other: {type: memory}}
default_backend: local
tenants: {acme: {backend: other}, "*": {}}
throttles:
  - {uid: second, rate: 100/min, strategy: gcra, shadow: true}
  - {uid: first, rate: unlimited, enabled: false}
)");
  const auto answer = Ask(&AdminService::ListThrottles);
  ASSERT_TRUE(answer.status.ok()) << answer.status;
  ASSERT_THAT(answer.response.throttles(), SizeIs(2));
  const v1::ThrottleInfo& second = answer.response.throttles(0);
  EXPECT_EQ(second.uid(), "second");
  EXPECT_EQ(second.rate().text(), "100/min");
  EXPECT_EQ(second.rate().limit(), 100U);
  EXPECT_EQ(second.rate().period_ms(), 60'000U);
  EXPECT_EQ(second.strategy(), "gcra");
  EXPECT_THAT(second.tenant_backends(),
              UnorderedElementsAre(Pair("", "local"), Pair("acme", "other"), Pair("*", "local")));
  EXPECT_TRUE(second.enabled());
  EXPECT_TRUE(second.shadow());
  const v1::ThrottleInfo& first = answer.response.throttles(1);
  EXPECT_EQ(first.uid(), "first");
  EXPECT_TRUE(first.rate().unlimited());
  EXPECT_EQ(first.strategy(), "fixed_window");
  EXPECT_FALSE(first.enabled());
  EXPECT_FALSE(first.shadow());
}

TEST_F(AdminServiceTest, ValidatesATextAndKeepsThePolicy) {
  Use("throttles: [{uid: a, rate: 1/s}]");
  const std::shared_ptr<const PolicySet> before = limiter_.policy();
  const v1::ValidatePolicyResponse fine = Validate("throttles: [{uid: b, rate: 1/s}]");
  EXPECT_THAT(fine.errors(), IsEmpty());
  EXPECT_THAT(fine.warnings(), IsEmpty());

  const v1::ValidatePolicyResponse wrong =
      Validate("throttles:\n  - {uid: a, rate: 5/fortnight}\n  - {uid: b, raet: 1/s}\n");
  ASSERT_THAT(wrong.errors(), SizeIs(3));
  EXPECT_EQ(wrong.errors(0).file(), "policy.yaml");
  EXPECT_EQ(wrong.errors(0).line(), 2U);
  EXPECT_EQ(wrong.errors(0).column(), 20U);
  EXPECT_THAT(wrong.errors(0).message(), HasSubstr("fortnight"));
  EXPECT_EQ(wrong.errors(2).hint(), "did you mean 'rate'?");
  EXPECT_EQ(limiter_.policy(), before);
}

TEST_F(AdminServiceTest, ValidatingTellsWarnings) {
  Use("{}");
  const v1::ValidatePolicyResponse answer = Validate(
      "throttles: [{uid: a, rate: 5/s, strategy: {type: sliding_window_log, max_entries: 4}}]\n");
  EXPECT_THAT(answer.errors(), IsEmpty());
  ASSERT_THAT(answer.warnings(), SizeIs(1));
  EXPECT_EQ(answer.warnings(0).line(), 1U);
  EXPECT_THAT(answer.warnings(0).message(), HasSubstr("sliding_window_log"));
}

TEST_F(AdminServiceTest, ATextTellsNothingOfFiles) {
  Use("{}");
  const v1::ValidatePolicyResponse answer = Validate("domains: {files: [/etc/passwd]}");
  ASSERT_THAT(answer.errors(), SizeIs(1));
  EXPECT_EQ(answer.errors(0).message(), "'files': files cannot be read here");
}

TEST_F(AdminServiceTest, ATextHasABound) {
  Use("{}");
  v1::ValidatePolicyRequest request;
  request.set_yaml(std::string((1 << 20) + 1, '#'));
  const auto answer = Ask(&AdminService::ValidatePolicy, request);
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(answer.status.message()), HasSubstr("yaml: has 1048577 bytes"));
  request.mutable_yaml()->pop_back();
  EXPECT_TRUE(Ask(&AdminService::ValidatePolicy, request).status.ok());
}

TEST_F(AdminServiceTest, RulesSayWhoMayAdminister) {
  UseRules({{"ops.*", {}, true, {}}, {"web.*", {"*"}, false, {}}});
  EXPECT_TRUE(Ask(&AdminService::ListThrottles, {}, {"x", "ops.example"}).status.ok());
  for (const std::vector<std::string>& identities :
       std::vector<std::vector<std::string>>{{}, {"web.example"}}) {
    const absl::Status status = Ask(&AdminService::ListThrottles, {}, identities).status;
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    google::rpc::Status details;
    google::rpc::ErrorInfo info;
    ASSERT_TRUE(details.ParseFromString(StatusDetails(status)));
    ASSERT_TRUE(details.details(0).UnpackTo(&info));
    EXPECT_EQ(info.reason(), "NOT_ALLOWED");
    EXPECT_EQ(Ask(&AdminService::ValidatePolicy, {}, identities).status, status);
    EXPECT_EQ(Ask(&AdminService::ResetAll, {}, identities).status, status);
    EXPECT_EQ(Ask(&AdminService::SetBreaker, {}, identities).status, status);
  }
}

TEST_F(AdminServiceTest, ADoorForOthersStaysClosedWithoutRules) {
  Use("{}");
  AdminService admin(limiter_, source_, breakers_, /*local=*/false);
  EXPECT_EQ(CallHandler(admin, &AdminService::ListThrottles, v1::ListThrottlesRequest(),
                        CallContext{0, kNever, {"ops"}})
                .status.code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(AdminServiceTest, WithoutAPolicyNobodyIsAnswered) {
  EXPECT_EQ(Ask(&AdminService::ListThrottles).status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(AdminServiceTest, WhatIsNotServedYetSaysSo) {
  Use("{}");
  EXPECT_EQ(Ask(&AdminService::TopKeys).status, NotServedYet("TopKeys"));
}

TEST_F(AdminServiceTest, ForcesABreaker) {
  Use("backends: {local: {type: memory}, other: {type: memory}}\ndefault_backend: local");
  for (const char* state : {"STATE_OPEN", "STATE_CLOSED", "STATE_AUTOMATIC"}) {
    Answer(&AdminService::SetBreaker, absl::StrCat("backend: 'other' state: ", state));
  }
  EXPECT_THAT(breakers_.set, ElementsAre(Pair("other", BreakerMode::kForcedOpen),
                                         Pair("other", BreakerMode::kForcedClosed),
                                         Pair("other", BreakerMode::kAutomatic)));
  breakers_.answer = absl::FailedPreconditionError("it has none");
  v1::SetBreakerRequest request;
  request.set_backend("local");
  EXPECT_EQ(Ask(&AdminService::SetBreaker, request).status, breakers_.answer);
}

TEST_F(AdminServiceTest, NoBreakerIsForcedWithoutANameAndAState) {
  Use("backends: {local: {type: memory}, other: {type: memory}}\ndefault_backend: local");
  v1::SetBreakerRequest request;
  const absl::Status empty = Ask(&AdminService::SetBreaker, request).status;
  EXPECT_EQ(empty.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(empty.message()), HasSubstr("backend: it is empty"));
  request.set_backend("locla");
  const absl::Status unknown = Ask(&AdminService::SetBreaker, request).status;
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(unknown.message(), "no backend 'locla' (did you mean 'local'?)");
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.ParseFromString(StatusDetails(unknown)));
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "BACKEND_NOT_FOUND");
  request.set_backend(std::string(100'000, 'x'));
  const absl::Status longest = Ask(&AdminService::SetBreaker, request).status;
  EXPECT_THAT(std::string(longest.message()), HasSubstr("(there are local, other)"));
  EXPECT_LT(longest.message().size(), 400u);
  request.set_backend("local");
  request.set_state(static_cast<v1::SetBreakerRequest::State>(9));
  const absl::Status state = Ask(&AdminService::SetBreaker, request).status;
  EXPECT_EQ(state.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(state.message()), HasSubstr("state: has no meaning for 9"));
  EXPECT_THAT(breakers_.set, IsEmpty());
}

TEST_F(AdminServiceTest, ShowsThePolicyThatDecidesAndWhyAnotherDoesNot) {
  clock_.Set(1'700'000'000'250'000);
  Use("throttles: [{uid: a, rate: 5/min}]");
  v1::GetPolicyResponse shown = Answer(&AdminService::GetPolicy);
  EXPECT_EQ(shown.generation(), 1U);
  EXPECT_EQ(shown.content_hash(), limiter_.policy()->content_hash);
  EXPECT_EQ(shown.loaded_at().seconds(), 1'700'000'000);
  EXPECT_EQ(shown.loaded_at().nanos(), 250'000'000);
  EXPECT_FALSE(shown.stale());
  EXPECT_THAT(shown.yaml(), HasSubstr("rate: 5/min"));

  Reload("throttles: [{uid: a, rate: 5/fortnight}]");
  shown = Answer(&AdminService::GetPolicy);
  EXPECT_EQ(shown.generation(), 1U);
  EXPECT_TRUE(shown.stale());
  ASSERT_EQ(shown.errors_size(), 1);
  EXPECT_EQ(shown.errors(0).file(), "admin.yaml");
  EXPECT_EQ(shown.errors(0).line(), 1U);
  EXPECT_THAT(shown.yaml(), HasSubstr("rate: 5/min"));
}

TEST_F(AdminServiceTest, ReloadsAndTellsTheGenerationOrTheErrors) {
  Use("throttles: [{uid: a, rate: 5/min}]");
  EXPECT_EQ(Answer(&AdminService::ReloadPolicy).generation(), 2U);
  config_ = "throttles: [{uid: a}]";
  const v1::ReloadPolicyResponse refused = Answer(&AdminService::ReloadPolicy);
  EXPECT_EQ(refused.generation(), 2U);
  ASSERT_EQ(refused.errors_size(), 1);
  EXPECT_EQ(refused.errors(0).message(), "'rate' is missing in a throttle");
  EXPECT_EQ(limiter_.policy()->generation, 2U);
}

TEST_F(AdminServiceTest, ExplainsARequestByThrottle) {
  Use(R"(tenants: {acme: {namespace: acme}}
throttles:
  - uid: api
    rate: {by: tier, values: {pro: 50/min}, default: 5/min}
    cost: {by: method, values: {POST: 3}}
    identifier: "{user}"
    rules:
      - apply: {path: /api}
  - uid: health
    rate: 1/min
    rules:
      - bypass: {path: /api/health}
  - {uid: never, rate: 1/min, gateway: false}
)");
  const v1::ExplainResponse told = Answer(&AdminService::Explain, R"pb(
    should_limit {
      tenant: "acme"
      method: "POST"
      path: "/api/health"
      context { key: "tier" value: "pro" }
      context { key: "user" value: "ann" }
    })pb");
  EXPECT_EQ(told.config_generation(), 1U);
  ASSERT_EQ(told.rows_size(), 3);
  const v1::ExplainRow& api = told.rows(0);
  EXPECT_EQ(api.throttle(), "api");
  EXPECT_EQ(api.position(), "admin.yaml:3");
  EXPECT_TRUE(api.applies());
  EXPECT_EQ(api.rule().text(), "apply: {path: /api}");
  EXPECT_EQ(api.rule().position(), "admin.yaml:8");
  EXPECT_EQ(api.cost(), 3U);
  EXPECT_EQ(api.cost_source().text(), "method is POST");
  EXPECT_EQ(api.cost_source().position(), "admin.yaml:5");
  EXPECT_EQ(api.identifier(), "ann");
  EXPECT_EQ(api.identifier_source().position(), "admin.yaml:6");
  EXPECT_EQ(api.rate(), "50/min");
  EXPECT_EQ(api.rate_source().text(), "tier is pro");
  EXPECT_EQ(api.rate_source().position(), "admin.yaml:4");
  EXPECT_EQ(api.tenant(), "acme");
  EXPECT_EQ(api.backend(), "local");
  EXPECT_THAT(api.key(), HasSubstr("{acme:acme:ann}:api"));
  EXPECT_FALSE(told.rows(1).applies());
  EXPECT_EQ(told.rows(1).reason(), "a rule bypasses it");
  EXPECT_EQ(told.rows(1).rule().position(), "admin.yaml:12");
  EXPECT_FALSE(told.rows(1).has_cost_source());
  EXPECT_EQ(told.rows(2).reason(), "it is not for gateways");
  // Nothing was charged by it.
  EXPECT_EQ(backend_->Stats().keys, 0);
}

TEST_F(AdminServiceTest, ExplainsAHitOfNamedThrottles) {
  Use("throttles: [{uid: a, rate: 1/min, exempt: [{tier: {in: [x]}}]}, {uid: b, rate: 1/min}]");
  const v1::ExplainResponse told =
      Answer(&AdminService::Explain, R"pb(hit {
                                            throttles: "a"
                                            cost: 7
                                            context { key: "tier" value: "x" }
                                          })pb");
  ASSERT_EQ(told.rows_size(), 1);
  EXPECT_FALSE(told.rows(0).applies());
  EXPECT_EQ(told.rows(0).reason(), "the caller is exempt");
  EXPECT_EQ(told.rows(0).exemption().text(), "{tier: {in: [x]}}");
  EXPECT_EQ(told.rows(0).cost(), 7U);
  EXPECT_EQ(told.rows(0).cost_source().text(), "the request");
  EXPECT_EQ(
      Ask(&AdminService::Explain, ParseText<v1::ExplainRequest>(R"pb(hit { throttles: "c" })pb"))
          .status.code(),
      absl::StatusCode::kNotFound);
  EXPECT_EQ(Ask(&AdminService::Explain).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(AdminServiceTest, AnOverrideHoldsUntilItEndsAndOverReloads) {
  Use("throttles: [{uid: a, rate: 1/min}]");
  const v1::SetOverrideResponse set =
      Answer(&AdminService::SetOverride, R"pb(override { throttle: "a" rate: "3/min" }
                                              duration { seconds: 10 })pb");
  EXPECT_EQ(set.override().ends_at().seconds(), now_us_ / 1'000'000 + 10);
  const std::string hit = R"pb(throttles: "a" identifier: "ann")pb";
  EXPECT_EQ(Hit(hit).results(0).stat().rate().text(), "3/min");
  Use("throttles: [{uid: a, rate: 1/min}, {uid: b, rate: 1/min}]");
  EXPECT_EQ(Hit(hit).results(0).stat().rate().text(), "3/min");
  const v1::GetPolicyResponse shown = Answer(&AdminService::GetPolicy);
  ASSERT_EQ(shown.overrides_size(), 1);
  EXPECT_EQ(shown.overrides(0).throttle(), "a");
  EXPECT_EQ(shown.overrides(0).rate(), "3/min");
  EXPECT_FALSE(shown.overrides(0).has_shadow());
  now_us_ += 10'000'000;
  EXPECT_EQ(Hit(hit).results(0).stat().rate().text(), "1/min");
  EXPECT_EQ(Answer(&AdminService::GetPolicy).overrides_size(), 0);
}

TEST_F(AdminServiceTest, RefusesAnOverrideThatMeansNothing) {
  Use("throttles: [{uid: a, rate: 1/min}]");
  const auto told = [&](const std::string& text) {
    const absl::Status status =
        Ask(&AdminService::SetOverride, ParseText<v1::SetOverrideRequest>(text)).status;
    return absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message());
  };
  EXPECT_EQ(told(R"pb(override { shadow: true }
                      duration { seconds: 1 })pb"),
            "INVALID_ARGUMENT: override.throttle: it is empty (name a uid, or * for all)");
  EXPECT_THAT(told(R"pb(override { throttle: "b" shadow: true }
                        duration { seconds: 1 })pb"),
              HasSubstr("NOT_FOUND: no throttle 'b'"));
  EXPECT_THAT(told(R"pb(override { throttle: "a" }
                        duration { seconds: 1 })pb"),
              HasSubstr("INVALID_ARGUMENT: override: it changes nothing"));
  EXPECT_THAT(told(R"pb(override { throttle: "a" rate: "x" }
                        duration { seconds: 1 })pb"),
              HasSubstr("INVALID_ARGUMENT: override.rate: "));
  EXPECT_THAT(told(R"pb(override { throttle: "a" cost: 1 }
                        duration { seconds: -1 })pb"),
              HasSubstr("INVALID_ARGUMENT: duration: "));
  EXPECT_THAT(told(R"pb(override { throttle: "a" cost: 9007199254740992 }
                        duration { seconds: 1 })pb"),
              HasSubstr("INVALID_ARGUMENT: override.cost: "));
}

TEST_F(AdminServiceTest, ResetsAThrottleOrATenant) {
  Use("tenants: {acme: {}}\nthrottles: [{uid: a, rate: 1/min}, {uid: b, rate: 1/min}]");
  const auto hit_all = [&] {
    int allowed = 0;
    for (const char* tenant : {"", "acme"}) {
      for (const char* uid : {"a", "b"}) {
        allowed +=
            Hit(absl::StrCat("throttles: '", uid, "' identifier: 'x' tenant: '", tenant, "'"))
                .allowed();
      }
    }
    return allowed;
  };
  EXPECT_EQ(hit_all(), 4);
  EXPECT_EQ(Answer(&AdminService::ResetAll, "throttle: 'a'").keys_reset(), 2U);
  EXPECT_EQ(hit_all(), 2);
  EXPECT_EQ(Answer(&AdminService::ResetAll, "tenant: 'acme'").keys_reset(), 2U);
  EXPECT_EQ(hit_all(), 2);
  EXPECT_EQ(Answer(&AdminService::ResetAll, "throttle: 'b' tenant: 'acme'").keys_reset(), 1U);
  EXPECT_EQ(hit_all(), 1);
  EXPECT_EQ(Ask(&AdminService::ResetAll).status.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sluice
