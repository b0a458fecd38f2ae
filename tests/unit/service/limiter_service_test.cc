#include "service/limiter_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "service/errors.h"
#include "tests/fakes/late_backend.h"
#include "tests/fakes/required_params.h"
#include "tests/unit/service/service_fixture.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr absl::string_view kPolicy = R"(
namespace: shop
tenants: {acme: {}}
throttles:
  - {uid: window, rate: 100/min, headers: never}
  - {uid: bucket, rate: 60/min, strategy: {type: token_bucket, burst_size: 10}, headers: never}
  - {uid: spaced, rate: 60/min, strategy: {type: gcra, burst: 5}, headers: never}
  - {uid: one, rate: 1/min, headers: never}
  - {uid: trial, rate: 1/min, shadow: true, headers: never}
  - {uid: off, rate: 1/min, enabled: false, headers: never}
  - {uid: free, rate: 1/min, cost: 0, headers: never}
  - {uid: open, rate: unlimited, headers: never}
)";

class LimiterServiceTest : public ServiceTest {
 protected:
  void SetUp() override { Use(kPolicy, 7); }
};

TEST_P(LimiterServiceTest, FixedWindowTellsItsWindow) {
  EXPECT_THAT(Hit("throttles: 'window' identifier: 'alice' cost: 3"), EqualsText(R"pb(
                allowed: true
                config_generation: 7
                results {
                  throttle: "window"
                  outcome: OUTCOME_ALLOWED
                  cost: 3
                  stat {
                    key: "{shop::alice}:window:fixed_window.1.1min.1us"
                    rate { limit: 100 period_ms: 60000 text: "100/min" }
                    hits_remaining: 97
                    reset_ms: 40000
                    throttle: "window"
                    strategy: "fixed_window"
                    fixed_window {
                      strategy: "fixed_window"
                      window_start_ms: 1699999980000
                      window_end_ms: 1700000040000
                      current_count: 3
                    }
                  }
                })pb"));
}

TEST_P(LimiterServiceTest, TokenBucketTellsItsTokens) {
  Hit("throttles: 'bucket' identifier: 'alice' cost: 4");
  now_us_ += 1'250'000;
  EXPECT_THAT(Hit("throttles: 'bucket' identifier: 'alice'"), EqualsText(R"pb(
                allowed: true
                config_generation: 7
                results {
                  throttle: "bucket"
                  outcome: OUTCOME_ALLOWED
                  cost: 1
                  stat {
                    key: "{shop::alice}:bucket:token_bucket.1.1min.1us"
                    rate { limit: 60 period_ms: 60000 text: "60/min" }
                    hits_remaining: 6
                    reset_ms: 3750
                    throttle: "bucket"
                    strategy: "token_bucket"
                    token_bucket {
                      strategy: "token_bucket"
                      tokens: 6.25
                      capacity: 10
                      refill_rate_per_ms: 0.001
                      last_refill_ms: 1700000001250
                    }
                  }
                })pb"));
}

TEST_P(LimiterServiceTest, GcraTellsItsTheoreticalArrivalTime) {
  Hit("throttles: 'spaced' identifier: 'alice' cost: 4");
  EXPECT_THAT(Hit("throttles: 'spaced' identifier: 'alice' cost: 2"), EqualsText(R"pb(
                limited_by: "spaced"
                wait_ms: 1000
                config_generation: 7
                results {
                  throttle: "spaced"
                  outcome: OUTCOME_DENIED
                  stat {
                    key: "{shop::alice}:spaced:gcra.1.1min.1us"
                    rate { limit: 60 period_ms: 60000 text: "60/min" }
                    hits_remaining: 1
                    wait_ms: 1000
                    reset_ms: 4000
                    throttle: "spaced"
                    strategy: "gcra"
                    gcra {
                      strategy: "gcra"
                      tat_ms: 1700000004000
                      emission_interval_ms: 1000
                      burst_tolerance_ms: 4000
                    }
                  }
                })pb"));
  const auto fits = Hit("throttles: 'spaced' identifier: 'alice'");
  EXPECT_TRUE(fits.results(0).stat().gcra().conformant());
  EXPECT_EQ(fits.results(0).stat().gcra().tat_ms(), 1'700'000'005'000);
}

// What a strategy tells, by field and C++ type.
class RecordingSink final : public MetadataSink {
 public:
  void Number(absl::string_view field, double) override {
    Add(field, FieldDescriptor::CPPTYPE_DOUBLE);
  }
  void Count(absl::string_view field, uint64_t) override {
    Add(field, FieldDescriptor::CPPTYPE_UINT64);
  }
  void Flag(absl::string_view field, bool) override { Add(field, FieldDescriptor::CPPTYPE_BOOL); }
  void Text(absl::string_view field, absl::string_view) override {
    Add(field, FieldDescriptor::CPPTYPE_STRING);
  }

  std::map<std::string, FieldDescriptor::CppType> fields;

 private:
  void Add(absl::string_view field, FieldDescriptor::CppType type) {
    EXPECT_TRUE(fields.emplace(std::string(field), type).second) << field;
  }
};

TEST(StrategyMetadataTest, EveryStrategyWritesEveryFieldOfItsMessage) {
  for (const absl::string_view name : StrategyNames()) {
    SCOPED_TRACE(std::string(name));
    const FieldDescriptor* member =
        v1::StrategyStat::descriptor()->FindFieldByName(std::string(name));
    ASSERT_NE(member, nullptr);
    ASSERT_NE(member->containing_oneof(), nullptr);
    EXPECT_EQ(member->containing_oneof()->name(), "metadata");
    std::map<std::string, FieldDescriptor::CppType> wanted;
    for (int i = 0; i < member->message_type()->field_count(); ++i) {
      const FieldDescriptor& field = *member->message_type()->field(i);
      wanted[field.name()] = field.cpp_type();
    }
    EXPECT_EQ(wanted["strategy"], FieldDescriptor::CPPTYPE_STRING);
    wanted.erase("strategy");

    const auto limit = Limit::Create(name, *Rate::Parse("60/min"), RequiredParams(name));
    ASSERT_TRUE(limit.ok()) << limit.status();
    RecordingSink sink;
    limit->Describe(limit->Step({}, 1'700'000'000'000'000, 1, true), sink);
    EXPECT_EQ(sink.fields, wanted);
  }
}

TEST_P(LimiterServiceTest, WhatIsNotTouchedHasNoState) {
  const v1::HitResponse response =
      Hit("throttles: ['off', 'free', 'open', 'one'] identifier: 'alice' detail: DETAIL_STAT");
  EXPECT_TRUE(response.allowed());
  ASSERT_THAT(response.results(), SizeIs(4));
  EXPECT_THAT(response.results(0), EqualsText("throttle: 'off' outcome: OUTCOME_BYPASSED"));
  EXPECT_THAT(response.results(1), EqualsText("throttle: 'free' outcome: OUTCOME_NO_COST"));
  EXPECT_THAT(response.results(2), EqualsText(R"pb(
                throttle: "open"
                outcome: OUTCOME_UNLIMITED
                stat {
                  key: "{shop::alice}:open:unlimited"
                  rate { unlimited: true text: "unlimited" }
                  hits_remaining: inf
                  throttle: "open"
                })pb"));
  EXPECT_EQ(response.results(3).outcome(), v1::OUTCOME_ALLOWED);
}

TEST_P(LimiterServiceTest, ADenialChargesNothingAndTellsEveryThrottle) {
  Hit("throttles: 'one' identifier: 'alice'");
  const v1::HitResponse response = Hit("throttles: ['window', 'trial', 'one'] identifier: 'alice'");
  EXPECT_FALSE(response.allowed());
  EXPECT_EQ(response.limited_by(), "one");
  EXPECT_EQ(response.wait_ms(), 40'000);
  ASSERT_THAT(response.results(), SizeIs(3));
  EXPECT_EQ(response.results(0).outcome(), v1::OUTCOME_ALLOWED);
  EXPECT_EQ(response.results(0).stat().hits_remaining(), 100);
  EXPECT_EQ(response.results(2).outcome(), v1::OUTCOME_DENIED);
  for (const v1::ThrottleResult& result : response.results()) EXPECT_EQ(result.cost(), 0U);
  const v1::StatResponse stat = Stat("throttles: 'window' identifier: 'alice'");
  EXPECT_EQ(stat.results(0).stat().fixed_window().current_count(), 0U);
}

TEST_P(LimiterServiceTest, AShadowIsReportedAndDoesNotDeny) {
  Hit("throttles: 'trial' identifier: 'alice'");
  const v1::HitResponse response = Hit("throttles: ['trial', 'window'] identifier: 'alice'");
  EXPECT_TRUE(response.allowed());
  EXPECT_EQ(response.limited_by(), "");
  EXPECT_EQ(response.wait_ms(), 0);
  EXPECT_EQ(response.results(0).outcome(), v1::OUTCOME_SHADOW_DENIED);
  EXPECT_EQ(response.results(0).stat().wait_ms(), 40'000);
  EXPECT_EQ(response.results(0).cost(), 0U);
  EXPECT_EQ(response.results(1).cost(), 1U);
}

TEST_P(LimiterServiceTest, CheckAndStatSayWhatAHitWouldAndChargeNothing) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(Check("throttles: 'one' identifier: 'alice'").allowed());
    const v1::StatResponse stat = Stat("throttles: 'one' identifier: 'alice'");
    EXPECT_EQ(stat.results(0).outcome(), v1::OUTCOME_ALLOWED);
    EXPECT_EQ(stat.results(0).cost(), 0U);
    EXPECT_EQ(stat.config_generation(), 7U);
  }
  Hit("throttles: 'one' identifier: 'alice'");
  const v1::CheckResponse check = Check("throttles: ['window', 'one'] identifier: 'alice'");
  EXPECT_FALSE(check.allowed());
  EXPECT_EQ(check.limited_by(), "one");
  EXPECT_EQ(check.wait_ms(), 40'000);
  EXPECT_EQ(check.config_generation(), 7U);
  const v1::StatResponse stat = Stat("throttles: ['off', 'one'] identifier: 'alice'");
  EXPECT_THAT(stat.results(0), EqualsText("throttle: 'off' outcome: OUTCOME_BYPASSED"));
  EXPECT_EQ(stat.results(1).outcome(), v1::OUTCOME_DENIED);
  EXPECT_EQ(stat.results(1).stat().wait_ms(), 40'000);
}

TEST_P(LimiterServiceTest, ACostThatNeverPassesWaitsForever) {
  const v1::HitResponse response = Hit("throttles: 'one' identifier: 'alice' cost: 2");
  EXPECT_EQ(response.wait_ms(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(response.results(0).stat().wait_ms(), std::numeric_limits<double>::infinity());
}

TEST_P(LimiterServiceTest, CostsByThrottleAndACostOfZero) {
  const v1::HitResponse response = Hit(R"pb(throttles: [ 'window', 'bucket', 'one' ]
                                            identifier: 'alice'
                                            cost: 0
                                            costs { key: 'window' value: 30 }
                                            costs { key: 'bucket' value: 4 })pb");
  EXPECT_EQ(response.results(0).cost(), 30U);
  EXPECT_EQ(response.results(0).stat().hits_remaining(), 70);
  EXPECT_EQ(response.results(1).cost(), 4U);
  EXPECT_EQ(response.results(2).outcome(), v1::OUTCOME_NO_COST);
}

TEST_P(LimiterServiceTest, DetailSaysHowMuchComesBack) {
  Use("throttles: [{uid: plain, rate: 9/min}]");
  const std::string who = "throttles: 'plain' identifier: 'alice' detail: ";
  EXPECT_THAT(Hit(who + "DETAIL_DECISION"), EqualsText("allowed: true config_generation: 1"));
  EXPECT_THAT(Hit(who + "DETAIL_STAT").results(), SizeIs(1));
  EXPECT_THAT(Hit(who + "DETAIL_STAT").headers(), IsEmpty());
  EXPECT_THAT(Hit(who + "DETAIL_FULL").headers(), SizeIs(3));
  EXPECT_THAT(Hit(who + "DETAIL_UNSPECIFIED").headers(), SizeIs(3));
  EXPECT_THAT(Check(who + "DETAIL_DECISION"), EqualsText("allowed: true config_generation: 1"));
  EXPECT_THAT(Check(who + "DETAIL_UNSPECIFIED").headers(), SizeIs(3));
  EXPECT_THAT(Stat(who + "DETAIL_DECISION").results(0),
              EqualsText("throttle: 'plain' outcome: OUTCOME_ALLOWED"));
  EXPECT_TRUE(Stat(who + "DETAIL_UNSPECIFIED").results(0).has_stat());
}

TEST_P(LimiterServiceTest, TenantAndContextAreInTheKey) {
  EXPECT_EQ(Hit(R"pb(throttles: 'window'
                     identifier: 'alice'
                     tenant: 'acme'
                     context { key: 'scope' value: 'mail' })pb")
                .results(0)
                .stat()
                .key(),
            "{shop:acme:alice}:window:scope=mail:fixed_window.1.1min.1us");
}

TEST_P(LimiterServiceTest, AFailedBackendDeniesForASecond) {
  FailingBackend broken(absl::UnavailableError("down"));
  UseBackend(kPolicy, broken);
  const v1::HitResponse response = Hit("throttles: ['trial', 'one'] identifier: 'alice'");
  EXPECT_FALSE(response.allowed());
  EXPECT_EQ(response.limited_by(), "one");
  EXPECT_EQ(response.wait_ms(), 1000);
  EXPECT_THAT(response.results(0), EqualsText("throttle: 'trial' outcome: OUTCOME_ERROR_ALLOWED"));
  EXPECT_THAT(response.results(1), EqualsText("throttle: 'one' outcome: OUTCOME_ERROR_DENIED"));
}

// Errors.

template <class Detail>
Detail DetailOf(const absl::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(StatusDetails(status)));
  EXPECT_EQ(details.code(), static_cast<int>(status.code()));
  EXPECT_EQ(details.message(), std::string(status.message()));
  Detail detail;
  EXPECT_TRUE(details.details_size() == 1 && details.details(0).UnpackTo(&detail));
  return detail;
}

v1::HitRequest Valid() { return ParseText<v1::HitRequest>("throttles: 'one' identifier: 'alice'"); }

struct BadCase {
  std::string field;
  std::string says;
  std::function<void(v1::HitRequest&)> spoil;
};

void FillContext(v1::HitRequest& request, int entries) {
  for (int i = 0; i < entries; ++i) (*request.mutable_context())[absl::StrCat("k", i)] = "v";
}

TEST_P(LimiterServiceTest, BadFieldsAreNamed) {
  constexpr uint64_t kTooMuch = (uint64_t{1} << 52) + 1;
  const std::vector<BadCase> cases = {
      {"throttles", "no throttle is named", [](auto& r) { r.clear_throttles(); }},
      {"throttles", "more than 64",
       [](auto& r) {
         for (int i = 0; i < 64; ++i) r.add_throttles("one");
       }},
      {"throttles", "over 256 bytes", [](auto& r) { r.add_throttles(std::string(257, 'u')); }},
      {"identifier", "1024", [](auto& r) { r.set_identifier(std::string(1025, 'i')); }},
      {"tenant", "256", [](auto& r) { r.set_tenant(std::string(257, 't')); }},
      {"context", "more than 64", [](auto& r) { FillContext(r, 65); }},
      {"context", "1024", [](auto& r) { (*r.mutable_context())["key"] = std::string(1022, 'v'); }},
      {"cost", "2^52", [](auto& r) { r.set_cost(kTooMuch); }},
      {"costs", "2^52", [](auto& r) { (*r.mutable_costs())["one"] = kTooMuch; }},
      {"costs", "'other' is not among", [](auto& r) { (*r.mutable_costs())["other"] = 1; }},
      {"detail", "Detail", [](auto& r) { r.set_detail(static_cast<v1::Detail>(9)); }},
  };
  for (const BadCase& bad : cases) {
    SCOPED_TRACE(absl::StrCat(bad.field, ": ", bad.says));
    v1::HitRequest request = Valid();
    bad.spoil(request);
    const auto answer = Hit(request);
    EXPECT_TRUE(absl::IsInvalidArgument(answer.status)) << answer.status;
    const auto detail = DetailOf<google::rpc::BadRequest>(answer.status);
    ASSERT_THAT(detail.field_violations(), SizeIs(1));
    EXPECT_EQ(detail.field_violations(0).field(), bad.field);
    EXPECT_THAT(detail.field_violations(0).description(), HasSubstr(bad.says));
    EXPECT_THAT(answer.response, EqualsText(""));
  }
}

TEST_P(LimiterServiceTest, CheckAndStatRefuseTheSameFields) {
  EXPECT_TRUE(absl::IsInvalidArgument(Check(v1::CheckRequest()).status));
  EXPECT_TRUE(absl::IsInvalidArgument(Stat(v1::StatRequest()).status));
}

TEST_P(LimiterServiceTest, TheBoundsThemselvesAreFine) {
  v1::HitRequest request = Valid();
  request.set_identifier(std::string(1024, 'i'));
  request.set_cost(uint64_t{1} << 52);
  FillContext(request, 63);
  (*request.mutable_context())["key"] = std::string(1021, 'v');
  for (int i = 1; i < 64; ++i) request.add_throttles("one");
  const auto answer = Hit(request);
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_FALSE(answer.response.allowed());
  EXPECT_THAT(answer.response.results(), SizeIs(64));
}

TEST_P(LimiterServiceTest, WhatIsNotThereIsNotFoundWithItsName) {
  v1::HitRequest request = Valid();
  request.add_throttles("onne");
  absl::Status status = Hit(request).status;
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("'onne'"));
  google::rpc::ErrorInfo info = DetailOf<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(info.reason(), "THROTTLE_NOT_FOUND");
  EXPECT_EQ(info.domain(), "sluice");
  EXPECT_THAT(info.metadata(), ElementsAre(Pair("throttle", "onne")));

  request = Valid();
  request.set_tenant("globex");
  status = Hit(request).status;
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  info = DetailOf<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(info.reason(), "TENANT_NOT_FOUND");
  EXPECT_THAT(info.metadata(), ElementsAre(Pair("tenant", "globex")));
  EXPECT_EQ(Stat("throttles: 'one' identifier: 'alice'").results(0).stat().hits_remaining(), 1);
}

TEST_P(LimiterServiceTest, AnIdempotencyKeyIsRefusedRatherThanIgnored) {
  v1::HitRequest request = Valid();
  request.set_idempotency_key("again");
  EXPECT_TRUE(absl::IsUnimplemented(Hit(request).status));
  EXPECT_TRUE(Check("throttles: 'one' idempotency_key: 'again'").allowed());
}

TEST_P(LimiterServiceTest, ADeadlineThatIsOverIsNotDecided) {
  const auto answer =
      CallHandler(native_, &LimiterService::Hit, Valid(), CallContext{now_us_, now_us_});
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status)) << answer.status;
  EXPECT_TRUE(Hit("throttles: 'one' identifier: 'alice'").allowed());
}

INSTANTIATE_TEST_SUITE_P(Backends, LimiterServiceTest, testing::ValuesIn(Backends()), NameOf);

}  // namespace
}  // namespace sluice
