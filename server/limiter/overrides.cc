#include "limiter/overrides.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "strategy/limit.h"

namespace sluice {
namespace {

constexpr absl::string_view kAll = "*";

absl::StatusOr<RatedLimit> Rated(const Throttle& throttle, const Rate& rate) {
  RatedLimit rated;
  rated.rate = rate;
  if (rate.unlimited()) return rated;
  absl::StatusOr<Limit> limit = Limit::Create(throttle.strategy, rate, throttle.params);
  if (!limit.ok()) return limit.status();
  rated.limit = *std::move(limit);
  return rated;
}

void Apply(const Override& override, Throttle& throttle) {
  throttle.enabled = override.enabled.value_or(throttle.enabled);
  throttle.shadow = override.shadow.value_or(throttle.shadow);
  if (override.rate.has_value()) {
    if (absl::StatusOr<RatedLimit> rated = Rated(throttle, *override.rate); rated.ok()) {
      throttle.rate = {{}, {}, *std::move(rated)};
    }
  }
  if (override.cost.has_value()) {
    throttle.cost = CostPolicy();
    throttle.cost.hits.otherwise.value = *override.cost;
  }
}

}  // namespace

Overrides::Overrides(const PolicySet& policy, std::vector<Override> list) : list_(std::move(list)) {
  absl::flat_hash_map<absl::string_view, const Override*> by_uid;
  for (const Override& override : list_) by_uid[override.throttle] = &override;
  const auto all = by_uid.find(kAll);
  for (const Throttle& throttle : policy.throttles) {
    const auto own = by_uid.find(throttle.uid);
    std::vector<const Override*> overrides;  // what comes later wins
    if (all != by_uid.end()) overrides.push_back(all->second);
    if (own != by_uid.end()) overrides.push_back(own->second);
    if (!overrides.empty()) Add(throttle, overrides);
  }
}

void Overrides::Add(const Throttle& throttle, const std::vector<const Override*>& overrides) {
  std::vector<int64_t> ends;
  ends.reserve(overrides.size());
  for (const Override* override : overrides) ends.push_back(override->ends_at_us);
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  std::vector<Variant>& variants = changed_[&throttle];
  for (const int64_t end : ends) {
    auto changed = std::make_unique<Throttle>(throttle);
    for (const Override* override : overrides) {
      if (override->ends_at_us >= end) Apply(*override, *changed);
    }
    variants.push_back({end, std::move(changed)});
  }
}

absl::Status Overrides::Check(const PolicySet& policy, const Override& override) {
  for (const Throttle& throttle : policy.throttles) {
    if (override.throttle != kAll && override.throttle != throttle.uid) continue;
    if (!override.rate.has_value()) continue;
    const absl::StatusOr<RatedLimit> rated = Rated(throttle, *override.rate);
    if (!rated.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(throttle.uid, ": ", rated.status().message()));
    }
  }
  return absl::OkStatus();
}

const Throttle& Overrides::Find(const Throttle& throttle, int64_t now_us) const {
  const auto found = changed_.find(&throttle);
  if (found == changed_.end()) return throttle;
  for (const Variant& variant : found->second) {
    if (now_us < variant.ends_at_us) return *variant.throttle;
  }
  return throttle;
}

}  // namespace sluice
