#include "service/ratelimit_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/unit/service/service_fixture.h"

namespace sluice {
namespace {

constexpr absl::string_view kPolicy = R"(
domain: edge
descriptors:
  - key: client
    rate_limit: {unit: hour, requests_per_unit: 10}
    descriptors:
      - {key: path, value: "/x", shadow_mode: true, rate_limit: {unit: minute, requests_per_unit: 3}}
  - {key: "once", rate_limit: {unit: hour, requests_per_unit: 1, name: first}}
  - {key: open, rate_limit: {unlimited: true}}
)";

class RateLimitJsonTest : public ServiceTest {
 protected:
  void SetUp() override { Use(kPolicy); }

  JsonAnswer Post(absl::string_view body) {
    Handover<JsonAnswer> handover;
    ShouldRateLimitJson(rls_, body, Now(),
                        [&handover](JsonAnswer answer) { handover.Put(std::move(answer)); });
    return handover.Wait().value_or(JsonAnswer{0, "", "no answer came"});
  }
  void ExpectBadRequest(absl::string_view body) {
    const JsonAnswer answer = Post(body);
    EXPECT_EQ(answer.http_status, 400) << body;
    EXPECT_EQ(answer.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(answer.body, "Bad Request\n");
  }
};

TEST_P(RateLimitJsonTest, AnswersAsTheOriginalDoes) {
  const JsonAnswer answer = Post(
      R"({"domain": "edge", "descriptors": [{"entries": [{"key": "client", "value": "a"}]}]})");
  EXPECT_EQ(answer.http_status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body, R"({"overallCode":"OK","statuses":[{"code":"OK","currentLimit":)"
                         R"({"requestsPerUnit":10,"unit":"HOUR"},"limitRemaining":9,)"
                         R"("durationUntilReset":"2800s"}]})");
}

TEST_P(RateLimitJsonTest, OverTheLimitIs429AndZerosAreLeftOut) {
  constexpr absl::string_view kBody =
      R"({"domain": "edge", "descriptors": [{"entries": [{"key": "once", "value": "é"}]}],)"
      R"( "hitsAddend": 1})";
  EXPECT_EQ(Post(kBody).http_status, 200);
  const JsonAnswer answer = Post(kBody);
  EXPECT_EQ(answer.http_status, 429);
  EXPECT_EQ(answer.body,
            R"({"overallCode":"OVER_LIMIT","statuses":[{"code":"OVER_LIMIT","currentLimit":)"
            R"({"requestsPerUnit":1,"unit":"HOUR","name":"first"},)"
            R"("durationUntilReset":"2800s"}]})");
}

TEST_P(RateLimitJsonTest, OverridesAndAddendsAreRead) {
  const JsonAnswer answer =
      Post(R"({"domain": "edge", "descriptors": [{"entries": [{"key": "client", "value": "a"}],)"
           R"( "limit": {"requests_per_unit": 42, "unit": "MINUTE", "unitMultiplier": 5},)"
           R"( "hits_addend": "2"}]})");
  EXPECT_EQ(answer.body,
            R"({"overallCode":"OK","statuses":[{"code":"OK","currentLimit":)"
            R"({"requestsPerUnit":42,"unit":"MINUTE","unitMultiplier":5},"limitRemaining":40,)"
            R"("durationUntilReset":"100s"}]})");
}

TEST_P(RateLimitJsonTest, WhateverFailsIsABadRequest) {
  ExpectBadRequest("");
  ExpectBadRequest("null");
  ExpectBadRequest("{");
  ExpectBadRequest("domain=edge");
  ExpectBadRequest("{}");
  ExpectBadRequest(R"({"domain": "edge"})");
  ExpectBadRequest(R"({"domain": "edge", "descriptors": [{"entries": []}], "colour": "red"})");
  ExpectBadRequest(R"({"domain": "edge", "descriptors": [{"limit": {"unit": "FORTNIGHT"}}]})");
  ExpectBadRequest("{\"domain\": \"\xff\"}");
}

TEST_P(RateLimitJsonTest, TheLoadedLimitsAreALineEach) {
  EXPECT_EQ(
      DescribeDomains(*limiter_.policy()),
      "edge.client: unit=HOUR requests_per_unit=10, shadow_mode: false, quota_mode: false\n"
      "edge.client.path_/x: unit=MINUTE requests_per_unit=3, shadow_mode: true, quota_mode: false\n"
      "edge.once: unit=HOUR requests_per_unit=1, shadow_mode: false, quota_mode: false\n"
      "edge.open: unit=UNKNOWN requests_per_unit=0, shadow_mode: false, quota_mode: false, "
      "unlimited: true\n");
}

INSTANTIATE_TEST_SUITE_P(Backends, RateLimitJsonTest, testing::ValuesIn(Backends()), NameOf);

}  // namespace
}  // namespace sluice
