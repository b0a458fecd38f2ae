// Hit, Check and Stat of every strategy over gRPC: each carries its own metadata, with the values
// that strategies.md means, worked out by hand.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sluice/v1/limiter.grpc.pb.h"
#include "strategy/limit.h"
#include "tests/fakes/proto_matcher.h"
#include "tests/integration/node.h"
#include "transport/grpc/grpc_door.h"

namespace sluice {
namespace {

// The clock stands at 1'700'000'000 s, 20 s into a minute and 17:13 in New York; 50 s later it is
// 10 s into the next one.
constexpr int64_t kLaterUs = 50'000'000;

struct Told {
  std::string strategy;
  std::string limit;    // of the throttle's YAML
  std::string context;  // of the hit, as a text proto
  std::string hit;      // the metadata after a hit of 30
  std::string later_context;
  std::string later;  // that of a check and a stat of 1, 50 s later
};

std::ostream& operator<<(std::ostream& out, const Told& told) { return out << told.strategy; }

const std::vector<Told>& Everything() {
  static const auto& everything = *new std::vector<Told>{
      {"fixed_window", "rate: 100/min, strategy: fixed_window", "",
       "window_start_ms: 1699999980000 window_end_ms: 1700000040000 current_count: 30", "",
       "window_start_ms: 1700000040000 window_end_ms: 1700000100000"},
      {"sliding_window_counter", "rate: 100/min, strategy: sliding_window_counter", "",
       // 40 s of the minute are left, and 30 weigh as they are.
       "current_window_id: 28333333 current_count: 30 overlap_percentage: 66.666666666666657 "
       "weighted_count: 30",
       "",
       // Five sixths of 30.
       "current_window_id: 28333334 previous_count: 30 overlap_percentage: 83.333333333333343 "
       "weighted_count: 25"},
      {"sliding_window_log", "rate: 100/min, strategy: sliding_window_log", "",
       "window_start_ms: 1699999940000 entry_count: 1 current_cost_sum: 30 "
       "oldest_entry_ms: 1700000000000",
       "",
       "window_start_ms: 1699999990000 entry_count: 1 current_cost_sum: 30 "
       "oldest_entry_ms: 1700000000000"},
      {"token_bucket", "rate: 30/min, strategy: {type: token_bucket, burst_size: 100}", "",
       "tokens: 70 capacity: 100 refill_rate_per_ms: 0.0005 last_refill_ms: 1700000000000", "",
       "tokens: 95 capacity: 100 refill_rate_per_ms: 0.0005 last_refill_ms: 1700000050000"},
      {"token_bucket_with_debt",
       "rate: 30/min, strategy: {type: token_bucket_with_debt, burst_size: 20, max_debt: 25}", "",
       "tokens: -10 capacity: 20 max_debt: 25 current_debt: 10 refill_rate_per_ms: 0.0005 "
       "last_refill_ms: 1700000000000",
       "",
       "tokens: 15 capacity: 20 max_debt: 25 refill_rate_per_ms: 0.0005 "
       "last_refill_ms: 1700000050000"},
      {"leaky_bucket", "rate: 30/min, strategy: {type: leaky_bucket, capacity: 100}", "",
       "bucket_level: 30 bucket_capacity: 100 leak_rate_per_ms: 0.0005 last_leak_ms: 1700000000000",
       "",
       "bucket_level: 5 bucket_capacity: 100 leak_rate_per_ms: 0.0005 last_leak_ms: 1700000050000"},
      {"leaky_bucket_with_queue",
       "rate: 30/min, strategy: {type: leaky_bucket_with_queue, capacity: 100}", "",
       // Thirty hits leak in a minute.
       "queue_size: 1 queue_cost: 30 bucket_capacity: 100 leak_rate_per_ms: 0.0005 "
       "drain_delay_ms: 60000 last_leak_ms: 1700000000000",
       "",
       // Five are left, and the sixth would be the one that is asked about.
       "queue_size: 1 queue_cost: 5 bucket_capacity: 100 leak_rate_per_ms: 0.0005 "
       "drain_delay_ms: 12000 last_leak_ms: 1700000050000"},
      {"gcra", "rate: 30/min, strategy: {type: gcra, burst: 40}", "",
       "tat_ms: 1700000060000 emission_interval_ms: 2000 burst_tolerance_ms: 78000 "
       "conformant: true",
       "",
       "tat_ms: 1700000060000 emission_interval_ms: 2000 burst_tolerance_ms: 78000 "
       "conformant: true"},
      {"tiered_rate",
       "rate: 10/min, strategy: {type: tiered_rate, tiers: {free: 0.5, pro: 5}, "
       "default_tier: free}",
       "context {key: 'tier' value: 'pro'}",
       "tier: 'pro' tier_multiplier: 5 effective_limit: 50 current_count: 30 "
       "window_start_ms: 1699999980000 window_end_ms: 1700000040000",
       // A caller without a tier is in the default one, which has a counter of its own.
       "",
       "tier: 'free' tier_multiplier: 0.5 effective_limit: 5 "
       "window_start_ms: 1700000040000 window_end_ms: 1700000100000"},
      {"adaptive_throttle",
       "rate: 100/min, strategy: {type: adaptive_throttle, load_threshold: 0.2}", "",
       // Above 20 % it is reduced to 60 %; the next window gives back 10.
       "effective_limit: 60 current_count: 30 current_load: 0.5 load_threshold: 0.2 "
       "window_start_ms: 1699999980000 window_end_ms: 1700000040000",
       "",
       "effective_limit: 70 load_threshold: 0.2 "
       "window_start_ms: 1700000040000 window_end_ms: 1700000100000"},
      {"priority_queue", "rate: 100/min, strategy: priority_queue",
       "context {key: 'priority' value: 'high'}",
       "priority: 3 queue_size: 1 total_cost_in_queue: 30 higher_priority_cost: 30",
       "context {key: 'priority' value: '4'}", "priority: 4 queue_size: 1 total_cost_in_queue: 30"},
      {"quota_with_rollover", "rate: 100/min, strategy: quota_with_rollover", "",
       "base_limit: 100 rollover_amount: 50 effective_limit: 150 usage: 30 "
       "period_start_ms: 1699999980000 period_end_ms: 1700000040000",
       "",
       // Half of the 70 that were left.
       "base_limit: 100 rollover_amount: 35 effective_limit: 135 "
       "period_start_ms: 1700000040000 period_end_ms: 1700000100000"},
      {"time_of_day",
       "rate: 100/min, strategy: {type: time_of_day, timezone: America/New_York, windows: "
       "[{from: 8, to: 20, multiplier: 2}, {from: 20, to: 8, multiplier: 1}]}",
       "",
       "hour_of_day: 17 time_multiplier: 2 effective_limit: 200 current_count: 30 "
       "window_start_ms: 1699999980000 window_end_ms: 1700000040000",
       "",
       "hour_of_day: 17 time_multiplier: 2 effective_limit: 200 "
       "window_start_ms: 1700000040000 window_end_ms: 1700000100000"},
      {"cost_based_token_bucket",
       "rate: 30/min, strategy: {type: cost_based_token_bucket, burst_size: 100}", "",
       // An average of 30 refills at a tenth, which is the least.
       "tokens: 70 capacity: 100 average_cost: 30 cost_history_size: 1 "
       "refill_rate_per_ms: 0.00005 base_refill_rate_per_ms: 0.0005",
       "",
       "tokens: 72.5 capacity: 100 average_cost: 30 cost_history_size: 1 "
       "refill_rate_per_ms: 0.00005 base_refill_rate_per_ms: 0.0005"}};
  return everything;
}

class MetadataOverGrpcTest : public testing::TestWithParam<Told> {
 protected:
  void SetUp() override {
    node_.Use(absl::StrCat("throttles: [{uid: it, ", GetParam().limit, "}]"));
    auto door = NewGrpcDoor({"127.0.0.1:0"}, {node_.native, node_.ratelimit, node_.health,
                                              *node_.telemetry, *node_.clock});
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
    stub_ = v1::Limiter::NewStub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", door_->port()),
                                                     grpc::InsecureChannelCredentials()));
  }

