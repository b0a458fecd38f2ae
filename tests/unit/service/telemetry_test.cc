#include "telemetry/telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "backend/memory/memory_backend.h"
#include "policy/policy_source.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/late_backend.h"
#include "tests/unit/service/service_fixture.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class TelemetryTest : public ServiceTest {
 protected:
  // The samples of a metric, labels and values as they stand.
  std::vector<std::string> Samples(absl::string_view metric) const {
    std::vector<std::string> samples;
    for (const absl::string_view line : absl::StrSplit(telemetry_->Scrape(), '\n')) {
      if (absl::StartsWith(line, absl::StrCat(metric, "{")) ||
          absl::StartsWith(line, absl::StrCat(metric, " "))) {
        samples.emplace_back(line.substr(metric.size()));
      }
    }
    return samples;
  }
};

TEST_P(TelemetryTest, CountsDecisionsByTenantThrottleAndOutcome) {
  Use(R"(
tenants: {acme: {}, "*": {}}
throttles:
  - {uid: one, rate: 1/min}
  - {uid: trial, rate: 1/min, shadow: true}
  - {uid: "off", rate: 1/min, enabled: false}
  - {uid: open, rate: unlimited}
)");
  for (int i = 0; i < 3; ++i) Hit("throttles: 'one'");
  Hit("throttles: ['trial', 'off', 'open'] cost: 1");
  Hit("throttles: 'trial'");
  Hit("throttles: 'one' cost: 0");
  Hit("throttles: 'one' tenant: 'acme'");
  Hit("throttles: 'one' tenant: 'anybody'");
  Hit("throttles: 'one' tenant: 'somebody'");
  // These change nothing, so they count for nothing.
  Check("throttles: 'one'");
  Stat("throttles: 'one'");
  Hit(ParseText<v1::HitRequest>("throttles: 'nobody'"));
  EXPECT_THAT(Samples("sluice_decisions_total"),
              UnorderedElementsAre("{tenant=\"\",throttle=\"one\",outcome=\"allowed\"} 1",
                                   "{tenant=\"\",throttle=\"one\",outcome=\"denied\"} 2",
                                   "{tenant=\"\",throttle=\"one\",outcome=\"no_cost\"} 1",
                                   "{tenant=\"\",throttle=\"trial\",outcome=\"allowed\"} 1",
                                   "{tenant=\"\",throttle=\"trial\",outcome=\"shadow_denied\"} 1",
                                   "{tenant=\"\",throttle=\"off\",outcome=\"bypassed\"} 1",
                                   "{tenant=\"\",throttle=\"open\",outcome=\"unlimited\"} 1",
                                   "{tenant=\"acme\",throttle=\"one\",outcome=\"allowed\"} 1",
                                   // Tenants that only the caller names share a label.
                                   "{tenant=\"*\",throttle=\"one\",outcome=\"allowed\"} 2"));
}

TEST_P(TelemetryTest, CountsFailuresByOutcome) {
  FailingBackend broken(absl::UnavailableError("down"));
  UseBackend("throttles: [{uid: one, rate: 1/min}, {uid: trial, rate: 1/min, shadow: true}]",
             broken);
  Hit("throttles: ['one', 'trial']");
  EXPECT_THAT(Samples("sluice_decisions_total"),
              UnorderedElementsAre("{tenant=\"\",throttle=\"one\",outcome=\"error_denied\"} 1",
                                   "{tenant=\"\",throttle=\"trial\",outcome=\"error_allowed\"} 1"));
}

constexpr absl::string_view kEdge = R"(
domain: edge
descriptors:
  - key: client
    rate_limit: {unit: minute, requests_per_unit: 10}
    descriptors:
      - {key: path, value: /x, shadow_mode: true, rate_limit: {unit: day, requests_per_unit: 1}}
  - {key: open, rate_limit: {unlimited: true}}
)";
constexpr char kClient[] = "descriptors { entries { key: 'client' value: 'a' } }";
constexpr char kPath[] =
    "descriptors { entries { key: 'client' value: 'a' } entries { key: 'path' value: '/x' } }";

