#include "cli/render.h"

#include <limits>
#include <string>

#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace sluice::cli {
namespace {

using ::envoy::service::ratelimit::v3::RateLimitRequest;
using ::envoy::service::ratelimit::v3::RateLimitResponse;

template <class Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

constexpr char kAllowed[] = R"(
  allowed: true
  results {
    throttle: "api:burst" outcome: OUTCOME_ALLOWED cost: 1
    stat {
      key: "sluice:api:burst:alice" throttle: "api:burst" strategy: "token_bucket"
      rate { limit: 100 period_ms: 60000 text: "100/min" }
      hits_remaining: 39 wait_ms: 0 reset_ms: 600
    }
  }
  results {
    throttle: "internal" outcome: OUTCOME_UNLIMITED
    stat { throttle: "internal" rate { unlimited: true } hits_remaining: inf }
  }
  results { throttle: "exempted" outcome: OUTCOME_EXEMPT })";

constexpr char kDenied[] = R"(
  allowed: false limited_by: "api:burst" wait_ms: 1500
  results {
    throttle: "api:burst" outcome: OUTCOME_DENIED
    stat {
      rate { limit: 100 period_ms: 60000 text: "100/min" }
      hits_remaining: 0 wait_ms: 1500 reset_ms: 24000
    }
  }
  results {
    throttle: "beta" outcome: OUTCOME_SHADOW_DENIED
    stat { rate { text: "1/d" } hits_remaining: 0 wait_ms: inf reset_ms: 86400000 }
  }
  headers { name: "X-RateLimit-Limit" value: "100" }
  headers { name: "Retry-After" value: "2" })";

std::string RenderHit(const std::string& text, bool color = false) {
  return Render(v1::HitRequest(), FromText<v1::HitResponse>(text), color);
}

TEST(RenderDecisionTest, AllowedHasARowForEachThrottle) {
  EXPECT_EQ(RenderHit(kAllowed),
            "allowed\n"
            "THROTTLE   OUTCOME    REMAINING      LIMIT  WAIT   RESET  COST\n"
            "api:burst  allowed           39    100/min   0 s  600 ms     1\n"
            "internal   unlimited  unlimited  unlimited   0 s     0 s     0\n"
            "exempted   exempt             -          -     -       -     0\n");
}

TEST(RenderDecisionTest, DeniedSaysByWhomAndForHowLongAndListsHeaders) {
  EXPECT_EQ(RenderHit(kDenied),
            "denied by api:burst, retry in 1.5 s\n"
            "THROTTLE   OUTCOME        REMAINING    LIMIT   WAIT  RESET  COST\n"
            "api:burst  denied                 0  100/min  1.5 s   24 s     0\n"
            "beta       shadow denied          0      1/d  never    1 d     0\n"
            "X-RateLimit-Limit: 100\n"
            "Retry-After: 2\n");
}

TEST(RenderDecisionTest, ADecisionAloneIsALine) {
  EXPECT_EQ(RenderHit("allowed: true"), "allowed\n");
  EXPECT_EQ(RenderHit("limited_by: 'x' wait_ms: inf"), "denied by x, this can never pass\n");
  EXPECT_EQ(RenderHit("wait_ms: 1000"), "denied, retry in 1 s\n");
}

TEST(RenderDecisionTest, CheckLooksTheSame) {
  EXPECT_EQ(Render(v1::CheckRequest(), FromText<v1::CheckResponse>(kDenied), false),
            RenderHit(kDenied));
}

TEST(RenderDecisionTest, ColoursTheDecisionAndTheOutcomes) {
  EXPECT_EQ(RenderHit("allowed: true results { throttle: 'x' outcome: OUTCOME_ALLOWED }", true),
            "\x1b[32mallowed\x1b[0m\n"
            "THROTTLE  OUTCOME  REMAINING  LIMIT  WAIT  RESET  COST\n"
            "x         \x1b[32mallowed\x1b[0m          -      -     -      -     0\n");
  EXPECT_EQ(RenderHit("limited_by: 'x' wait_ms: 1", true),
            "\x1b[31mdenied\x1b[0m by x, retry in 1 ms\n");
}

