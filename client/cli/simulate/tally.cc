#include "cli/simulate/tally.h"

#include <algorithm>
#include <functional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/table.h"
#include "cli/text.h"
#include "core/charge.h"

namespace sluice::cli {
namespace {

std::string SumText(absl::uint128 sum) {
  std::ostringstream text;
  text << sum;
  return text.str();
}

std::string WaitText(const Tally& tally) {
  if (tally.longest_wait_us == 0) return "0";
  return absl::StrCat(tally.longest_wait_us, " us (",
                      FormatDuration(static_cast<double>(tally.longest_wait_us) / 1000), ")");
}

std::string PeakText(const Tally& tally) {
  const PeakFinder& peak = tally.peak();
  std::string text = absl::StrCat(peak.most());
  if (!peak.key().empty()) absl::StrAppend(&text, " of '", peak.key(), "'");
  if (!peak.split().empty()) absl::StrAppend(&text, " (", peak.split(), ")");
  return text;
}

}  // namespace

void PeakFinder::Admit(size_t counter, int64_t at_us, int64_t cost, absl::string_view key,
                       absl::string_view split) {
  if (counter >= counters_.size()) counters_.resize(counter + 1);
  Recent& recent = counters_[counter];
  auto& admissions = recent.admissions;
  if (!admissions.empty()) at_us = std::max(at_us, admissions.back().at_us);
  while (recent.first < admissions.size() && admissions[recent.first].at_us <= at_us - period_us_) {
    recent.sum -= admissions[recent.first++].cost;
  }
  // What no longer counts goes when it is half of what is kept: each admission moves once or so.
  if (2 * recent.first > admissions.size()) {
    admissions.erase(admissions.begin(),
                     admissions.begin() + static_cast<std::ptrdiff_t>(recent.first));
    recent.first = 0;
  }
  recent.sum += cost;
  if (!admissions.empty() && admissions.back().at_us == at_us) {
    admissions.back().cost += cost;
  } else {
    admissions.push_back({at_us, cost});
  }
  if (recent.sum <= most_) return;
  most_ = recent.sum;
  key_.assign(key.data(), key.size());
  split_.assign(split.data(), split.size());
}

void Tally::Count(const TraceRow& row, const Answer& answer) {
  ++rows;
  if (answer.wait_us == kNever) {
    ++infinite_waits;
  } else {
    longest_wait_us = std::max(longest_wait_us, answer.wait_us);
  }
  if (row.op == Op::kCheck) {
    ++checks;
  } else if (row.op == Op::kStat) {
    ++stats;
  } else if (answer.allowed) {
    ++admitted_hits;
    admitted_cost += static_cast<uint64_t>(row.cost);
    if (limited_ && row.cost > 0)
      peak_.Admit(answer.counter, row.t_us, row.cost, row.key, answer.split);
  } else {
    ++denied_hits;
    denied_cost += static_cast<uint64_t>(row.cost);
  }
}

std::string SummaryText(const Rate& rate, absl::Span<const NamedTally> tallies) {
  std::vector<Table::Column> columns = {{"", Table::Align::kLeft}};
  for (const NamedTally& each : tallies) columns.push_back({each.strategy, Table::Align::kRight});
  Table table(std::move(columns));
  const auto add = [&](std::string name, const std::function<std::string(const Tally&)>& text) {
    std::vector<Table::Cell> cells = {{std::move(name)}};
    for (const NamedTally& each : tallies) cells.push_back({text(*each.tally)});
    table.AddRow(std::move(cells));
  };
  add("rows", [](const Tally& t) { return absl::StrCat(t.rows); });
  add("hits", [](const Tally& t) { return absl::StrCat(t.admitted_hits + t.denied_hits); });
  add("  admitted", [](const Tally& t) { return absl::StrCat(t.admitted_hits); });
  add("  denied", [](const Tally& t) { return absl::StrCat(t.denied_hits); });
  add("cost", [](const Tally& t) { return SumText(t.admitted_cost + t.denied_cost); });
  add("  admitted", [](const Tally& t) { return SumText(t.admitted_cost); });
  add("  denied", [](const Tally& t) { return SumText(t.denied_cost); });
  add("checks", [](const Tally& t) { return absl::StrCat(t.checks); });
  add("stats", [](const Tally& t) { return absl::StrCat(t.stats); });
  add("longest wait told", WaitText);
  add("waits without end", [](const Tally& t) { return absl::StrCat(t.infinite_waits); });
  if (!rate.unlimited()) {
    add(absl::StrCat("most admitted in any ", DurationText(rate.period_us())), PeakText);
  }
  return table.ToString(/*color=*/false);
}

}  // namespace sluice::cli