std::string Result(absl::string_view key, absl::string_view result, int hits) {
  return absl::StrCat("{domain=\"edge\",key=\"", key, "\",result=\"", result, "\"} ", hits);
}

TEST_P(TelemetryTest, CountsHitsOnDomainsAsTheOriginalDoes) {
  Use(kEdge);
  const auto ask = [&](const std::string& text) { ShouldRateLimit("domain: 'edge' " + text); };
  // 7 and 3 hits of 10, of which 9 and 10 lie above the near limit of 8; 2 are over.
  ask(absl::StrCat(kClient, "hits_addend: 7"));
  ask(absl::StrCat(kClient, "hits_addend: 3"));
  ask(absl::StrCat(kClient, "hits_addend: 2"));
  ask(kPath);
  ask(kPath);
  ask("descriptors { entries { key: 'open' value: 'a' } }");
  ask("descriptors { entries { key: 'client' value: 'a' } limit { unit: DAY } }");
  // A look and a refund are no hits.
  ask("descriptors { entries { key: 'open' value: 'a' } hits_addend { value: 0 } }");
  ask("descriptors { entries { key: 'client' value: 'b' } is_negative_hits: true }");
  EXPECT_THAT(
      Samples("sluice_rls_hits_total"),
      UnorderedElementsAre(
          Result("client", "total", 12), Result("client", "within_limit", 10),
          Result("client", "near_limit", 2), Result("client", "over_limit", 2),
          Result("client", "shadow", 0), Result("client.path_/x", "total", 2),
          Result("client.path_/x", "within_limit", 1), Result("client.path_/x", "near_limit", 1),
          Result("client.path_/x", "over_limit", 1), Result("client.path_/x", "shadow", 1),
          Result("open", "total", 1), Result("open", "within_limit", 1),
          Result("open", "near_limit", 0), Result("open", "over_limit", 0),
          Result("open", "shadow", 0), Result("override", "total", 1),
          Result("override", "within_limit", 0), Result("override", "near_limit", 0),
          Result("override", "over_limit", 1), Result("override", "shadow", 0)));
}

TEST_P(TelemetryTest, CountsDescriptorsWithoutALimitAndHidesUnknownDomains) {
  Use(kEdge);
  const std::string nobody = "descriptors { entries { key: 'nobody' value: 'a' } }";
  ShouldRateLimit("domain: 'edge' " + nobody + nobody + kClient);
  ShouldRateLimit("domain: 'forged by a caller' " + nobody);
  EXPECT_THAT(Samples("sluice_rls_unmatched_total"),
              UnorderedElementsAre("{domain=\"edge\"} 2", "{domain=\"unknown\"} 1"));
}

TEST_P(TelemetryTest, CountsRequestsAndTheirDurations) {
  EXPECT_THAT(Samples("sluice_requests_total"), IsEmpty());
  telemetry_->OnRequest("Hit", absl::StatusCode::kOk, 25);
  telemetry_->OnRequest("Hit", absl::StatusCode::kOk, 26);
  telemetry_->OnRequest("Hit", absl::StatusCode::kNotFound, 2'000'000);
  telemetry_->OnRequest("Stat", absl::StatusCode::kOk, -5);
  EXPECT_THAT(Samples("sluice_requests_total"),
              UnorderedElementsAre("{method=\"Hit\",code=\"OK\"} 2",
                                   "{method=\"Hit\",code=\"NOT_FOUND\"} 1",
                                   "{method=\"Stat\",code=\"OK\"} 1"));
  EXPECT_THAT(Samples("sluice_request_duration_seconds_count"),
              UnorderedElementsAre("{method=\"Hit\"} 3", "{method=\"Stat\"} 1"));
  EXPECT_THAT(Samples("sluice_request_duration_seconds_sum"),
              UnorderedElementsAre("{method=\"Hit\"} 2.000051", "{method=\"Stat\"} 0"));
  EXPECT_THAT(
      Samples("sluice_request_duration_seconds_bucket"),
      AllOf(Contains("{method=\"Hit\",le=\"2.5e-05\"} 1"),
            Contains("{method=\"Hit\",le=\"5e-05\"} 2"), Contains("{method=\"Hit\",le=\"1\"} 2"),
            Contains("{method=\"Hit\",le=\"+Inf\"} 3"),
            Contains("{method=\"Stat\",le=\"2.5e-05\"} 1")));
}