TEST(RenderStatTest, ListsTheMetadataWithInstantsInUtc) {
  const auto response = FromText<v1::StatResponse>(R"(
    results {
      throttle: "api:burst" outcome: OUTCOME_ALLOWED
      stat {
        key: "sluice:api:burst:alice" throttle: "api:burst" strategy: "token_bucket"
        rate { limit: 100 period_ms: 60000 text: "100/min" }
        hits_remaining: 39 reset_ms: 600
        token_bucket {
          strategy: "token_bucket" tokens: 39.5 capacity: 40 refill_rate_per_ms: 0.0016666667
          last_refill_ms: 1700000000250
        }
      }
    }
    results {
      throttle: "cells" outcome: OUTCOME_DENIED
      stat {
        key: "k" throttle: "cells" strategy: "gcra" rate { text: "5/s" } wait_ms: 200 reset_ms: 200
        gcra {
          strategy: "gcra" tat_ms: 1700000000000 emission_interval_ms: 200 conformant: false
        }
      }
    }
    results { throttle: "off" outcome: OUTCOME_BYPASSED })");
  EXPECT_EQ(Render(v1::StatRequest(), response, false),
            "THROTTLE   OUTCOME   REMAINING    LIMIT    WAIT   RESET  COST\n"
            "api:burst  allowed          39  100/min     0 s  600 ms     0\n"
            "cells      denied            0      5/s  200 ms  200 ms     0\n"
            "off        bypassed          -        -       -       -     0\n"
            "\n"
            "api:burst: token_bucket\n"
            "  key                 sluice:api:burst:alice\n"
            "  tokens              39.5\n"
            "  capacity            40\n"
            "  refill_rate_per_ms  0.00166667\n"
            "  last_refill_ms      1700000000250  (2023-11-14T22:13:20.25Z)\n"
            "\n"
            "cells: gcra\n"
            "  key                   k\n"
            "  tat_ms                1700000000000  (2023-11-14T22:13:20Z)\n"
            "  emission_interval_ms  200\n"
            "  burst_tolerance_ms    0\n"
            "  conformant            false\n");
}

TEST(RenderStatTest, AnAbsentInstantIsADash) {
  const auto response = FromText<v1::StatResponse>(R"(
    results {
      throttle: "log" outcome: OUTCOME_ALLOWED
      stat {
        key: "k" throttle: "log" strategy: "sliding_window_log" rate { text: "5/s" }
        sliding_window_log { window_start_ms: 1700000000000 entry_count: 0 }
      }
    })");
  EXPECT_EQ(Render(v1::StatRequest(), response, false),
            "THROTTLE  OUTCOME  REMAINING  LIMIT  WAIT  RESET  COST\n"
            "log       allowed          0    5/s   0 s    0 s     0\n"
            "\n"
            "log: sliding_window_log\n"
            "  key               k\n"
            "  window_start_ms   1700000000000  (2023-11-14T22:13:20Z)\n"
            "  entry_count       0\n"
            "  current_cost_sum  0\n"
            "  oldest_entry_ms   -\n");
}

TEST(RenderStatTest, AnUnlimitedThrottleHasNoStrategyToName) {
  const auto response = FromText<v1::StatResponse>(R"(
    results {
      throttle: "internal" outcome: OUTCOME_UNLIMITED
      stat { key: "k" throttle: "internal" rate { unlimited: true } hits_remaining: inf }
    })");
  EXPECT_EQ(Render(v1::StatRequest(), response, false),
            "THROTTLE  OUTCOME    REMAINING      LIMIT  WAIT  RESET  COST\n"
            "internal  unlimited  unlimited  unlimited   0 s    0 s     0\n"
            "\n"
            "internal\n"
            "  key  k\n");
}

TEST(RenderRlsTest, HasARowForEachDescriptor) {
  const auto request = FromText<RateLimitRequest>(R"(
    descriptors { entries { key: "path" value: "/a,b" } entries { key: "method" value: "GET" } }
    descriptors { entries { key: "ua" value: "\377" } }
    descriptors { entries { key: "ip" value: "10.0.0.1" } }
    descriptors { entries { key: "none" value: "x" } })");
  const auto response = FromText<RateLimitResponse>(R"(
    overall_code: OVER_LIMIT
    statuses {
      code: OVER_LIMIT duration_until_reset { seconds: 34 }
      current_limit { name: "login" requests_per_unit: 10 unit: HOUR }
    }
    statuses {
      code: OK limit_remaining: 7 duration_until_reset { seconds: 300 }
      current_limit { requests_per_unit: 10 unit: MINUTE unit_multiplier { value: 5 } }
    }
    statuses { code: OK limit_remaining: 4294967295 }
    statuses { code: OK }
    response_headers_to_add { key: "RateLimit-Limit" value: "10" })");
  EXPECT_EQ(Render(request, response, false),
            "OVER_LIMIT\n"
            "DESCRIPTOR             CODE        REMAINING         LIMIT  RESET  NAME\n"
            "path=/a\\,b,method=GET  OVER_LIMIT          0       10/hour   34 s  login\n"
            "ua=%FF                 OK                  7  10/5 minutes  5 min  -\n"
            "ip=10.0.0.1            OK          unlimited     unlimited      -  -\n"
            "none=x                 OK                  -             -      -  -\n"
            "RateLimit-Limit: 10\n");
}

