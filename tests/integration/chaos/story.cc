#include "tests/integration/chaos/story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "tests/fakes/awaited_call.h"
#include "tests/fakes/redis/patience.h"

namespace sluice {
namespace {

using By = Seen::By;

constexpr int64_t kLatestUs = Node::kDeadlineUs + 100'000;
constexpr int64_t kRecoveryUs = 2'000'000;
// So many decisions by Redis in a row are its return.
constexpr int kInARow = 20;

// The counter of a throttle in Redis: how much is charged there, and its key.
struct Counter {
  int64_t used = 0;
  std::string key;
};

// None when Redis did not answer.
absl::optional<Counter> ReadOnce(Node& node, absl::string_view throttle, absl::string_view who) {
  AwaitedCall<ThrottleCall> call(node.clock().Now());
  call.deadline_us = call.now_us + 1'000'000;
  call.verb = ThrottleRequest::Verb::kStat;
  call.throttles = {throttle};
  call.identifier = who;
  node.limiter().Decide(call);
  if (!call.Wait().ok()) return absl::nullopt;
  const Line& line = call.lines().front();
  if (!line.judged || line.fell_back) return absl::nullopt;
  return Counter{line.rate.limit() - line.verdict.remaining, line.key->ToString()};
}

absl::optional<Counter> Read(Node& node, absl::string_view throttle, absl::string_view who) {
  absl::optional<Counter> counter;
  WaitUntil(
      [&] {
        counter = ReadOnce(node, throttle, who);
        return counter.has_value();
      },
      5'000'000);
  return counter;
}

double Ms(int64_t us) { return static_cast<double>(us) / 1000; }

}  // namespace

void Meanwhile(int64_t us) { SleepUs(us); }

Node& Story::Add(const RedisOptions& reach, absl::string_view on_error) {
  nodes_.push_back(std::make_unique<Node>(reach, on_error));
  return *nodes_.back();
}

void Story::Begin(bool with_redis) {
  std::vector<Node*> nodes;
  for (const auto& node : nodes_) {
    if (with_redis && !Read(*node, "tight", "first").has_value()) GiveUp(name_ + ": no Redis");
    nodes.push_back(node.get());
  }
  load_ = std::make_unique<Load>(nodes, kPerSecond);
  if (with_redis) Meanwhile(1'000'000);
}

void Story::FaultEnds() {
  fault_ended_us_ = SteadyUs();
  Meanwhile(kRecoveryUs + 500'000);
}

void Story::End(const Bounds& bounds) {
  seen_ = load_->Stop();
  load_.reset();
  int64_t recovery_us = 0;
  for (size_t i = 0; i < nodes_.size(); ++i) recovery_us = std::max(recovery_us, RecoveryUs(i));
  Print(bounds, recovery_us);
  if (bounds.recovers) {
    EXPECT_LE(recovery_us, kRecoveryUs);
  }
  CheckAnswers();
  CheckTight(bounds);
  CheckBuckets(bounds);
  CheckCharges(bounds);
  CheckFallbacks();
  for (const auto& node : nodes_) {
    for (const auto& [text, count] : node->errors()) {
      std::cout << "  " << count << " x " << text << "\n";
    }
  }
}

int64_t Story::Count(absl::string_view kind, By by, int64_t from_us, int64_t to_us) const {
  return std::count_if(seen_.begin(), seen_.end(), [&](const Seen& seen) {
    return (kind.empty() || kind == seen.kind) && seen.by == by && seen.began_us >= from_us &&
           seen.began_us < to_us;
  });
}

int64_t Story::Allowed(absl::string_view kind, int who, By by) const {
  return std::count_if(seen_.begin(), seen_.end(), [&](const Seen& seen) {
    return kind == seen.kind && (who < 0 || who == seen.who) && seen.by == by && seen.allowed;
  });
}

void Story::CheckAnswers() {
  for (const Seen& seen : seen_) {
    EXPECT_EQ(seen.times, 1);
    EXPECT_FALSE(seen.torn);
    if (seen.took_us() <= kLatestUs) continue;
    const int64_t starved_us = metronome_.StarvedUs(seen.began_us, seen.ended_us);
    EXPECT_LE(seen.took_us() - starved_us, kLatestUs)
        << seen.kind << " of node " << seen.node << ", starved for " << starved_us << " us";
  }
}

void Story::CheckTight(const Bounds& bounds) const {
  int64_t outages = 0;
  for (const auto& node : nodes_) outages += 1 + node->closings();
  for (int who = 0; who < Load::kWho; ++who) {
    EXPECT_GT(Allowed("tight", who, By::kRedis), 0);
    EXPECT_LE(Allowed("tight", who, By::kRedis), kTight * (1 + bounds.losses));
    EXPECT_LE(Allowed("tight", who, By::kSpare), kTight * outages);
  }
}

void Story::CheckBuckets(const Bounds& bounds) const {
  const int64_t span_us = seen_.back().ended_us - seen_.front().began_us;
  for (int who = 0; who < Load::kWho; ++who) {
    EXPECT_LE(Allowed("bucket", who, By::kRedis),
              kBucket * (1 + bounds.losses) + kBucket * span_us / 1'000'000 + 1);
  }
}

void Story::CheckCharges(const Bounds& bounds) {
  if (!bounds.recovers) return;
  const auto check = [&](const char* kind, const char* throttle, int who) {
    const absl::optional<Counter> counter = Read(node(0), throttle, Load::WhoOf(kind, who));
    if (!counter.has_value()) {
      ADD_FAILURE() << "Redis does not tell the counter of " << kind << who;
      return int64_t{-1};
    }
    const int64_t admitted = Allowed(kind, who, By::kRedis);
    int64_t unproved = 0;
    for (const auto& node : nodes_) unproved += node->Unproved(counter->key);
    EXPECT_LE(counter->used, admitted + unproved) << counter->key;
    if (bounds.losses == 0) {
      EXPECT_GE(counter->used, admitted) << counter->key;
    }
    return counter->used;
  };
  for (int who = 0; who < Load::kWho; ++who) {
    check("wide", "wide", who);
    EXPECT_EQ(check("pair", "wide", who), check("pair", "other", who));
  }
}

void Story::CheckFallbacks() const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const int64_t closed_us = nodes_[i]->last_closed_us();
    const bool since = std::any_of(seen_.begin(), seen_.end(), [&](const Seen& seen) {
      return seen.node == i && seen.by == By::kSpare && seen.ended_us >= closed_us;
    });
    if (closed_us == 0 || since) continue;
    EXPECT_TRUE(WaitUntil([&] { return nodes_[i]->Spare() == 0; }, 2'000'000))
        << nodes_[i]->Spare() << " counters are left in the fallback";
  }
}

