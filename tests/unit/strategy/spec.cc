#include "tests/unit/strategy/spec.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

absl::string_view NameOfBurst(absl::string_view strategy) {
  if (strategy == "gcra") return "burst";
  return strategy == "leaky_bucket" || strategy == "leaky_bucket_with_queue" ? "capacity"
                                                                             : "burst_size";
}

ParamValue TiersOf(const Spec& spec) {
  std::vector<std::pair<std::string, ParamValue>> entries;
  for (const Tier& tier : spec.tiers)
    entries.emplace_back(tier.name, MillionthsText(tier.multiplier));
  return ParamValue::Map(std::move(entries));
}

ParamValue WindowsOf(const Spec& spec) {
  std::vector<ParamValue> windows;
  for (const Hours& hours : spec.hours) {
    windows.push_back(ParamValue::Map({{"from", absl::StrCat(hours.from)},
                                       {"to", absl::StrCat(hours.to)},
                                       {"multiplier", MillionthsText(hours.multiplier)}}));
  }
  return ParamValue::List(std::move(windows));
}

}  // namespace

Params Spec::ToParams() const {
  Params params;
  const auto amount = [&](absl::string_view name, int64_t value) {
    if (value > 0) params.emplace_back(std::string(name), absl::StrCat(value));
  };
  const auto ratio = [&](absl::string_view name, int64_t millionths) {
    if (millionths > 0) params.emplace_back(std::string(name), MillionthsText(millionths));
  };
  const auto word = [&](absl::string_view name, absl::string_view value) {
    if (!value.empty()) params.emplace_back(std::string(name), std::string(value));
  };
  amount(NameOfBurst(strategy), burst);
  if (tolerance_us.has_value()) word("burst_tolerance", absl::StrCat(*tolerance_us / 1'000, "ms"));
  word("oversize", pay_later ? "pay_later" : "");
  amount("max_debt", max_debt);
  amount("cost_window", cost_window);
  ratio("min_refill_rate", min_refill_rate);
  word("count_denied", count_denied ? "true" : "");
  if (!tiers.empty()) params.emplace_back("tiers", TiersOf(*this));
  word("default_tier", default_tier);
  ratio("load_threshold", load_threshold);
  ratio("reduction_factor", reduction_factor);
  ratio("recovery_rate", recovery_rate);
  ratio("min_limit_ratio", min_limit_ratio);
  if (rollover_percentage.has_value())
    word("rollover_percentage", MillionthsText(*rollover_percentage));
  amount("max_rollover", max_rollover);
  if (!hours.empty()) params.emplace_back("windows", WindowsOf(*this));
  word("timezone", timezone);
  amount("max_entries", max_entries);
  amount("default_priority", default_priority);
  amount("hard_limit", hard_limit);
  return params;
}

absl::StatusOr<Limit> Spec::Create() const {
  const absl::StatusOr<Rate> rate = Rate::Create(limit, period_us);
  if (!rate.ok()) return rate.status();
  return Limit::Create(strategy, *rate, ToParams());
}

std::vector<std::string> LabelsOf(const Spec& spec) {
  if (spec.strategy == "priority_queue") {
    return {"", "1", "2", "3", "4", "low", "normal", "high", "critical", "urgent"};
  }
  std::vector<std::string> labels = {""};
  if (spec.tiers.empty()) return labels;
  labels.push_back("nobody");
  for (const Tier& tier : spec.tiers) labels.push_back(tier.name);
  return labels;
}

std::ostream& operator<<(std::ostream& out, const Event& event) {
  switch (event.advance) {
    case Event::Advance::kBy:
      out << absl::StreamFormat("%+d us: ", event.by_us);
      break;
    case Event::Advance::kByLastWait:
      out << "after the wait: ";
      break;
    case Event::Advance::kJustShortOfLastWait:
      out << "1 us before the end of the wait: ";
      break;
  }
  out << (event.kind == Kind::kHit ? "hit " : event.kind == Kind::kLook ? "look " : "settle ");
  out << event.amount;
  return event.label.empty() ? out : out << " as " << event.label;
}

}  // namespace sluice