std::string RenderShouldLimit(const std::string& text) {
  return Render(v1::ShouldLimitRequest(), FromText<v1::ShouldLimitResponse>(text), false);
}

TEST(RenderShouldLimitTest, TellsTheWholeAnswer) {
  EXPECT_EQ(RenderShouldLimit(R"(
    should_limit: true limited_by: "api:burst" http_status: 429 wait_ms: 1500
    results {
      throttle: "api:burst" outcome: OUTCOME_DENIED
      stat { rate { text: "100/min" } hits_remaining: 0 wait_ms: 1500 reset_ms: 24000 }
    }
    headers { name: "Retry-After" value: "2" }
    content_type: "text/plain" body: "Slow down.\n\033[2J caf\303\251\n")"),
            "limited by api:burst, answer 429, retry in 1.5 s\n"
            "THROTTLE   OUTCOME  REMAINING    LIMIT   WAIT  RESET  COST\n"
            "api:burst  denied           0  100/min  1.5 s   24 s     0\n"
            "Retry-After: 2\n"
            "Content-Type: text/plain\n"
            "\n"
            "Slow down.\n"
            "%1B[2J caf\xC3\xA9\n");
}

TEST(RenderShouldLimitTest, AllowedIsALineAndWhatCameBesides) {
  EXPECT_EQ(RenderShouldLimit("http_status: 200"), "allowed\n");
  EXPECT_EQ(RenderShouldLimit("should_limit: true limited_by: 'x' http_status: 503 wait_ms: inf"),
            "limited by x, answer 503, this can never pass\n");
}

TEST(RenderPolicyTest, CommentsStandBeforeTheYaml) {
  const auto response = FromText<v1::GetPolicyResponse>(R"(
    yaml: "throttles: []\n" generation: 3 content_hash: "c0ffee"
    loaded_at { seconds: 1700000000 nanos: 250000000 } stale: true
    errors { file: "p.yaml" line: 3 column: 11 message: "'5/x' is not a rate" hint: "try 5/s" }
    errors { file: "p.yaml" line: 4 column: 5 message: "two\nlines" }
    overrides { throttle: "*" shadow: true ends_at { seconds: 1700000600 } }
    overrides {
      throttle: "a" enabled: false rate: "5/s" cost: 0 ends_at { seconds: 1700000600 }
    })");
  EXPECT_EQ(Render(v1::GetPolicyRequest(), response, false),
            "# generation: 3\n"
            "# hash: c0ffee\n"
            "# loaded at: 2023-11-14T22:13:20.25Z\n"
            "# stale: the files have changed since, and do not load:\n"
            "#   p.yaml:3:11: '5/x' is not a rate (try 5/s)\n"
            "#   p.yaml:4:5: two lines\n"
            "# override: *: shadow true, until 2023-11-14T22:23:20Z\n"
            "# override: a: enabled false, rate 5/s, cost 0, until 2023-11-14T22:23:20Z\n"
            "throttles: []\n");
}

TEST(RenderReloadTest, ErrorsAreLinesAsValidatePrintsThem) {
  const auto response = FromText<v1::ReloadPolicyResponse>(R"(
    generation: 3
    errors { file: "p.yaml" line: 3 column: 11 message: "'5/x' is not a rate" hint: "try 5/s" })");
  EXPECT_EQ(Render(v1::ReloadPolicyRequest(), response, false),
            "p.yaml:3:11: '5/x' is not a rate (try 5/s)\n"
            "generation 3 stays\n");
}

TEST(RenderOverrideTest, SaysWhatChangesAndUntilWhen) {
  const auto response = FromText<v1::SetOverrideResponse>(R"(
    override { throttle: "api:burst" rate: "100/min" ends_at { seconds: 1700000600 } })");
  EXPECT_EQ(Render(v1::SetOverrideRequest(), response, false),
            "api:burst: rate 100/min, until 2023-11-14T22:23:20Z\n");
}

TEST(RenderBreakerTest, SaysWhatTheBreakerIs) {
  const auto text = [](v1::SetBreakerRequest::State state) {
    v1::SetBreakerRequest request;
    request.set_backend("shared");
    request.set_state(state);
    return Render(request, v1::SetBreakerResponse(), false);
  };
  EXPECT_EQ(text(v1::SetBreakerRequest::STATE_OPEN), "shared: the breaker is forced open\n");
  EXPECT_EQ(text(v1::SetBreakerRequest::STATE_CLOSED), "shared: the breaker is forced closed\n");
  EXPECT_EQ(text(v1::SetBreakerRequest::STATE_AUTOMATIC), "shared: the breaker is automatic\n");
}

