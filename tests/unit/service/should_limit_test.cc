// What a gateway is told to answer.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/fakes/late_backend.h"
#include "tests/unit/service/service_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class ShouldLimitTest : public ServiceTest {
 protected:
  Answered<v1::ShouldLimitResponse> Ask(const v1::ShouldLimitRequest& request) {
    return CallHandler(native_, &LimiterService::ShouldLimit, request, Now());
  }
  v1::ShouldLimitResponse Ask(const std::string& text) {
    const auto answer = Ask(ParseText<v1::ShouldLimitRequest>(text));
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }
  static std::vector<std::pair<std::string, std::string>> HeadersOf(
      const v1::ShouldLimitResponse& response) {
    std::vector<std::pair<std::string, std::string>> headers;
    for (const v1::Header& header : response.headers()) {
      headers.emplace_back(header.name(), header.value());
    }
    return headers;
  }
};

TEST_P(ShouldLimitTest, AnswersWhatTheThrottleSays) {
  Use(R"(throttles:
  - uid: api
    rate: 1/min
    identifier: "{header.x-key}"
    rules: [{apply: {path: "/api/**", methods: [GET]}}]
    response:
      status: 418
      content_type: application/json
      body: '{"limited":"{throttle}","retry":{retry_after}}'
      headers: {X-Reason: "{throttle} wait {retry_after}"}
  - {uid: other, rate: 1/min, rules: [{apply: {path: /other}}]})");
  const std::string request = R"pb(
    method: "GET"
    path: "/api/x"
    headers { key: "X-Key" value: "k" })pb";
  const v1::ShouldLimitResponse allowed = Ask(request);
  EXPECT_FALSE(allowed.should_limit());
  EXPECT_EQ(allowed.http_status(), 200U);
  EXPECT_EQ(allowed.body(), "");
  EXPECT_EQ(allowed.config_generation(), 1U);
  ASSERT_EQ(allowed.results_size(), 1);
  EXPECT_EQ(allowed.results(0).throttle(), "api");
  EXPECT_EQ(allowed.results(0).cost(), 1U);
  EXPECT_THAT(HeadersOf(allowed),
              ElementsAre(Pair("X-RateLimit-Limit", "1"), Pair("X-RateLimit-Remaining", "0"),
                          Pair("X-RateLimit-Reset", "40")));

  const v1::ShouldLimitResponse denied = Ask(request);
  EXPECT_TRUE(denied.should_limit());
  EXPECT_EQ(denied.limited_by(), "api");
  EXPECT_EQ(denied.http_status(), 418U);
  EXPECT_EQ(denied.wait_ms(), 40'000);
  EXPECT_EQ(denied.content_type(), "application/json");
  EXPECT_EQ(denied.body(), R"({"limited":"api","retry":40})");
  EXPECT_THAT(HeadersOf(denied),
              ElementsAre(Pair("X-RateLimit-Limit", "1"), Pair("X-RateLimit-Remaining", "0"),
                          Pair("X-RateLimit-Reset", "40"), Pair("Retry-After", "40"),
                          Pair("X-Reason", "api wait 40")));
}

TEST_P(ShouldLimitTest, ADryRunChargesNothing) {
  Use("throttles: [{uid: a, rate: 1/min}]");
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(Ask(R"pb(identifier: "x" dry_run: true)pb").should_limit());
  }
  EXPECT_FALSE(Ask(R"pb(identifier: "x")pb").should_limit());
  EXPECT_TRUE(Ask(R"pb(identifier: "x" dry_run: true)pb").should_limit());
}

TEST_P(ShouldLimitTest, WithoutThrottlesEverythingPasses) {
  Use("throttles: [{uid: a, rate: 0/min, rules: [{bypass: {path: /}}]}]");
  const v1::ShouldLimitResponse answer = Ask(R"pb(path: "/x")pb");
  EXPECT_FALSE(answer.should_limit());
  EXPECT_EQ(answer.results_size(), 0);
  EXPECT_THAT(HeadersOf(answer), IsEmpty());
}

TEST_P(ShouldLimitTest, AHitThatCanNeverPassHasNoRetry) {
  Use("throttles: [{uid: a, rate: 1/min, response: {body: '{retry_after}'}}]");
  const v1::ShouldLimitResponse denied = Ask(R"pb(identifier: "x" cost: 2)pb");
  EXPECT_EQ(denied.body(), "-1");
  EXPECT_EQ(denied.content_type(), "text/plain; charset=utf-8");
  for (const v1::Header& header : denied.headers()) EXPECT_NE(header.name(), "Retry-After");
}

