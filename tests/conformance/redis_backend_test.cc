// What a Redis backend does beyond what every backend must.
#include "backend/redis/redis_backend.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/conformance/counters.h"
#include "tests/conformance/redis_servers.h"
#include "tests/fakes/awaited_decision.h"
#include "tests/fakes/required_params.h"

namespace sluice {
namespace {

class RedisBackendTest : public testing::Test {
 protected:
  RedisBackendTest() { SharedRedis().Cli({"FLUSHALL"}); }

  static std::string Get(const CounterKey& key) {
    return SharedRedis().Cli({"GET", key.ToString()});
  }

  const Limit ten_ = LimitOf("fixed_window", "10/day");
  const CounterKey a_ = KeyOf("a", ten_);
  const CounterKey b_ = KeyOf("b", ten_);
  const std::unique_ptr<Backend> backend_ =
      NewRedisBackend(OptionsFor(SharedRedis()), SharedLoops());
};

// Decisions of many callers share a call, and only those on the key fail.
TEST_F(RedisBackendTest, WhatIsNoCounterOfOursFailsAloneAndIsKept) {
  SharedRedis().Cli({"SET", a_.ToString(), "hello"});
  const CounterKey list = KeyOf("list", ten_);
  SharedRedis().Cli({"RPUSH", list.ToString(), "1", "2"});
  std::deque<AwaitedDecision> decisions;
  for (int i = 0; i < 30; ++i) {
    const CounterKey& key = i % 3 == 0 ? a_ : i % 3 == 1 ? b_ : list;
    decisions.emplace_back(std::vector<Charge>{{key, ten_, 1, Mode::kTake}}, kStartUs);
  }
  for (AwaitedDecision& decision : decisions) backend_->Decide(decision);
  for (int i = 0; i < 30; ++i) {
    const absl::Status status = decisions[static_cast<size_t>(i)].Wait();
    EXPECT_EQ(status.code(),
              i % 3 == 1 ? absl::StatusCode::kOk : absl::StatusCode::kFailedPrecondition)
        << status;
  }
  EXPECT_EQ(Get(a_), "hello");
  EXPECT_EQ(SharedRedis().Cli({"LLEN", list.ToString()}), "2");
  AwaitedDecision look({{b_, ten_, 1, Mode::kLook}}, kStartUs);
  backend_->Decide(look);
  ASSERT_TRUE(look.Wait().ok());
  EXPECT_EQ(look.verdicts_told()[0].remaining, 0);
}

TEST_F(RedisBackendTest, SoDoLogsAndRequestsOverSeveralKeys) {
  const Limit log = LimitOf("sliding_window_log", "5/min");
  const Limit calendar = LimitOf("time_of_day", "8/s", RequiredParams("time_of_day"));
  const CounterKey text = KeyOf("text", log);
  const CounterKey list = KeyOf("list", log);
  const CounterKey ours = KeyOf("ours", log);
  const CounterKey hours = KeyOf("hours", calendar);
  SharedRedis().Cli({"SET", text.ToString(), "hello"});
  SharedRedis().Cli({"RPUSH", list.ToString(), "hello"});
  SharedRedis().Cli({"SET", a_.ToString(), "hello"});
  SharedRedis().Cli({"SET", hours.ToString(), "hello"});
  using Charges = std::vector<Charge>;
  std::deque<AwaitedDecision> foreign;
  for (const Charges& charges :
       {Charges{{text, log, 1, Mode::kTake}}, Charges{{list, log, 1, Mode::kSettle}},
        Charges{{hours, calendar, 1, Mode::kTake}},
        Charges{{b_, ten_, 1, Mode::kTake}, {a_, ten_, 1, Mode::kFollow}},
        Charges{{ours, log, 1, Mode::kTake}, {text, log, 1, Mode::kTake}}}) {
    foreign.emplace_back(charges, kStartUs);
  }
  AwaitedDecision well({{b_, ten_, 1, Mode::kTake}, {ours, log, 1, Mode::kTake}}, kStartUs);
  for (AwaitedDecision& decision : foreign) backend_->Decide(decision);
  backend_->Decide(well);
  for (AwaitedDecision& decision : foreign) {
    EXPECT_TRUE(absl::IsFailedPrecondition(decision.Wait())) << decision.Wait();
  }
  ASSERT_EQ(well.Wait(), absl::OkStatus());
  EXPECT_EQ(well.verdicts_told()[0].remaining, 9);
  EXPECT_EQ(well.verdicts_told()[1].remaining, 4);
  EXPECT_EQ(Get(text), "hello");
  EXPECT_EQ(SharedRedis().Cli({"LRANGE", list.ToString(), "0", "-1"}), "hello");
}

// In one call the looks would fail with the takes.
TEST_F(RedisBackendTest, LooksAreAnsweredBesideTakesWhenRedisIsFull) {
  SharedRedis().Cli({"CONFIG", "SET", "maxmemory", "1"});
  std::deque<AwaitedDecision> decisions;
  for (int i = 0; i < 40; ++i) {
    const Mode mode = i % 2 == 0 ? Mode::kTake : Mode::kLook;
    decisions.emplace_back(std::vector<Charge>{{i % 3 == 0 ? a_ : b_, ten_, 1, mode}}, kStartUs);
  }
  for (AwaitedDecision& decision : decisions) backend_->Decide(decision);
  for (int i = 0; i < 40; ++i) {
    const absl::Status status = decisions[static_cast<size_t>(i)].Wait();
    EXPECT_EQ(status.ok(), i % 2 == 1) << status;
  }
  SharedRedis().Cli({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(SharedRedis().Cli({"DBSIZE"}), "0");
}

// A replay asks ahead of the answers.
TEST_F(RedisBackendTest, DecidesInTheOrderInWhichAKeyIsAsked) {
  std::deque<AwaitedDecision> decisions;
  for (int i = 0; i < 18; ++i) {
    const Mode mode = i % 4 < 2 ? Mode::kTake : Mode::kLook;
    decisions.emplace_back(std::vector<Charge>{{i % 2 == 0 ? a_ : b_, ten_, 1, mode}}, kStartUs);
  }
  for (AwaitedDecision& decision : decisions) backend_->Decide(decision);
  for (int i = 0; i < 18; ++i) {
    AwaitedDecision& decision = decisions[static_cast<size_t>(i)];
    ASSERT_EQ(decision.Wait(), absl::OkStatus());
    EXPECT_EQ(decision.verdicts_told()[0].remaining, 9 - i / 4) << i;
  }
}

// The counter's time is past the hours that the one limit's terms are of, and within the other's.
TEST_F(RedisBackendTest, WhatIsAskedAgainStaysBeforeWhatCameLater) {
  const auto all_day = [](const std::string& zone) {
    Params params = RequiredParams("time_of_day");
    params.emplace_back("timezone", zone);
    return LimitOf("time_of_day", "10/day", params);
  };
  const Limit whole_hours = all_day("UTC");
  const Limit half_hours = all_day("Asia/Kolkata");
  const CounterKey key = KeyOf("hours", whole_hours);
  const int64_t now_us = kStartUs + 38 * kMinuteUs;  // 22:51:20
  AwaitedDecision ahead({{key, whole_hours, 1, Mode::kTake}}, now_us + 72 * kMinuteUs);
  backend_->Decide(ahead);
  ASSERT_EQ(ahead.Wait(), absl::OkStatus());
  const int64_t left = ahead.verdicts_told()[0].remaining;

  AwaitedDecision first({{key, whole_hours, 2, Mode::kTake}}, now_us);
  AwaitedDecision second({{key, half_hours, 1, Mode::kTake}}, now_us);
  AwaitedDecision third({{key, half_hours, 1, Mode::kLook}}, now_us);
  int64_t expected = left;
  for (AwaitedDecision* decision : {&first, &second, &third}) backend_->Decide(*decision);
  for (AwaitedDecision* decision : {&first, &second, &third}) {
    ASSERT_EQ(decision->Wait(), absl::OkStatus());
    const Charge& charge = decision->charges[0];
    if (charge.mode == Mode::kTake) expected -= charge.amount;
    EXPECT_EQ(decision->verdicts_told()[0].remaining, expected);
  }
}

// As the documentation shows it.
TEST_F(RedisBackendTest, CountersAreReadable) {
  const Limit log = LimitOf("sliding_window_log", "5/min");
  const CounterKey of_log = KeyOf("a", log);
  AwaitedDecision decision({{a_, ten_, 3, Mode::kTake}, {of_log, log, 2, Mode::kTake}}, kStartUs);
  backend_->Decide(decision);
  ASSERT_TRUE(decision.Wait().ok());
  EXPECT_EQ(a_.ToString(), "{test::a}:throttle:fixed_window.1.1d.1us");
  EXPECT_EQ(Get(a_), "1699920000000000 3");
  EXPECT_EQ(SharedRedis().Cli({"LRANGE", of_log.ToString(), "0", "-1"}),
            "1700000000000000 1 2\n1700000000000000 2 0");
}

}  // namespace
}  // namespace sluice