TEST_P(TelemetryTest, ShowsBackendsPolicyAndBuild) {
  Use("throttles: [{uid: one, rate: 1/min}]");
  FailingBackend broken(absl::UnavailableError("down"));
  telemetry_->ShowBackends({{"local", Borrowed(*backend_)}, {"broken", Borrowed(broken)}});
  Hit("throttles: 'one' identifier: 'alice'");
  Hit("throttles: 'one' identifier: 'bob'");
  EXPECT_THAT(Samples("sluice_keys"),
              ElementsAre("{backend=\"local\"} 2", "{backend=\"broken\"} 0"));
  EXPECT_THAT(Samples("sluice_evictions_total"),
              ElementsAre("{backend=\"local\"} 0", "{backend=\"broken\"} 0"));
  EXPECT_THAT(Samples("sluice_full_total"),
              ElementsAre("{backend=\"local\"} 0", "{backend=\"broken\"} 0"));
  EXPECT_THAT(Samples("sluice_backend_up"),
              ElementsAre("{backend=\"local\"} 1", "{backend=\"broken\"} 0"));
  EXPECT_THAT(Samples("sluice_build_info"), ElementsAre("{version=\"1.2.3\",commit=\"abc\"} 1"));
  telemetry_->ShowBackends({{"other", Borrowed(*backend_)}});
  EXPECT_THAT(Samples("sluice_keys"), ElementsAre("{backend=\"other\"} 2"));
}

// Answers nothing, and tells what a test says.
class ToldBackend final : public Backend {
 public:
  explicit ToldBackend(BackendStats stats) : stats_(stats) {}
  void Decide(Decision& decision) override { decision.Done(absl::UnavailableError("")); }
  void Forget(Forgetting& forgetting) override { forgetting.Done(absl::UnavailableError("")); }
  BackendStats Stats() const override { return stats_; }

 private:
  const BackendStats stats_;
};

BackendStats StatsOfRedis() {
  BackendStats stats;
  stats.up = false;
  RemoteStats& remote = stats.remote.emplace();
  remote.commands = 9;
  remote.coalesced = 4;
  remote.queue = 3;
  remote.errors[kTimeoutError] = 2;
  remote.errors[kBreakerError] = 7;
  remote.round_trips.counts = {1, 0, 2};
  remote.round_trips.counts.back() = 1;
  remote.round_trips.sum_us = 2'500'000;
  remote.clock_behind_us = 1'500'000;
  remote.breaker = BreakerState::kOpen;
  return stats;
}

