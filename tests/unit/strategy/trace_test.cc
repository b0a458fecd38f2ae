// What a counterexample is printed as plays back to the verdicts that it is about.
#include "tests/unit/strategy/trace.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/unit/strategy/any_case.h"
#include "tests/unit/strategy/case_count.h"

namespace sluice {
namespace {

const ::testing::Environment* const kCaseCount =
    ::testing::AddGlobalTestEnvironment(new CaseCount(100));

ParamValue ValueOf(const YAML::Node& node) {
  if (node.IsScalar()) return node.Scalar();
  if (node.IsSequence()) {
    std::vector<ParamValue> items;
    for (const auto& item : node) items.push_back(ValueOf(item));
    return ParamValue::List(std::move(items));
  }
  std::vector<std::pair<std::string, ParamValue>> entries;
  for (const auto& entry : node) entries.emplace_back(entry.first.Scalar(), ValueOf(entry.second));
  return ParamValue::Map(std::move(entries));
}

// As a shell does: blanks part words, but not between single quotes.
std::vector<std::string> WordsOf(absl::string_view line) {
  std::vector<std::string> words = {""};
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

Limit LimitOf(absl::string_view command_line) {
  std::string strategy;
  std::string rate;
  Params params;
  const std::vector<std::string> words = WordsOf(command_line);
  for (size_t i = 2; i + 1 < words.size(); i += 2) {
    if (words[i] == "--strategy") strategy = words[i + 1];
    if (words[i] == "--rate") rate = words[i + 1];
    if (words[i] != "--param") continue;
    const std::pair<std::string, std::string> param =
        absl::StrSplit(words[i + 1], absl::MaxSplits('=', 1));
    params.emplace_back(param.first, ValueOf(YAML::Load(param.second)));
  }
  return *Limit::Create(strategy, *Rate::Parse(rate), params);
}

// As `sluicectl simulate` reads the file: a row a verdict, on the counter that its tag leads to.
std::vector<Verdict> Simulate(const Limit& limit, absl::string_view csv) {
  std::vector<Verdict> verdicts;
  std::map<std::string, Counter> counters;
  std::vector<std::string> rows = absl::StrSplit(csv, '\n', absl::SkipEmpty());
  const std::vector<std::string> header = absl::StrSplit(rows.front(), ',');
  EXPECT_EQ(header.size() == 4 ? header.back() : "", limit.context_key());
  rows.erase(rows.begin());
  for (const std::string& row : rows) {
    const std::vector<std::string> cells = absl::StrSplit(row, ',');
    EXPECT_EQ(cells.size(), header.size());
    int64_t at_us = 0;
    int64_t cost = 0;
    EXPECT_TRUE(absl::SimpleAtoi(cells[0], &at_us) && absl::SimpleAtoi(cells[2], &cost)) << row;
    const int tag = limit.TagOf(cells.size() == 4 ? cells[3] : "");
    Counter& counter = counters[std::string(limit.SplitOf(tag))];
    verdicts.push_back(limit.Step(counter.State(), at_us, cost, cells[1] == "hit", tag));
    counter.Apply(verdicts.back());
  }
  return verdicts;
}

class TraceTest : public ::testing::TestWithParam<absl::string_view> {};

TEST_P(TraceTest, PlaysBackToTheSameVerdicts) {
  const bool holds = rc::check([&] {
    Case one = *AnyCase(std::string(GetParam()));
    std::erase_if(one.events, [](const Event& event) { return event.kind == Kind::kSettle; });
    const std::pair<std::string, std::string> printed =
        absl::StrSplit(rc::toString(one), absl::MaxSplits("\ntrace.csv:\n", 1));
    const std::vector<Verdict> again = Simulate(LimitOf(printed.first), printed.second);
    const std::vector<Moment> moments = Replay(JudgeOf(*one.spec.Create()), one);
    RC_ASSERT(again.size() == moments.size());
    for (size_t i = 0; i < again.size(); ++i) {
      RC_ASSERT(again[i].now_us == moments[i].now_us);
      RC_ASSERT(SameAnswer(again[i], moments[i].verdict));
    }
  });
  EXPECT_TRUE(holds);
}

INSTANTIATE_TEST_SUITE_P(Strategies, TraceTest, ::testing::ValuesIn(StrategyNames()),
                         [](const auto& strategy) { return std::string(strategy.param); });

TEST(TraceTest, TellsASettlementAsItWasDrawn) {
  Case one;
  one.spec.strategy = "fixed_window";
  one.spec.limit = 3;
  one.start_us = 1'700'000'000'000'000;
  one.events = {{Kind::kHit, 2, Event::Advance::kBy, 0, ""},
                {Kind::kSettle, -1, Event::Advance::kBy, 5, ""},
                {Kind::kLook, 1, Event::Advance::kBy, 5, ""}};
  const std::string printed = rc::toString(one);
  EXPECT_EQ(printed.find("sluicectl simulate --strategy fixed_window --rate 3/s --trace trace.csv\n"
                         "trace.csv:\n"
                         "t_us,op,cost\n"
                         "1700000000000000,hit,2\n"
                         "1700000000000010,check,1\n"
                         "and with settlements, which simulate has not;"),
            0)
      << printed;
  EXPECT_NE(printed.find("at 1700000000000005 (+5 us: settle -1): allowed remaining 2"),
            std::string::npos)
      << printed;
}

}  // namespace
}  // namespace sluice
