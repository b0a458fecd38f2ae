// What each strategy tells of itself: exactly the fields of strategies.md.
#include "strategy/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "strategy/limit.h"
#include "tests/fakes/required_params.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kNow = 1'700'000'000 * kSecond;
constexpr double kNowMs = 1'700'000'000'000.0;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Flags and counts as numbers; a field that is told twice is a failure.
class Recorder final : public MetadataSink {
 public:
  void Number(absl::string_view field, double value) override { Add(field, value); }
  void Count(absl::string_view field, uint64_t value) override {
    Add(field, static_cast<double>(value));
  }
  void Flag(absl::string_view field, bool value) override { Add(field, value ? 1.0 : 0.0); }
  void Text(absl::string_view field, absl::string_view) override { Add(field, 0.0); }

  const std::map<std::string, double>& fields() const { return fields_; }

 private:
  void Add(absl::string_view field, double value) {
    EXPECT_TRUE(fields_.emplace(std::string(field), value).second) << field << " is told twice";
  }

  std::map<std::string, double> fields_;
};

Limit Make(absl::string_view strategy, absl::string_view rate, const Params& params = {}) {
  return Limit::Create(strategy, Rate::Parse(rate).value(), params).value();
}

std::map<std::string, double> Describe(const Limit& limit, const Verdict& verdict) {
  Recorder recorder;
  limit.Describe(verdict, recorder);
  return recorder.fields();
}

// The fields of `strategy`'s message, by name.
TEST(MetadataTest, EachStrategyTellsTheFieldsOfTheContract) {
  const std::map<std::string, std::vector<std::string>> contract = {
      {"fixed_window", {"current_count", "window_end_ms", "window_start_ms"}},
      {"sliding_window_log",
       {"current_cost_sum", "entry_count", "oldest_entry_ms", "window_start_ms"}},
      {"sliding_window_counter",
       {"current_count", "current_window_id", "overlap_percentage", "previous_count",
        "weighted_count"}},
      {"token_bucket", {"capacity", "last_refill_ms", "refill_rate_per_ms", "tokens"}},
      {"token_bucket_with_debt",
       {"capacity", "current_debt", "last_refill_ms", "max_debt", "refill_rate_per_ms", "tokens"}},
      {"leaky_bucket", {"bucket_capacity", "bucket_level", "last_leak_ms", "leak_rate_per_ms"}},
      {"leaky_bucket_with_queue",
       {"bucket_capacity", "drain_delay_ms", "last_leak_ms", "leak_rate_per_ms", "queue_cost",
        "queue_size"}},
      {"gcra", {"burst_tolerance_ms", "conformant", "emission_interval_ms", "tat_ms"}},
      {"tiered_rate",
       {"current_count", "effective_limit", "tier", "tier_multiplier", "window_end_ms",
        "window_start_ms"}},
      {"adaptive_throttle",
       {"current_count", "current_load", "effective_limit", "load_threshold", "window_end_ms",
        "window_start_ms"}},
      {"priority_queue", {"higher_priority_cost", "priority", "queue_size", "total_cost_in_queue"}},
      {"quota_with_rollover",
       {"base_limit", "effective_limit", "period_end_ms", "period_start_ms", "rollover_amount",
        "usage"}},
      {"time_of_day",
       {"current_count", "effective_limit", "hour_of_day", "time_multiplier", "window_end_ms",
        "window_start_ms"}},
      {"cost_based_token_bucket",
       {"average_cost", "base_refill_rate_per_ms", "capacity", "cost_history_size",
        "refill_rate_per_ms", "tokens"}}};
  for (absl::string_view name : StrategyNames()) {
    const auto expected = contract.find(std::string(name));
    ASSERT_NE(expected, contract.end()) << name << " is not in this list";
    const Limit limit = Make(name, "10/s", RequiredParams(name));
    std::vector<std::string> told;
    for (const auto& [field, value] : Describe(limit, limit.Step({}, kNow, 1, true))) {
      told.push_back(field);
    }
    EXPECT_EQ(told, expected->second) << name;
  }
}

