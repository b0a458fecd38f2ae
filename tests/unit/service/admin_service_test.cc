#include "service/admin_service.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "service/errors.h"
#include "tests/fakes/awaited_reply.h"
#include "tests/unit/service/service_fixture.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// Nothing here depends on a backend.
class AdminServiceTest : public testing::Test {
 protected:
  void Use(absl::string_view text) { limiter_.Publish(PolicyOf(text), {}); }
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
    return CallHandler(admin_, handler, request, CallContext{0, kNever, std::move(identities)});
  }
  v1::ValidatePolicyResponse Validate(const std::string& text) {
    v1::ValidatePolicyRequest request;
    request.set_yaml(text);
    const auto answer = Ask(&AdminService::ValidatePolicy, request);
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }

  const std::unique_ptr<Telemetry> telemetry_ = NewTelemetry({"1.2.3", "abc"});
  Limiter limiter_{HashSecret::FromSeed(1), *telemetry_};
  AdminService admin_{limiter_, /*local=*/true};
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
  EXPECT_EQ(first.strategy(), "");
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
  }
}

TEST_F(AdminServiceTest, ADoorForOthersStaysClosedWithoutRules) {
  Use("{}");
  AdminService admin(limiter_, /*local=*/false);
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
  EXPECT_EQ(Ask(&AdminService::GetPolicy).status, NotServedYet("GetPolicy"));
  EXPECT_EQ(Ask(&AdminService::ReloadPolicy).status, NotServedYet("ReloadPolicy"));
  EXPECT_EQ(Ask(&AdminService::Explain).status, NotServedYet("Explain"));
  EXPECT_EQ(Ask(&AdminService::TopKeys).status, NotServedYet("TopKeys"));
  EXPECT_EQ(Ask(&AdminService::SetOverride).status, NotServedYet("SetOverride"));
  EXPECT_EQ(Ask(&AdminService::SetBreaker).status, NotServedYet("SetBreaker"));
  EXPECT_EQ(Ask(&AdminService::ResetAll).status, NotServedYet("ResetAll"));
}

}  // namespace
}  // namespace sluice