TEST_P(ShouldLimitTest, ItsFieldsOverrideItsContext) {
  Use("throttles: [{uid: a, rate: 9/min, rules: [{apply: {path: /a, methods: [PUT]}}]}]");
  const auto asked = [&](const std::string& text) { return Ask(text).results_size(); };
  const std::string context = R"pb(
    context { key: "path" value: "/a" }
    context { key: "method" value: "PUT" })pb";
  EXPECT_EQ(asked(context + R"pb(path: "/b" method: "GET")pb"), 0);
  EXPECT_EQ(asked(context + R"pb(path: "/a" method: "PUT")pb"), 1);
}

TEST_P(ShouldLimitTest, TellsAsMuchAsItIsAskedFor) {
  Use("throttles: [{uid: a, rate: 1/min}]");
  const v1::ShouldLimitResponse least = Ask(R"pb(identifier: "x" detail: DETAIL_DECISION)pb");
  EXPECT_EQ(least.results_size() + least.headers_size(), 0);
  const v1::ShouldLimitResponse more = Ask(R"pb(identifier: "x" detail: DETAIL_STAT)pb");
  EXPECT_TRUE(more.should_limit());
  EXPECT_EQ(more.results_size(), 1);
  EXPECT_EQ(more.headers_size(), 0);
}

TEST_P(ShouldLimitTest, BackendsThatFailAreAnswered503) {
  FailingBackend failing(absl::UnavailableError("down"));
  UseBackend("throttles: [{uid: a, rate: 1/min}, {uid: s, rate: 1/min, shadow: true}]", failing);
  const v1::ShouldLimitResponse denied = Ask(R"pb(identifier: "x")pb");
  EXPECT_EQ(denied.http_status(), 503U);
  EXPECT_EQ(denied.wait_ms(), 1000);
  EXPECT_EQ(denied.results(0).outcome(), v1::OUTCOME_ERROR_DENIED);
  EXPECT_EQ(denied.results(1).outcome(), v1::OUTCOME_ERROR_ALLOWED);
}

TEST_P(ShouldLimitTest, WhatIsTooLargeIsRefusedByField) {
  Use("throttles: [{uid: a, rate: 1/min}]");
  const auto refused = [&](const v1::ShouldLimitRequest& request) {
    const absl::Status status = Ask(request).status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message().substr(0, status.message().find(':')));
  };
  v1::ShouldLimitRequest request;
  request.set_path(std::string(8193, 'p'));
  EXPECT_EQ(refused(request), "path");
  request.Clear();
  request.set_method(std::string(65, 'm'));
  EXPECT_EQ(refused(request), "method");
  request.Clear();
  request.set_remote_address(std::string(257, 'r'));
  EXPECT_EQ(refused(request), "remote_address");
  request.Clear();
  (*request.mutable_headers())["h"] = std::string(64 << 10, 'v');
  EXPECT_EQ(refused(request), "headers");
  request.Clear();
  for (int i = 0; i < 257; ++i) (*request.mutable_headers())[std::to_string(i)] = "v";
  EXPECT_EQ(refused(request), "headers");
  request.Clear();
  request.Clear();
  (*request.mutable_costs())["a"] = (uint64_t{1} << 52) + 1;
  EXPECT_EQ(refused(request), "costs");
}