TEST(MetadataTest, FixedWindow) {
  const Limit limit = Make("fixed_window", "10/10s");
  const Verdict verdict = limit.Step({}, kNow + 3 * kSecond, 4, true);
  EXPECT_THAT(Describe(limit, verdict),
              ElementsAre(Pair("current_count", 4), Pair("window_end_ms", kNowMs + 10'000),
                          Pair("window_start_ms", kNowMs)));
}

TEST(MetadataTest, TokenBucket) {
  const Limit limit = Make("token_bucket", "10/s", {{"burst_size", "40"}});
  const Verdict hit = limit.Step({}, kNow, 30, true);
  EXPECT_THAT(Describe(limit, hit),
              ElementsAre(Pair("capacity", 40), Pair("last_refill_ms", kNowMs),
                          Pair("refill_rate_per_ms", 0.01), Pair("tokens", 10)));
  // Half a token more, seen without being taken.
  const Verdict look = limit.Step({hit.registers}, kNow + kSecond / 20, 1, false);
  EXPECT_THAT(Describe(limit, look),
              ElementsAre(Pair("capacity", 40), Pair("last_refill_ms", kNowMs + 50),
                          Pair("refill_rate_per_ms", 0.01), Pair("tokens", 10.5)));
}

TEST(MetadataTest, TokenBucketInDebtTellsWhatItOwes) {
  const Limit limit = Make("token_bucket", "10/s");
  EXPECT_EQ(Describe(limit, limit.Settle({}, kNow, 15))["tokens"], -5);
}

TEST(MetadataTest, Gcra) {
  const Limit limit = Make("gcra", "10/s", {{"burst", "3"}});
  const Verdict hit = limit.Step({}, kNow, 2, true);
  EXPECT_THAT(Describe(limit, hit),
              ElementsAre(Pair("burst_tolerance_ms", 200), Pair("conformant", 1),
                          Pair("emission_interval_ms", 100), Pair("tat_ms", kNowMs + 200)));
  const Verdict denied = limit.Step({hit.registers}, kNow, 2, true);
  EXPECT_EQ(Describe(limit, denied)["conformant"], 0);
  EXPECT_EQ(Describe(limit, denied)["tat_ms"], kNowMs + 200);
}

TEST(MetadataTest, GcraByTolerance) {
  const Limit limit = Make("gcra", "10/s", {{"burst_tolerance", "250ms"}});
  const auto fields = Describe(limit, limit.Step({}, kNow, 1, false));
  EXPECT_EQ(fields.at("burst_tolerance_ms"), 250);
  EXPECT_EQ(fields.at("tat_ms"), kNowMs);
}

TEST(MetadataTest, ACoarseTickIsStillMilliseconds) {
  const Limit limit = Make("token_bucket", "1000000000/day");
  ASSERT_EQ(limit.tick_us(), kSecond);
  const auto fields = Describe(limit, limit.Step({}, kNow, 1, true));
  EXPECT_EQ(fields.at("last_refill_ms"), kNowMs);
  EXPECT_DOUBLE_EQ(fields.at("refill_rate_per_ms"), 1e9 / 86'400'000);
}

TEST(MetadataTest, ALimitOfZeroHasNumbersToo) {
  const Limit gcra = Make("gcra", "0/s");
  EXPECT_THAT(Describe(gcra, gcra.Step({}, kNow, 1, true)),
              ElementsAre(Pair("burst_tolerance_ms", 0), Pair("conformant", 0),
                          Pair("emission_interval_ms", kInfinity), Pair("tat_ms", kNowMs)));
  const Limit bucket = Make("token_bucket", "0/s");
  EXPECT_EQ(Describe(bucket, bucket.Step({}, kNow, 1, true))["tokens"], 0);
}

}  // namespace
}  // namespace sluice
