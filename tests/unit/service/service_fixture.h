// The services over each backend there is.
#ifndef SLUICE_TESTS_UNIT_SERVICE_SERVICE_FIXTURE_H_
#define SLUICE_TESTS_UNIT_SERVICE_SERVICE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "limiter/limiter.h"
#include "service/limiter_service.h"
#include "service/ratelimit_service.h"
#include "telemetry/telemetry.h"
#include "tests/conformance/backends.h"
#include "tests/fakes/awaited_reply.h"
#include "tests/fakes/borrowed.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/policies.h"
#include "tests/fakes/proto_matcher.h"

namespace sluice {

using RlsRequest = envoy::service::ratelimit::v3::RateLimitRequest;
using RlsResponse = envoy::service::ratelimit::v3::RateLimitResponse;

class ServiceTest : public testing::TestWithParam<BackendFactory> {
 protected:
  // 2023-11-14T22:13:20Z: 40 s before the next minute, 2800 s before the next hour.
  static constexpr int64_t kStartUs = 1'700'000'000'000'000;

  void Use(absl::string_view text, uint64_t generation = 1) {
    UseBackend(text, *backend_, generation);
  }
  void UseBackend(absl::string_view text, Backend& backend, uint64_t generation = 1) {
    const std::shared_ptr<const PolicySet> policy = PolicyOf(text, generation);
    ASSERT_NE(policy, nullptr);
    limiter_.Publish(policy, {Borrowed(backend)});
  }

  CallContext Now() const { return {now_us_, kNever}; }

  Answered<v1::HitResponse> Hit(const v1::HitRequest& request) {
    return CallHandler(native_, &LimiterService::Hit, request, Now());
  }
  Answered<v1::CheckResponse> Check(const v1::CheckRequest& request) {
    return CallHandler(native_, &LimiterService::Check, request, Now());
  }
  Answered<v1::StatResponse> Stat(const v1::StatRequest& request) {
    return CallHandler(native_, &LimiterService::Stat, request, Now());
  }
  Answered<RlsResponse> ShouldRateLimit(const RlsRequest& request) {
    return CallHandler(rls_, &RateLimitService::ShouldRateLimit, request, Now());
  }

  // The same with a request in text format, and an answer that is expected.
  v1::HitResponse Hit(const std::string& text) {
    const auto answer = Hit(ParseText<v1::HitRequest>(text));
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }
  v1::CheckResponse Check(const std::string& text) {
    const auto answer = Check(ParseText<v1::CheckRequest>(text));
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }
  v1::StatResponse Stat(const std::string& text) {
    const auto answer = Stat(ParseText<v1::StatRequest>(text));
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }
  RlsResponse ShouldRateLimit(const std::string& text) {
    const auto answer = ShouldRateLimit(ParseText<RlsRequest>(text));
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.response;
  }

  const std::unique_ptr<Telemetry> telemetry_ = NewTelemetry({"1.2.3", "abc"});
  FakeClock clock_{kStartUs};
  Limiter limiter_{HashSecret::FromSeed(1), *telemetry_, clock_};
  LimiterService native_{limiter_};
  RateLimitService rls_{limiter_};
  const std::unique_ptr<Backend> backend_ = GetParam().make();
  int64_t now_us_ = kStartUs;
};

inline std::string NameOf(const testing::TestParamInfo<BackendFactory>& info) {
  return info.param.name;
}

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_SERVICE_SERVICE_FIXTURE_H_