TEST_P(ShouldLimitTest, WhatAnyClientMaySendIsNoError) {
  Use("throttles: [{uid: a, rate: 9/min}]");
  v1::ShouldLimitRequest request;
  request.set_path("/login?x=" + std::string(10'000, 'q'));
  (*request.mutable_headers())["cookie"] = std::string(8'000, 'c');
  EXPECT_TRUE(Ask(request).status.ok());
}

TEST_P(ShouldLimitTest, FieldsThatAreNotSetLeaveTheContextAsItIs) {
  Use("throttles: [{uid: a, rate: 1/min}]");
  const auto limited = [&](const std::string& address) {
    return Ask("context { key: 'remote_address' value: '" + address + "' }").should_limit();
  };
  EXPECT_FALSE(limited("192.0.2.1"));
  EXPECT_FALSE(limited("192.0.2.2"));
  EXPECT_TRUE(limited("192.0.2.1"));
}

TEST_P(ShouldLimitTest, HeadersFollowTheirPolicy) {
  Use(R"(throttles:
  - uid: a
    rate: 4/min
    headers:
      below: 0.5
      names: {limit: X-Quota, remaining: X-Left, reset: X-Reset}
      extra: {X-Service: api}
      reset_ms: true)");
  const std::string request = R"pb(identifier: "x")pb";
  EXPECT_THAT(HeadersOf(Ask(request)), IsEmpty());  // 3 of 4 are left
  EXPECT_THAT(HeadersOf(Ask(request)), IsEmpty());  // 2: a half is not below a half
  EXPECT_THAT(HeadersOf(Ask(request)),
              ElementsAre(Pair("X-Quota", "4"), Pair("X-Left", "1"), Pair("X-Reset", "40000"),
                          Pair("X-Service", "api")));
}

INSTANTIATE_TEST_SUITE_P(Backends, ShouldLimitTest, testing::ValuesIn(Backends()), NameOf);

// Batches and Reset.
class BatchTest : public ServiceTest {
 protected:
  template <class Response, class Request>
  Answered<Response> Ask(void (LimiterService::*handler)(const Request&, const CallContext&,
                                                         Response*, Reply),
                         const Request& request) {
    return CallHandler(native_, handler, request, Now());
  }
};

TEST_P(BatchTest, EachIsDecidedForItselfAndAnsweredInOrder) {
  Use("throttles: [{uid: a, rate: 2/min}]");
  v1::BatchHitRequest request;
  for (int i = 0; i < 4; ++i) {
    v1::HitRequest& hit = *request.add_requests();
    hit.add_throttles(i == 1 ? "nobody" : "a");
    hit.set_identifier("x");
  }
  request.mutable_requests(3)->set_detail(v1::DETAIL_FULL);
  const auto answer = Ask(&LimiterService::BatchHit, request);
  ASSERT_TRUE(answer.status.ok()) << answer.status;
  const v1::BatchHitResponse& response = answer.response;
  ASSERT_EQ(response.results_size(), 4);
  int allowed = 0;
  for (const int i : {0, 2, 3}) allowed += response.results(i).response().allowed();
  EXPECT_EQ(allowed, 2);
  EXPECT_EQ(response.results(0).response().results_size(), 0);  // DETAIL_DECISION
  EXPECT_EQ(response.results(1).error().code(), 5);             // NOT_FOUND
  EXPECT_NE(response.results(1).error().message(), "");
  EXPECT_EQ(response.results(3).response().results_size(), 1);
}

TEST_P(BatchTest, ChecksAndStatsChargeNothing) {
  Use("throttles: [{uid: a, rate: 2/min}]");
  v1::BatchCheckRequest checks;
  v1::BatchStatRequest stats;
  for (int i = 0; i < 5; ++i) {
    checks.add_requests()->add_throttles("a");
    stats.add_requests()->add_throttles("a");
  }
  stats.mutable_requests(4)->set_detail(v1::DETAIL_STAT);
  const auto checked = Ask(&LimiterService::BatchCheck, checks);
  for (const v1::CheckResult& result : checked.response.results()) {
    EXPECT_TRUE(result.response().allowed());
  }
  const auto told = Ask(&LimiterService::BatchStat, stats);
  ASSERT_EQ(told.response.results_size(), 5);
  EXPECT_FALSE(told.response.results(0).response().results(0).has_stat());
  EXPECT_EQ(told.response.results(4).response().results(0).stat().hits_remaining(), 2);
}

TEST_P(BatchTest, HoldsAThousandAtMost) {
  Use("throttles: [{uid: a, rate: 600/min}]");
  v1::BatchHitRequest request;
  for (int i = 0; i < 1000; ++i) request.add_requests()->add_throttles("a");
  const auto answer = Ask(&LimiterService::BatchHit, request);
  int allowed = 0;
  for (const v1::HitResult& result : answer.response.results()) {
    allowed += result.response().allowed();
  }
  EXPECT_EQ(allowed, 600);
  request.add_requests()->add_throttles("a");
  const auto refused = Ask(&LimiterService::BatchHit, request);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(refused.status.message(), "requests: there are 1001 (send at most 1000)");
  EXPECT_TRUE(Ask(&LimiterService::BatchHit, v1::BatchHitRequest()).status.ok());
}

TEST_P(BatchTest, ResetNeedsToBeAllowed) {
  Use("throttles: [{uid: a, rate: 2/min}]");
  Hit(R"pb(throttles: "a" identifier: "x")pb");
  v1::ResetRequest reset = ParseText<v1::ResetRequest>(R"pb(throttles: "a" identifier: "x")pb");
  EXPECT_EQ(Ask(&LimiterService::Reset, reset).status.code(), absl::StatusCode::kPermissionDenied);
  Use("server: {allow_reset: true}\nthrottles: [{uid: a, rate: 2/min}]");
  const auto answer = Ask(&LimiterService::Reset, reset);
  ASSERT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_EQ(answer.response.keys_reset(), 1U);
  EXPECT_EQ(Ask(&LimiterService::Reset, reset).response.keys_reset(), 0U);
  reset.clear_throttles();
  EXPECT_EQ(Ask(&LimiterService::Reset, reset).status.code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Backends, BatchTest, testing::ValuesIn(Backends()), NameOf);

}  // namespace
}  // namespace sluice
