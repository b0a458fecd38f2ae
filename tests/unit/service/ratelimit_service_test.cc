#include "service/ratelimit_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "service/errors.h"
#include "tests/fakes/late_backend.h"
#include "tests/unit/service/service_fixture.h"

namespace sluice {
namespace {

using testing::SizeIs;

constexpr absl::string_view kPolicy = R"(
domain: edge
descriptors:
  - {key: client, rate_limit: {unit: minute, requests_per_unit: 3, name: per-client}}
  - {key: trial, shadow_mode: true, rate_limit: {unit: minute, requests_per_unit: 1}}
  - {key: open, rate_limit: {unlimited: true, name: open-to-all}}
  - {key: closed, rate_limit: {unit: day, requests_per_unit: 0}}
  - {key: huge, rate_limit: {unit: minute, requests_per_unit: 4294967295}}
  - {key: second, rate_limit: {unit: second, requests_per_unit: 2}}
  - {key: hour, rate_limit: {unit: Hour, requests_per_unit: 2}}
  - {key: day, rate_limit: {unit: DAY, requests_per_unit: 2}}
  - {key: week, rate_limit: {unit: week, requests_per_unit: 2}}
  - {key: month, rate_limit: {unit: month, requests_per_unit: 2}}
  - {key: year, rate_limit: {unit: year, requests_per_unit: 2}}
)";

// One descriptor of one entry, with `more` of its fields.
std::string Descriptor(absl::string_view key, absl::string_view more = "") {
  return absl::StrCat(" descriptors { entries { key: '", key, "' value: 'a' } ", more, " }");
}

class RateLimitServiceTest : public ServiceTest {
 protected:
  void SetUp() override { Use(kPolicy); }