int64_t Story::RecoveryUs(size_t node) const {
  int in_a_row = 0;
  int64_t first_us = 0;
  for (const Seen& seen : seen_) {
    if (seen.node != node || seen.began_us < fault_ended_us_) continue;
    if (seen.by != By::kRedis) {
      in_a_row = 0;
    } else if (++in_a_row == 1) {
      first_us = seen.ended_us;
    } else if (in_a_row == kInARow) {
      return first_us - fault_ended_us_;
    }
  }
  return kNever;
}

void Story::Print(const Bounds& bounds, int64_t recovery_us) const {
  std::vector<int64_t> took;
  took.reserve(seen_.size());
  for (const Seen& seen : seen_) took.push_back(seen.took_us());
  std::sort(took.begin(), took.end());
  int64_t closings = 0;
  for (const auto& node : nodes_) closings += node->closings();
  const int64_t hits = Allowed("tight", -1, By::kRedis);
  const int64_t errors = Count("", By::kOnError, 0, kNever) + Count("", By::kNobody, 0, kNever);
  std::printf(
      "CHAOS %-28s decisions %5zu, tight: allowed %3lld of %3lld, on fallbacks %3lld, errors "
      "%4lld, "
      "slowest %5.1f ms, p99 %5.1f ms, recovery %6.1f ms, losses %d, breakers closed %lld\n",
      name_.c_str(), seen_.size(), static_cast<long long>(hits),
      static_cast<long long>(Load::kWho * kTight * (1 + bounds.losses)),
      static_cast<long long>(Allowed("tight", -1, By::kSpare)), static_cast<long long>(errors),
      Ms(took.back()), Ms(took[took.size() * 99 / 100]),
      recovery_us == kNever ? -1 : Ms(recovery_us), bounds.losses,
      static_cast<long long>(closings));
  std::fflush(stdout);
}

}  // namespace sluice
