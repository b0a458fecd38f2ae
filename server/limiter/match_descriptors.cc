#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "limiter/match.h"

namespace sluice {
namespace {

// What gathers a domain's counters on a slot: its first entry that stands for many callers.
std::string TagOf(absl::string_view domain, const DescriptorRequest::Ask& ask,
                  size_t exact_prefix) {
  std::string tag(domain);
  const size_t from = exact_prefix < ask.entries.size() ? exact_prefix : 0;
  const size_t to = exact_prefix < ask.entries.size() ? exact_prefix + 1 : ask.entries.size();
  for (size_t i = from; i < to; ++i) {
    absl::StrAppend(&tag, "|", ask.entries[i].key, "=", ask.entries[i].value);
  }
  return tag;
}

Line MatchDescriptor(const PolicySet& policy, const HashSecret& secret, absl::string_view domain,
                     const Domain& row, const DescriptorRequest::Ask& ask) {
  Line line;
  line.amount = ask.amount;
  const DescriptorMatch match = row.Match(ask.entries);
  absl::string_view kind = "domain:";
  const Limit* limit = nullptr;
  if (ask.override_rate.has_value()) {
    // A whole-period fixed window of any size loads.
    line.override = *Limit::Create("fixed_window", *ask.override_rate);
    limit = &*line.override;
    kind = "override:";
  } else if (match.limit == nullptr) {
    return line;
  } else {
    line.descriptor = match.limit;
    line.shadow = match.limit->shadow;
    if (match.limit->unlimited) {
      line.outcome = Outcome::kUnlimited;
      return line;
    }
    limit = line.limit = &*match.limit->limit;
  }
  absl::InlinedVector<std::pair<absl::string_view, absl::string_view>, 4> entries;
  for (const DescriptorEntry& entry : ask.entries) entries.emplace_back(entry.key, entry.value);
  const std::string tag = TagOf(domain, ask, match.exact_prefix);
  const std::string throttle = absl::StrCat(kind, domain);
  line.key.emplace(KeyParts{.name_space = policy.name_space,
                            .tenant = {},
                            .tag = tag,
                            .throttle = throttle,
                            .splits = entries,
                            .shape = limit->shape()},
                   secret);
  line.rate = limit->rate();
  line.backend = policy.domains_backend;
  line.on_error = &policy.domains_on_error;
  // A shadow is never in the way, and one that only looks takes its 0 hits.
  const bool follows = line.shadow && ask.mode != Mode::kSettle;
  line.mode = follows ? Mode::kFollow : ask.mode;
  return line;
}

}  // namespace

void MatchDescriptors(const PolicySet& policy, const HashSecret& secret,
                      const DescriptorRequest& request, const Domain* domain, Lines& lines) {
  lines.reserve(request.asks.size());
  for (const DescriptorRequest::Ask& ask : request.asks) {
    if (domain == nullptr) {
      lines.emplace_back().amount = ask.amount;
      continue;
    }
    lines.push_back(MatchDescriptor(policy, secret, request.domain, *domain, ask));
    Line& line = lines.back();
    if (line.override.has_value()) line.limit = &*line.override;
  }
}

}  // namespace sluice
