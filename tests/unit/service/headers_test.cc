#include "service/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/late_backend.h"
#include "tests/unit/service/service_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::string_view kPolicy = R"(
throttles:
  - {uid: wide, rate: 100/min}
  - {uid: narrow, rate: 10/hour}
  - {uid: minutely, rate: 1/min}
  - {uid: hourly, rate: 1/hour}
  - {uid: quiet, rate: 1/min, headers: never}
  - {uid: denied, rate: 2/min, headers: denied}
  - {uid: modern, rate: 20/90s, headers: {format: ietf}}
  - {uid: 'say "hi"\', rate: 20/min, headers: {format: ietf, when: denied}}
  - {uid: both, rate: 5/min, headers: {format: both}}
  - {uid: trial, rate: 1/min, shadow: true}
  - {uid: open, rate: unlimited}
  - {uid: "off", rate: 1/min, enabled: false}
)";

class HeadersTest : public ServiceTest {
 protected:
  void SetUp() override { Use(kPolicy); }

  // `Name: value` for each header of a Hit.
  std::vector<std::string> HeadersOf(const std::vector<std::string>& throttles, uint64_t cost = 1) {
    v1::HitRequest request;
    for (const std::string& uid : throttles) request.add_throttles(uid);
    request.set_identifier("alice");
    request.set_cost(cost);
    std::vector<std::string> headers;
    const v1::HitResponse response = Hit(request).response;
    for (const v1::Header& header : response.headers()) {
      headers.push_back(absl::StrCat(header.name(), ": ", header.value()));
    }
    return headers;
  }
};

TEST_P(HeadersTest, ClassicOnesSpeakOfTheLeastRemainingShare) {
  EXPECT_THAT(
      HeadersOf({"wide"}),
      ElementsAre("X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 99", "X-RateLimit-Reset: 40"));
  EXPECT_THAT(
      HeadersOf({"wide", "narrow"}),
      ElementsAre("X-RateLimit-Limit: 10", "X-RateLimit-Remaining: 9", "X-RateLimit-Reset: 2800"));
  HeadersOf({"wide"}, 50);
  EXPECT_THAT(
      HeadersOf({"narrow", "wide"}),
      ElementsAre("X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 47", "X-RateLimit-Reset: 40"));
}

TEST_P(HeadersTest, ADenialSpeaksOfTheLongestWait) {
  HeadersOf({"minutely", "hourly"});
  EXPECT_THAT(HeadersOf({"wide", "minutely", "hourly"}),
              ElementsAre("X-RateLimit-Limit: 1", "X-RateLimit-Remaining: 0",
                          "X-RateLimit-Reset: 2800", "Retry-After: 2800"));
  EXPECT_THAT(HeadersOf({"wide", "minutely"}),
              ElementsAre("X-RateLimit-Limit: 1", "X-RateLimit-Remaining: 0",
                          "X-RateLimit-Reset: 40", "Retry-After: 40"));
}

TEST_P(HeadersTest, SecondsAreRoundedUp) {
  now_us_ += 1;
  HeadersOf({"minutely"});
  EXPECT_THAT(HeadersOf({"minutely"}),
              ElementsAre("X-RateLimit-Limit: 1", "X-RateLimit-Remaining: 0",
                          "X-RateLimit-Reset: 40", "Retry-After: 40"));
  now_us_ += 39'000'000;
  EXPECT_THAT(HeadersOf({"minutely"}).back(), "Retry-After: 1");
  EXPECT_EQ(CeilSeconds(0), 0);
  EXPECT_EQ(CeilSeconds(1'000'000), 1);
  EXPECT_EQ(CeilSeconds(1'000'001), 2);
}

TEST_P(HeadersTest, AWaitWithoutEndHasNoRetryAfter) {
  EXPECT_THAT(
      HeadersOf({"minutely"}, 2),
      ElementsAre("X-RateLimit-Limit: 1", "X-RateLimit-Remaining: 1", "X-RateLimit-Reset: 0"));
}

TEST_P(HeadersTest, WhenIsNeverDeniedOrAlways) {
  EXPECT_THAT(HeadersOf({"quiet", "denied"}), IsEmpty());
  EXPECT_THAT(HeadersOf({"quiet"}), IsEmpty());
  EXPECT_THAT(HeadersOf({"denied"}), IsEmpty());
  EXPECT_THAT(HeadersOf({"denied"}), ElementsAre("X-RateLimit-Limit: 2", "X-RateLimit-Remaining: 0",
                                                 "X-RateLimit-Reset: 40", "Retry-After: 40"));
  // One that speaks on denials speaks when another denies, too; Retry-After is the denier's.
  EXPECT_THAT(HeadersOf({"quiet", "denied"}),
              ElementsAre("X-RateLimit-Limit: 2", "X-RateLimit-Remaining: 0",
                          "X-RateLimit-Reset: 40", "Retry-After: 40"));
}

TEST_P(HeadersTest, IetfOnesListEveryThrottleThatAsksForThem) {
  EXPECT_THAT(
      HeadersOf({"modern", "wide"}),
      ElementsAre("X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 99", "X-RateLimit-Reset: 40",
                  "RateLimit-Policy: \"modern\";q=20;w=90", "RateLimit: \"modern\";r=19;t=10"));
  EXPECT_THAT(
      HeadersOf({"modern", "both"}),
      ElementsAre("X-RateLimit-Limit: 5", "X-RateLimit-Remaining: 4", "X-RateLimit-Reset: 40",
                  "RateLimit-Policy: \"modern\";q=20;w=90, \"both\";q=5;w=60",
                  "RateLimit: \"modern\";r=18;t=10, \"both\";r=4;t=40"));
  EXPECT_THAT(HeadersOf({"modern"}, 19),
              ElementsAre("RateLimit-Policy: \"modern\";q=20;w=90",
                          "RateLimit: \"modern\";r=18;t=10", "Retry-After: 10"));
}

TEST_P(HeadersTest, NamesAreQuotedAsStructuredFields) {
  EXPECT_THAT(HeadersOf({"say \"hi\"\\"}, 21),
              ElementsAre(R"(RateLimit-Policy: "say \"hi\"\\";q=20;w=60)",
                          R"(RateLimit: "say \"hi\"\\";r=20;t=0)"));
}

TEST_P(HeadersTest, ShadowsAndTheUntouchedNeverSpeak) {
  EXPECT_THAT(HeadersOf({"trial", "open", "off"}), IsEmpty());
  EXPECT_THAT(
      HeadersOf({"trial", "wide"}),
      ElementsAre("X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 99", "X-RateLimit-Reset: 40"));
  EXPECT_THAT(HeadersOf({"wide"}, 0), IsEmpty());
}

TEST_P(HeadersTest, AFailedBackendOnlySaysWhenToRetry) {
  FailingBackend broken(absl::UnavailableError("down"));
  UseBackend(kPolicy, broken);
  EXPECT_THAT(HeadersOf({"wide", "modern"}), ElementsAre("Retry-After: 1"));
  EXPECT_THAT(HeadersOf({"quiet"}), IsEmpty());
  EXPECT_THAT(HeadersOf({"trial"}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Backends, HeadersTest, testing::ValuesIn(Backends()), NameOf);

}  // namespace
}  // namespace sluice
