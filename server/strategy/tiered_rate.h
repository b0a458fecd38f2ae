// tiered_rate: a fixed window whose limit is the rate's times the multiplier of the caller's tier.
//
// The tier is part of the counter's key. Over any closed span W a tier admits at most
// floor(L x multiplier) x (floor(W/P) + 2), and a key the sum over its tiers.
#ifndef SLUICE_STRATEGY_TIERED_RATE_H_
#define SLUICE_STRATEGY_TIERED_RATE_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "strategy/family/window.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct TieredRate : PlainWindow {
  static constexpr absl::string_view kName = "tiered_rate";
  static constexpr int kVersion = 1;
  static constexpr size_t kMostTiers = 256;

  struct Tier {
    std::string name;
    int64_t multiplier;  // millionths
  };
  struct Settings {
    std::vector<Tier> tiers;
    size_t default_tier = 0;
    std::string tier_key;

    // tiers.size() when there is none.
    size_t Find(absl::string_view name) const {
      const auto found = std::find_if(tiers.begin(), tiers.end(),
                                      [name](const Tier& tier) { return tier.name == name; });
      return static_cast<size_t>(found - tiers.begin());
    }
  };

  static Settings Read(int64_t, ParamReader& params) {
    Settings settings;
    settings.tiers = ReadTiers(params);
    settings.tier_key = params.Word("tier_key", "tier", "name a context key");
    const std::string standard = params.Word("default_tier", "", "name one of tiers");
    if (!params.Has("default_tier")) {
      params.Refuse("default_tier", "is missing (name the tier of callers without one)");
    } else if (!standard.empty() && !settings.tiers.empty() &&
               settings.Find(standard) == settings.tiers.size()) {
      params.Refuse("default_tier",
                    absl::StrCat("'", standard, "' is no tier (name one of tiers)"));
    } else {
      settings.default_tier = settings.Find(standard);
    }
    return settings;
  }

  static Size SizeAt(const Grid& grid, const Settings& settings) {
    int64_t largest = kMillion;
    absl::int128 most = 0;
    for (const Tier& tier : settings.tiers) {
      largest = std::max(largest, tier.multiplier);
      most = std::max<absl::int128>(most, absl::int128(grid.limit) * tier.multiplier / kMillion);
    }
    return RatioSize(most, absl::int128(grid.limit) * largest);
  }

  static absl::string_view ContextKey(const Settings& settings) { return settings.tier_key; }
  static int TagOf(const Settings& settings, absl::string_view value) {
    const size_t tier = settings.Find(value);
    return static_cast<int>(tier < settings.tiers.size() ? tier : settings.default_tier);
  }
  static size_t Tiers(const Settings& settings) { return settings.tiers.size(); }
  static absl::string_view TierOf(const Settings& settings, int tag) {
    return settings.tiers[static_cast<size_t>(tag)].name;
  }
  static int64_t LimitOf(int64_t limit, const Settings& settings, int tag) {
    return Scaled(limit, settings.tiers[static_cast<size_t>(tag)].multiplier);
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    const Tier& tier = d.settings.tiers[static_cast<size_t>(d.verdict.tag)];
    sink.Text("tier", tier.name);
    sink.Number("tier_multiplier", Ratio(tier.multiplier));
    sink.Count("effective_limit", static_cast<uint64_t>(d.terms.limit));
    sink.Count("current_count", d.count(1));
    sink.Number("window_start_ms", d.Ms(d.reg(0)));
    sink.Number("window_end_ms", d.Ms(d.reg(0) + d.terms.period));
  }

 private:
  static std::vector<Tier> ReadTiers(ParamReader& params) {
    const ParamValue* value = params.Value("tiers", "for example {free: 0.5, pro: 5}");
    std::vector<Tier> tiers;
    if (value == nullptr) return tiers;
    if (value->kind != ParamValue::Kind::kMap || value->entries.empty() ||
        value->entries.size() > kMostTiers) {
      params.Refuse("tiers", absl::StrCat(value->Found(), " is no map of 1 to ", kMostTiers,
                                          " tiers (for example {free: 0.5, pro: 5})"));
      return tiers;
    }
    for (const auto& [name, multiplier] : value->entries) {
      const absl::optional<int64_t> millionths = multiplier.kind == ParamValue::Kind::kScalar
                                                     ? ParseMillionths(multiplier.text)
                                                     : absl::nullopt;
      if (name.empty()) {
        params.Refuse("tiers", "a tier's name is empty (name it)");
      } else if (!millionths.has_value()) {
        params.Refuse("tiers", absl::StrCat(name, ": ", multiplier.Found(),
                                            " is not a multiplier (a decimal of at most 6 digits "
                                            "after the point, such as 0.5)"));
      }
      tiers.push_back({name, millionths.value_or(0)});
    }
    return tiers;
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_TIERED_RATE_H_