  template <class Request>
  static Request Asking(absl::string_view context, uint64_t cost) {
    Request request =
        ParseText<Request>(absl::StrCat("throttles: 'it' identifier: 'alice' ", context));
    request.set_cost(cost);
    return request;
  }

  // The whole stat, but for what is not metadata.
  static v1::StrategyStat Metadata(const v1::ThrottleResult& result) {
    v1::StrategyStat stat = result.stat();
    EXPECT_EQ(stat.strategy(), GetParam().strategy);
    EXPECT_EQ(stat.throttle(), "it");
    stat.clear_key();
    stat.clear_rate();
    stat.clear_hits_remaining();
    stat.clear_wait_ms();
    stat.clear_reset_ms();
    stat.clear_throttle();
    stat.clear_strategy();
    return stat;
  }
  static std::string Expected(absl::string_view fields) {
    const std::string& name = GetParam().strategy;
    return absl::StrCat(name, " { strategy: '", name, "' ", fields, " }");
  }

  Node node_;
  std::unique_ptr<GrpcDoor> door_;
  std::unique_ptr<v1::Limiter::Stub> stub_;
};

TEST_P(MetadataOverGrpcTest, IsThatOfTheStrategyWithEveryValue) {
  grpc::ClientContext hit_context;
  v1::HitResponse hit;
  ASSERT_TRUE(stub_->Hit(&hit_context, Asking<v1::HitRequest>(GetParam().context, 30), &hit).ok());
  ASSERT_TRUE(hit.allowed());
  EXPECT_THAT(Metadata(hit.results(0)), EqualsText(Expected(GetParam().hit)));

  node_.clock->Advance(kLaterUs);
  grpc::ClientContext check_context;
  v1::CheckResponse check;
  ASSERT_TRUE(
      stub_->Check(&check_context, Asking<v1::CheckRequest>(GetParam().later_context, 1), &check)
          .ok());
  EXPECT_THAT(Metadata(check.results(0)), EqualsText(Expected(GetParam().later)));

  grpc::ClientContext stat_context;
  v1::StatResponse stat;
  ASSERT_TRUE(
      stub_->Stat(&stat_context, Asking<v1::StatRequest>(GetParam().later_context, 1), &stat).ok());
  EXPECT_THAT(Metadata(stat.results(0)), EqualsText(Expected(GetParam().later)));
}

INSTANTIATE_TEST_SUITE_P(Strategies, MetadataOverGrpcTest, testing::ValuesIn(Everything()),
                         [](const auto& each) { return each.param.strategy; });

TEST(MetadataOverGrpcCoverage, KnowsEveryStrategy) {
  std::vector<std::string> names;
  for (const Told& told : Everything()) names.push_back(told.strategy);
  EXPECT_THAT(names, testing::UnorderedElementsAreArray(StrategyNames()));
}

}  // namespace
}  // namespace sluice