TEST_P(TelemetryTest, ShowsWhatBackendsAcrossANetworkTell) {
  Use("throttles: [{uid: one, rate: 1/min}]");
  ToldBackend redis(StatsOfRedis());
  telemetry_->ShowBackends({{"shared", Borrowed(redis)}, {"local", Borrowed(*backend_)}});
  EXPECT_THAT(Samples("sluice_backend_up"),
              ElementsAre("{backend=\"shared\"} 0", "{backend=\"local\"} 1"));
  EXPECT_THAT(Samples("sluice_backend_commands_total"), ElementsAre("{backend=\"shared\"} 9"));
  EXPECT_THAT(Samples("sluice_coalesced_total"), ElementsAre("{backend=\"shared\"} 4"));
  EXPECT_THAT(Samples("sluice_backend_queue"), ElementsAre("{backend=\"shared\"} 3"));
  EXPECT_THAT(Samples("sluice_breaker_state"), ElementsAre("{backend=\"shared\"} 2"));
  EXPECT_THAT(Samples("sluice_backend_clock_behind_seconds"),
              ElementsAre("{backend=\"shared\"} 1.5"));
  EXPECT_THAT(
      Samples("sluice_backend_errors_total"),
      UnorderedElementsAre(
          "{backend=\"shared\",kind=\"connect\"} 0", "{backend=\"shared\",kind=\"cut\"} 0",
          "{backend=\"shared\",kind=\"timeout\"} 2", "{backend=\"shared\",kind=\"shed\"} 0",
          "{backend=\"shared\",kind=\"refused\"} 0", "{backend=\"shared\",kind=\"reply\"} 0",
          "{backend=\"shared\",kind=\"breaker\"} 7"));
  EXPECT_THAT(Samples("sluice_backend_round_trip_seconds_count"),
              ElementsAre("{backend=\"shared\"} 4"));
  EXPECT_THAT(Samples("sluice_backend_round_trip_seconds_sum"),
              ElementsAre("{backend=\"shared\"} 2.5"));
  EXPECT_THAT(Samples("sluice_backend_round_trip_seconds_bucket"),
              AllOf(Contains("{backend=\"shared\",le=\"0.0001\"} 1"),
                    Contains("{backend=\"shared\",le=\"0.0005\"} 3"),
                    Contains("{backend=\"shared\",le=\"1\"} 3"),
                    Contains("{backend=\"shared\",le=\"+Inf\"} 4")));
}

TEST_P(TelemetryTest, ShowsOnlyWhatABackendHas) {
  Use("throttles: [{uid: one, rate: 1/min}]");
  ToldBackend redis(StatsOfRedis());
  telemetry_->ShowBackends({{"shared", Borrowed(redis)}, {"local", Borrowed(*backend_)}});
  EXPECT_THAT(Samples("sluice_keys"), ElementsAre("{backend=\"local\"} 0"));
  EXPECT_THAT(Samples("sluice_full_total"), ElementsAre("{backend=\"local\"} 0"));
  telemetry_->ShowBackends({{"local", Borrowed(*backend_)}});
  EXPECT_THAT(telemetry_->Scrape(), Not(HasSubstr("sluice_breaker_state")));
}

TEST_P(TelemetryTest, KeepsTheBackendsThatItShows) {
  std::shared_ptr<Backend> backend = NewMemoryBackend({});
  const std::weak_ptr<Backend> seen = backend;
  telemetry_->ShowBackends({{"local", std::move(backend)}});
  EXPECT_THAT(Samples("sluice_keys"), ElementsAre("{backend=\"local\"} 0"));
  telemetry_->ShowBackends({});
  EXPECT_TRUE(seen.expired());
}

TEST_P(TelemetryTest, FollowsThePolicy) {
  EXPECT_THAT(Samples("sluice_config_generation"), ElementsAre(" 0"));
  const FakeClock clock;
  std::string text = "namespace: a\n";
  PolicySource source(
      [&](uint64_t generation) { return LoadPolicyText("test.yaml", text, generation); },
      [](const std::shared_ptr<const PolicySet>&) { return absl::OkStatus(); },
      [](const PolicyLoad&) {}, clock);
  telemetry_->ShowPolicy(source);
  source.Reload();
  source.Reload();
  EXPECT_THAT(Samples("sluice_config_generation"), ElementsAre(" 2"));
  EXPECT_THAT(Samples("sluice_config_stale"), ElementsAre(" 0"));
  EXPECT_THAT(Samples("sluice_config_loads_total"),
              ElementsAre("{result=\"success\"} 2", "{result=\"error\"} 0"));
  text = "nope: a\n";
  source.Reload();
  EXPECT_THAT(Samples("sluice_config_generation"), ElementsAre(" 2"));
  EXPECT_THAT(Samples("sluice_config_stale"), ElementsAre(" 1"));
  EXPECT_THAT(Samples("sluice_config_loads_total"),
              ElementsAre("{result=\"success\"} 2", "{result=\"error\"} 1"));
}

INSTANTIATE_TEST_SUITE_P(Backends, TelemetryTest, testing::ValuesIn(Backends()), NameOf);

}  // namespace
}  // namespace sluice