  RlsResponse Edge(const std::string& text) {
    return ShouldRateLimit(absl::StrCat("domain: 'edge' ", text));
  }
  // The status of one descriptor.
  RlsResponse::DescriptorStatus One(const std::string& descriptor) {
    const RlsResponse response = Edge(descriptor);
    EXPECT_THAT(response.statuses(), SizeIs(1));
    return response.statuses(0);
  }
  uint32_t Left(absl::string_view key) {
    return One(Descriptor(key, "hits_addend { value: 0 }")).limit_remaining();
  }
};

TEST_P(RateLimitServiceTest, AnswersEachDescriptorInOrder) {
  EXPECT_THAT(Edge(absl::StrCat(Descriptor("client"), Descriptor("nobody"), Descriptor("open"),
                                Descriptor("huge"))),
              EqualsText(R"pb(
                overall_code: OK
                statuses {
                  code: OK
                  current_limit { name: "per-client" requests_per_unit: 3 unit: MINUTE }
                  limit_remaining: 2
                  duration_until_reset { seconds: 40 }
                }
                statuses { code: OK }
                statuses { code: OK limit_remaining: 4294967295 }
                statuses {
                  code: OK
                  current_limit { requests_per_unit: 4294967295 unit: MINUTE }
                  limit_remaining: 4294967294
                  duration_until_reset { seconds: 40 }
                })pb"));
}

TEST_P(RateLimitServiceTest, ADenialIsOverLimitAndDrainsNobody) {
  Edge(Descriptor("client") + " hits_addend: 3");
  EXPECT_THAT(Edge(Descriptor("hour") + Descriptor("client")), EqualsText(R"pb(
                overall_code: OVER_LIMIT
                statuses {
                  code: OK
                  current_limit { requests_per_unit: 2 unit: HOUR }
                  limit_remaining: 2
                  duration_until_reset { seconds: 2800 }
                }
                statuses {
                  code: OVER_LIMIT
                  current_limit { name: "per-client" requests_per_unit: 3 unit: MINUTE }
                  duration_until_reset { seconds: 40 }
                })pb"));
  EXPECT_EQ(Left("hour"), 2U);
}

TEST_P(RateLimitServiceTest, AnUnknownDomainHasNoLimitEvenWithAnOverride) {
  EXPECT_THAT(ShouldRateLimit("domain: 'elsewhere'" + Descriptor("client") +
                              Descriptor("client", "limit { unit: HOUR }")),
              EqualsText("overall_code: OK statuses { code: OK } statuses { code: OK }"));
}

TEST_P(RateLimitServiceTest, WindowsEndAsTheUnitsDo) {
  // Weeks are epoch windows, which start on Thursdays; a month is 30 days, a year 365.
  const std::vector<std::pair<std::string, int64_t>> units = {
      {"second", 1},        {"hour", 3600},         {"day", 86'400},
      {"week", 7 * 86'400}, {"month", 30 * 86'400}, {"year", 365 * 86'400}};
  constexpr int64_t kNow = kStartUs / 1'000'000;
  for (const auto& [unit, seconds] : units) {
    SCOPED_TRACE(unit);
    const auto status = One(Descriptor(unit));
    EXPECT_EQ(RlsResponse::RateLimit::Unit_Name(status.current_limit().unit()),
              absl::AsciiStrToUpper(unit));
    EXPECT_FALSE(status.current_limit().has_unit_multiplier());
    EXPECT_EQ(status.duration_until_reset().seconds(), seconds - kNow % seconds);
    EXPECT_EQ(status.duration_until_reset().nanos(), 0);
  }
}

TEST_P(RateLimitServiceTest, DurationsAreWholeSecondsRoundedUpAndNeverZero) {
  now_us_ += 500'001;
  EXPECT_EQ(One(Descriptor("client", "hits_addend { value: 3 }")).duration_until_reset().seconds(),
            40);
  now_us_ += 500'000;
  EXPECT_EQ(One(Descriptor("client")).duration_until_reset().seconds(), 39);
  now_us_ = kStartUs + 39'999'999;
  EXPECT_EQ(One(Descriptor("client")).duration_until_reset().seconds(), 1);
  // Not used at all: until the window ends.
  EXPECT_EQ(One(Descriptor("hour", "hits_addend { value: 0 }")).duration_until_reset().seconds(),
            2761);
}

TEST_P(RateLimitServiceTest, OverridesAreToldInTheLargestUnitThatDivides) {
  struct Case {
    std::string asked;
    std::string told;
  };
  const std::vector<Case> cases = {
      {"SECOND", "SECOND"},
      {"SECOND unit_multiplier { value: 60 }", "MINUTE"},
      {"SECOND unit_multiplier { value: 90 }", "SECOND unit_multiplier { value: 90 }"},
      {"MINUTE unit_multiplier { value: 5 }", "MINUTE unit_multiplier { value: 5 }"},
      {"MINUTE unit_multiplier { value: 1 }", "MINUTE"},
      {"HOUR unit_multiplier { value: 24 }", "DAY"},
      {"DAY unit_multiplier { value: 14 }", "WEEK unit_multiplier { value: 2 }"},
      {"DAY unit_multiplier { value: 30 }", "MONTH"},
      {"MONTH", "MONTH"},
      {"YEAR unit_multiplier { value: 2 }", "YEAR unit_multiplier { value: 2 }"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.asked);
    const auto status =
        One(Descriptor("client", "limit { requests_per_unit: 42 unit: " + each.asked + " }"));
    EXPECT_THAT(status.current_limit(), EqualsText("requests_per_unit: 42 unit: " + each.told));
  }
  EXPECT_EQ(Left("client"), 3U);
}

TEST_P(RateLimitServiceTest, AnOverrideKeepsItsCountWhenItsLimitChanges) {
  const auto left = [&](const std::string& limit) {
    return One(Descriptor("client", "limit { " + limit + " }")).limit_remaining();
  };
  EXPECT_EQ(left("requests_per_unit: 9 unit: MINUTE"), 8U);
  EXPECT_EQ(left("requests_per_unit: 20 unit: MINUTE"), 18U);
  EXPECT_EQ(left("requests_per_unit: 9 unit: HOUR"), 8U);
  EXPECT_EQ(One(Descriptor("client", "limit { unit: HOUR }")).code(), RlsResponse::OVER_LIMIT);
}

TEST_P(RateLimitServiceTest, AnAddendIsHowManyHitsAndZeroMeansOne) {
  EXPECT_EQ(One(Descriptor("client") + " hits_addend: 2").limit_remaining(), 1U);
  const auto too_many = One(Descriptor("client") + " hits_addend: 2");
  EXPECT_EQ(too_many.code(), RlsResponse::OVER_LIMIT);
  EXPECT_EQ(too_many.limit_remaining(), 1U);
  EXPECT_EQ(One(Descriptor("client") + " hits_addend: 0").limit_remaining(), 0U);
  // More than the limit never passes: the period is told.
  EXPECT_EQ(One(Descriptor("hour") + " hits_addend: 9").duration_until_reset().seconds(), 3600);
}

TEST_P(RateLimitServiceTest, ADescriptorsOwnAddendIsSettledAndItsZeroLooks) {
  // The request's addend is for those without one.
  const RlsResponse both = Edge(Descriptor("client", "hits_addend { value: 2 }") +
                                Descriptor("hour") + " hits_addend: 1");
  EXPECT_EQ(both.statuses(0).limit_remaining(), 1U);
  EXPECT_EQ(both.statuses(1).limit_remaining(), 1U);
  // Charged whole where it does not fit, beside a group that is denied.
  const RlsResponse over =
      Edge(Descriptor("client", "hits_addend { value: 2 }") + Descriptor("closed"));
  EXPECT_EQ(over.statuses(0).code(), RlsResponse::OVER_LIMIT);
  EXPECT_EQ(over.statuses(0).limit_remaining(), 0U);
  EXPECT_EQ(over.statuses(0).duration_until_reset().seconds(), 40);
  // In debt by 1, a look is over, and a refund of 2 leaves 1.
  EXPECT_EQ(One(Descriptor("client", "hits_addend { value: 0 }")).code(), RlsResponse::OVER_LIMIT);
  EXPECT_EQ(One(Descriptor("client", "hits_addend { value: 2 } is_negative_hits: true"))
                .limit_remaining(),
            1U);
  // Spent exactly, a look is OK with nothing left.
  Edge(Descriptor("client"));
  const auto spent = One(Descriptor("client", "hits_addend { value: 0 }"));
  EXPECT_EQ(spent.code(), RlsResponse::OK);
  EXPECT_EQ(spent.limit_remaining(), 0U);
}

TEST_P(RateLimitServiceTest, RefundsStopAtAnEmptyCounterAndUseTheRequestsAddendToo) {
  Edge(Descriptor("client") + " hits_addend: 3");
  EXPECT_EQ(One(Descriptor("client", "is_negative_hits: true")).limit_remaining(), 1U);
  EXPECT_EQ(
      One(Descriptor("client", "is_negative_hits: true") + " hits_addend: 2").limit_remaining(),
      3U);
  const auto full = One(Descriptor("client", "is_negative_hits: true") + " hits_addend: 9");
  EXPECT_EQ(full.code(), RlsResponse::OK);
  EXPECT_EQ(full.limit_remaining(), 3U);
}

TEST_P(RateLimitServiceTest, TheSameDescriptorTwiceIsChargedTwiceInOrder) {
  const RlsResponse response = Edge(Descriptor("client") + Descriptor("client"));
  EXPECT_EQ(response.statuses(0).limit_remaining(), 2U);
  EXPECT_EQ(response.statuses(1).limit_remaining(), 1U);
}

TEST_P(RateLimitServiceTest, ALimitOfZeroAdmitsNothingButALook) {
  EXPECT_THAT(Edge(Descriptor("closed")), EqualsText(R"pb(
                overall_code: OVER_LIMIT
                statuses {
                  code: OVER_LIMIT
                  current_limit { unit: DAY }
                  duration_until_reset { seconds: 86400 }
                })pb"));
  const auto look = One(Descriptor("closed", "hits_addend { value: 0 }"));
  EXPECT_EQ(look.code(), RlsResponse::OK);
  EXPECT_EQ(look.limit_remaining(), 0U);
}

TEST_P(RateLimitServiceTest, AShadowAnswersOkAndCounts) {
  EXPECT_EQ(One(Descriptor("trial")).limit_remaining(), 0U);
  const RlsResponse response = Edge(Descriptor("trial") + Descriptor("client"));
  EXPECT_EQ(response.overall_code(), RlsResponse::OK);
  EXPECT_THAT(response.statuses(0), EqualsText(R"pb(
                code: OK
                current_limit { requests_per_unit: 1 unit: MINUTE }
                duration_until_reset { seconds: 40 })pb"));
  EXPECT_EQ(response.statuses(1).limit_remaining(), 2U);
}

TEST_P(RateLimitServiceTest, BytesThatAreNoTextAreDecidedToo) {
  RlsRequest request;
  request.set_domain("edge");
  auto& entry = *request.add_descriptors()->add_entries();
  entry.set_key("client");
  for (const char* value : {"\xff\xfe", "\xc3\x28", "\xff\xfe"}) {
    entry.set_value(value);
    const auto answer = ShouldRateLimit(request);
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    EXPECT_EQ(answer.response.overall_code(), RlsResponse::OK);
  }
  entry.set_value("\xff\xfe");
  EXPECT_EQ(ShouldRateLimit(request).response.statuses(0).limit_remaining(), 0U);
}

TEST_P(RateLimitServiceTest, AFailedBackendIsOverLimitForASecond) {
  FailingBackend broken(absl::UnavailableError("down"));
  UseBackend(kPolicy, broken);
  EXPECT_THAT(Edge(Descriptor("client") + Descriptor("trial") + Descriptor("nobody")),
              EqualsText(R"pb(
                overall_code: OVER_LIMIT
                statuses {
                  code: OVER_LIMIT
                  current_limit { name: "per-client" requests_per_unit: 3 unit: MINUTE }
                  duration_until_reset { seconds: 1 }
                }
                statuses {
                  code: OK
                  current_limit { requests_per_unit: 1 unit: MINUTE }
                  limit_remaining: 1
                  duration_until_reset { seconds: 1 }
                }
                statuses { code: OK })pb"));
}

// Errors.

TEST_P(RateLimitServiceTest, ErrorsHaveTheTextsThatClientsKnow) {
  const auto error = [&](const std::string& text) {
    return ShouldRateLimit(ParseText<RlsRequest>(text)).status;
  };
  EXPECT_EQ(error(Descriptor("client")), absl::UnknownError("rate limit domain must not be empty"));
  EXPECT_EQ(error("domain: 'edge'"),
            absl::UnknownError("rate limit descriptor list must not be empty"));
  Limiter empty(HashSecret::FromSeed(1), *telemetry_, clock_);
  RateLimitService service(empty);
  EXPECT_EQ(CallHandler(service, &RateLimitService::ShouldRateLimit,
                        ParseText<RlsRequest>("domain: 'edge'" + Descriptor("client")), Now())
                .status,
            absl::UnknownError("no rate limit configuration loaded"));
}

TEST_P(RateLimitServiceTest, BadFieldsAreNamedAndChargeNothing) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"limit { requests_per_unit: 9 }", "descriptors.limit.unit"},
      {"limit { requests_per_unit: 9 unit: YEAR unit_multiplier { value: 0 } }",
       "descriptors.limit.unit_multiplier"},
      {"limit { requests_per_unit: 9 unit: YEAR unit_multiplier { value: 4294967295 } }",
       "descriptors.limit.unit_multiplier"},
      {"hits_addend { value: 9223372036854775808 }", "descriptors.hits_addend"},
  };
  for (const auto& [more, field] : cases) {
    SCOPED_TRACE(more);
    const auto answer = ShouldRateLimit(
        ParseText<RlsRequest>("domain: 'edge'" + Descriptor("client") + Descriptor("hour", more)));
    EXPECT_TRUE(absl::IsInvalidArgument(answer.status)) << answer.status;
    google::rpc::Status details;
    google::rpc::BadRequest detail;
    ASSERT_TRUE(details.ParseFromString(StatusDetails(answer.status)));
    ASSERT_THAT(details.details(), SizeIs(1));
    ASSERT_TRUE(details.details(0).UnpackTo(&detail));
    EXPECT_EQ(detail.field_violations(0).field(), field);
  }
  RlsRequest unheard_of = ParseText<RlsRequest>("domain: 'edge'" + Descriptor("client"));
  unheard_of.mutable_descriptors(0)->mutable_limit()->set_unit(
      static_cast<envoy::type::v3::RateLimitUnit>(99));
  EXPECT_TRUE(absl::IsInvalidArgument(ShouldRateLimit(unheard_of).status));
  EXPECT_EQ(Left("client"), 3U);
}

TEST_P(RateLimitServiceTest, HugeAddendsAreDecided) {
  EXPECT_EQ(One(Descriptor("huge", "hits_addend { value: 9223372036854775807 }")).code(),
            RlsResponse::OVER_LIMIT);
  EXPECT_EQ(One(Descriptor("client") + " hits_addend: 4294967295").code(), RlsResponse::OVER_LIMIT);
}

INSTANTIATE_TEST_SUITE_P(Backends, RateLimitServiceTest, testing::ValuesIn(Backends()), NameOf);

}  // namespace
}  // namespace sluice