TEST(RenderJsonTest, PrintsDefaultsNamesAndInfinity) {
  const auto response = FromText<v1::HitResponse>(R"(
    limited_by: "x" wait_ms: inf
    results { throttle: "x" outcome: OUTCOME_DENIED })");
  EXPECT_EQ(RenderJson(response),
            "{\n"
            " \"allowed\": false,\n"
            " \"limited_by\": \"x\",\n"
            " \"wait_ms\": \"Infinity\",\n"
            " \"results\": [\n"
            "  {\n"
            "   \"throttle\": \"x\",\n"
            "   \"outcome\": \"OUTCOME_DENIED\",\n"
            "   \"cost\": \"0\"\n"
            "  }\n"
            " ],\n"
            " \"headers\": [],\n"
            " \"config_generation\": \"0\"\n"
            "}\n");
}

void AddViolation(const std::string& field, const std::string& description, CallStatus& status) {
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field(field);
  violation->set_description(description);
  status.details.add_details()->PackFrom(bad_request);
}

TEST(RenderErrorTest, OneLineAndTheFieldsThatAreWrong) {
  CallStatus status;
  status.code = absl::StatusCode::kInvalidArgument;
  status.message = "two fields are wrong";
  AddViolation("identifier", "1025 bytes; at most 1024", status);
  AddViolation("throttles", "none is named", status);
  EXPECT_EQ(RenderError("h:1", status),
            "sluicectl: INVALID_ARGUMENT: two fields are wrong\n"
            "  identifier: 1025 bytes; at most 1024\n"
            "  throttles: none is named\n");
}

TEST(RenderErrorTest, DoesNotSayTheSameTwice) {
  CallStatus status;
  status.code = absl::StatusCode::kInvalidArgument;
  status.message = "throttles: none is named";
  AddViolation("throttles", "none is named", status);
  EXPECT_EQ(RenderError("h:1", status), "sluicectl: INVALID_ARGUMENT: throttles: none is named\n");
}

TEST(RenderErrorTest, TellsWhenToTryAgain) {
  CallStatus status;
  status.code = absl::StatusCode::kUnavailable;
  status.message = "backend 'redis' failed";
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  status.details.add_details()->PackFrom(google::rpc::ErrorInfo());
  status.details.add_details()->PackFrom(retry);
  EXPECT_EQ(RenderError("h:1", status),
            "sluicectl: UNAVAILABLE: backend 'redis' failed\n"
            "  retry in 500 ms\n");
}

TEST(RenderErrorTest, AnUnreachableServerIsNamed) {
  CallStatus status;
  status.code = absl::StatusCode::kUnavailable;
  status.unreachable = true;
  status.message =
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:8081: Failed to "
      "connect to remote host: Connection refused";
  EXPECT_EQ(RenderError("127.0.0.1:8081", status),
            "sluicectl: cannot reach 127.0.0.1:8081: Connection refused (is sluiced running? try "
            "make run)\n");
}

std::string RenderUnreachable(const std::string& why) {
  CallStatus status;
  status.code = absl::StatusCode::kUnavailable;
  status.unreachable = true;
  status.message = "failed to connect to all addresses; last error: UNKNOWN: " + why;
  return RenderError("h:1", status);
}

TEST(RenderErrorTest, AFailedHandshakeIsNoMissingServer) {
  EXPECT_EQ(RenderUnreachable("Ssl handshake failed: SSL_ERROR_SSL: error:0A000086:SSL "
                              "routines::certificate verify failed"),
            "sluicectl: cannot reach h:1: certificate verify failed (TLS failed: does the server "
            "speak it? see --tls-ca, --tls-cert and --tls-key)\n");
  EXPECT_EQ(RenderUnreachable("ipv4:127.0.0.1:8081: Socket closed"),
            "sluicectl: cannot reach h:1: Socket closed (the server hung up: does it want TLS? see "
            "--tls-ca and --tls-cert)\n");
}

TEST(RenderErrorTest, ALateAnswerPointsAtTheTimeout) {
  CallStatus status;
  status.code = absl::StatusCode::kDeadlineExceeded;
  status.message = "Deadline Exceeded";
  EXPECT_EQ(RenderError("h:1", status),
            "sluicectl: DEADLINE_EXCEEDED: Deadline Exceeded (--timeout allows more)\n");
}

}  // namespace
}  // namespace sluice::cli
