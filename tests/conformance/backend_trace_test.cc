// Random traces over every backend, against a slow model of what it must answer.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/conformance/backends.h"
#include "tests/conformance/counters.h"
#include "tests/conformance/sequential_model.h"
#include "tests/fakes/awaited_decision.h"
#include "tests/fakes/required_params.h"

namespace sluice {

bool operator==(const Verdict& a, const Verdict& b) {
  return a.allowed == b.allowed && a.taken == b.taken && a.remaining == b.remaining &&
         a.changes == b.changes && a.wait_us == b.wait_us && a.reset_us == b.reset_us &&
         a.now_us == b.now_us && a.tag == b.tag && a.registers == b.registers;
}

std::ostream& operator<<(std::ostream& out, const Verdict& v) {
  return out << (v.allowed ? "allowed" : "denied") << (v.taken ? " taken" : "") << " remaining "
             << v.remaining << " wait " << v.wait_us << " reset " << v.reset_us << " at "
             << v.now_us << " tag " << v.tag << " registers " << absl::StrJoin(v.registers, " ");
}

namespace {

// A charge by numbers, so that a failing trace can be shrunk and read.
struct Line {
  int key;
  int limit;
  int64_t amount;
  Mode mode;
  int value;  // of the context key that the strategy reads, by its place in kValues
};

constexpr std::array<const char*, 4> kValues = {"", "low", "critical", "pro"};

struct Request {
  int64_t time_us;  // since the one before, or since the start
  std::vector<Line> lines;
};

std::ostream& operator<<(std::ostream& out, const Line& line) {
  return out << "{key " << line.key << " limit " << line.limit << " amount " << line.amount
             << " mode " << static_cast<int>(line.mode) << " of '"
             << kValues[static_cast<size_t>(line.value)] << "'}";
}

std::ostream& operator<<(std::ostream& out, const Request& request) {
  out << "\n  " << request.time_us << "us:";
  for (const Line& line : request.lines) out << " " << line;
  return out;
}

rc::Gen<Line> AnyLine(size_t limits, bool settles) {
  auto modes =
      settles ? rc::gen::weightedElement<Mode>(
                    {{6, Mode::kTake}, {2, Mode::kFollow}, {2, Mode::kLook}, {1, Mode::kSettle}})
              : rc::gen::weightedElement<Mode>(
                    {{6, Mode::kTake}, {2, Mode::kFollow}, {2, Mode::kLook}});
  return rc::gen::mapcat(std::move(modes), [limits](Mode mode) {
    return rc::gen::build<Line>(
        rc::gen::set(&Line::key, rc::gen::inRange(0, 4)),
        rc::gen::set(&Line::limit, rc::gen::inRange(0, static_cast<int>(limits))),
        rc::gen::set(&Line::amount, mode == Mode::kSettle ? rc::gen::inRange<int64_t>(-6, 7)
                                                          : rc::gen::inRange<int64_t>(0, 7)),
        rc::gen::set(&Line::mode, rc::gen::just(mode)),
        rc::gen::set(&Line::value, rc::gen::inRange(0, static_cast<int>(kValues.size()))));
  });
}

rc::Gen<std::vector<Request>> AnyTrace(size_t limits, int64_t most_us, bool settles) {
  const auto lines =
      rc::gen::resize(12, rc::gen::container<std::vector<Line>>(AnyLine(limits, settles)));
  return rc::gen::container<std::vector<Request>>(rc::gen::build<Request>(
      rc::gen::set(&Request::time_us, rc::gen::inRange<int64_t>(0, most_us)),
      rc::gen::set(&Request::lines, lines)));
}

class BackendTrace : public testing::TestWithParam<BackendFactory> {
 protected:
  static int TagOf(const Line& line, const Limit& limit) {
    return limit.TagOf(kValues[static_cast<size_t>(line.value)]);
  }

  // Runs the requests, the n-th at `instants[n]`, and compares every verdict.
  static void Compare(const std::vector<Limit>& limits, const std::vector<Request>& requests,
                      const std::vector<int64_t>& instants) {
    const std::unique_ptr<Backend> backend = GetParam().make();
    SequentialModel model;
    for (size_t n = 0; n < requests.size(); ++n) {
      std::vector<CounterKey> keys;
      for (const Line& line : requests[n].lines) {
        const Limit& limit = limits[static_cast<size_t>(line.limit)];
        keys.push_back(KeyOf(absl::StrCat(line.key, limit.SplitOf(TagOf(line, limit))), limit));
      }
      std::vector<Charge> charges;
      for (size_t i = 0; i < keys.size(); ++i) {
        const Line& line = requests[n].lines[i];
        const Limit& limit = limits[static_cast<size_t>(line.limit)];
        charges.push_back({keys[i], limit, line.amount, line.mode, TagOf(line, limit)});
      }
      AwaitedDecision decision(charges, instants[n]);
      backend->Decide(decision);
      RC_ASSERT(decision.Wait().ok());
      RC_ASSERT(decision.verdicts_told() == model.Decide(charges, instants[n]));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Every, BackendTrace, testing::ValuesIn(Backends()),
                         [](const auto& each) { return each.param.name; });

// Short periods: counters fill, drain and are dropped, and are new again.
TEST_P(BackendTrace, AnswersAsTheModelDoes) {
  const std::vector<Limit> limits = {
      LimitOf("fixed_window", "10/s"),
      LimitOf("fixed_window", "4/s"),
      LimitOf("fixed_window", "0/s"),
      LimitOf("token_bucket", "5/s", {{"burst_size", "8"}}),
      LimitOf("token_bucket", "5/s", {{"burst_size", "3"}}),
      LimitOf("gcra", "10/s", {{"burst", "3"}}),
      LimitOf("gcra", "10/s", {{"burst", "2"}, {"oversize", "pay_later"}}),
      LimitOf("fixed_window", "5/s", {{"count_denied", "true"}}),
      LimitOf("sliding_window_counter", "10/s"),
      LimitOf("sliding_window_counter", "10/2s", {{"count_denied", "true"}}),
      LimitOf("token_bucket_with_debt", "5/s", {{"burst_size", "3"}, {"max_debt", "4"}}),
      LimitOf("leaky_bucket", "5/s"),
      LimitOf(
          "tiered_rate", "6/s",
          {{"tiers", ParamValue::Map({{"free", "0.5"}, {"pro", "2"}})}, {"default_tier", "free"}}),
      LimitOf("adaptive_throttle", "10/s"),
      LimitOf("quota_with_rollover", "6/s"),
      LimitOf("time_of_day", "8/s", RequiredParams("time_of_day")),
      LimitOf("cost_based_token_bucket", "10/s"),
  };
  EXPECT_TRUE(rc::check([&] {
    const auto requests = *AnyTrace(limits.size(), 400'000, /*settles=*/true);
    std::vector<int64_t> instants;
    int64_t now_us = kStartUs;
    for (const Request& request : requests) instants.push_back(now_us += request.time_us);
    Compare(limits, requests, instants);
  }));
}

// A few counters whose logs grow, leave and grow again.
TEST_P(BackendTrace, KeepsLogsAsTheModelDoes) {
  const std::vector<Limit> limits = {
      LimitOf("sliding_window_log", "10/s"),
      LimitOf("sliding_window_log", "12/s", {{"max_entries", "5"}}),
      LimitOf("sliding_window_log", "8/2s", {{"count_denied", "true"}}),
      LimitOf("priority_queue", "8/s"),
      LimitOf("priority_queue", "8/s", {{"hard_limit", "12"}, {"max_entries", "9"}}),
      LimitOf("leaky_bucket_with_queue", "8/s", {{"max_entries", "4"}}),
      LimitOf("leaky_bucket_with_queue", "8/s", {{"capacity", "20"}}),
  };
  EXPECT_TRUE(rc::check([&] {
    const auto requests = *AnyTrace(limits.size(), 400'000, /*settles=*/true);
    std::vector<int64_t> instants;
    int64_t now_us = kStartUs;
    for (const Request& request : requests) instants.push_back(now_us += request.time_us);
    Compare(limits, requests, instants);
  }));
}

// Long periods, so that no counter is idle before the end: once one is, a backend may drop it with
// its clamp, or may still have it, and both are right.
TEST_P(BackendTrace, AnswersAsTheModelDoesWhileTimeRunsToAndFro) {
  const std::vector<Limit> limits = {
      LimitOf("fixed_window", "20/day"),
      LimitOf("fixed_window", "10/day"),
      LimitOf("token_bucket", "20/day", {{"burst_size", "30"}}),
      LimitOf("gcra", "100/day", {{"burst", "10"}}),
      LimitOf("sliding_window_counter", "20/day"),
      LimitOf("sliding_window_log", "20/day", {{"max_entries", "6"}}),
      LimitOf("priority_queue", "20/day"),
      LimitOf("leaky_bucket_with_queue", "20/day"),
      LimitOf("adaptive_throttle", "20/day"),
      LimitOf("quota_with_rollover", "20/day"),
      LimitOf("time_of_day", "20/day", RequiredParams("time_of_day")),
      LimitOf("cost_based_token_bucket", "20/day"),
  };
  EXPECT_TRUE(rc::check([&] {
    const auto requests = *AnyTrace(limits.size(), 100'000'000, /*settles=*/false);
    std::vector<int64_t> instants;
    for (const Request& request : requests) instants.push_back(kStartUs + request.time_us);
    Compare(limits, requests, instants);
  }));
}

}  // namespace
}  // namespace sluice
