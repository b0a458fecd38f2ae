// priority_queue: a log in which lower priorities never take the place of higher ones.
//
// A hit is judged by the costs of its priority and higher in (now - P, now], and with `hard_limit`
// by all costs together as well. Over any closed span W it admits at most (4L, or hard_limit) x
// (floor(W/P) + 1).
#ifndef SLUICE_STRATEGY_PRIORITY_QUEUE_H_
#define SLUICE_STRATEGY_PRIORITY_QUEUE_H_

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "strategy/family/log.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"

namespace sluice {

struct PriorityQueue {
  static constexpr absl::string_view kName = "priority_queue";
  static constexpr int kVersion = 1;
  static constexpr int kPriorities = 4;
  static constexpr int kRegisters = LogStep<kPriorities>::kRegisters;
  static constexpr bool kAligned = false;
  static constexpr bool kCountsDenied = false;
  static constexpr bool kLog = true;
  static constexpr int64_t kMostEntries = 100'000;
  static constexpr std::array<absl::string_view, kPriorities> kNames = {"low", "normal", "high",
                                                                        "critical"};

  struct Settings {
    std::string priority_key;
    int default_priority;
    int64_t max_entries;
    int64_t hard_limit;  // hits; 0: none
  };

  static Settings Read(int64_t limit, ParamReader& params) {
    Settings settings;
    settings.priority_key = params.Word("priority_key", "priority");
    const std::string standard = params.Word("default_priority", "2");
    settings.default_priority = PriorityOf(standard);
    if (settings.default_priority == 0 && !standard.empty()) {
      params.Refuse(
          "default_priority",
          absl::StrCat("'", standard, "' is no priority (1 low, 2 normal, 3 high or 4 critical)"));
    }
    const int64_t absent =
        std::clamp<int64_t>(std::min(limit, kMostEntries) * kPriorities, 1, kMostEntries);
    settings.max_entries = params.Amount("max_entries", absent, 1, kMostEntries);
    settings.hard_limit = params.Amount("hard_limit", 0);
    return settings;
  }
  static Size SizeAt(const Grid& grid, const Settings& settings) {
    const absl::int128 limit = grid.limit;
    const absl::int128 hard = settings.hard_limit;
    // All priorities together are what the state holds.
    return {0, hard == 0 ? limit : std::min(limit, hard), std::max(limit, hard) * kPriorities};
  }
  static std::array<int64_t, kOwnTerms> OwnTerms(const Grid& grid, const Settings& settings) {
    const int64_t hard = settings.hard_limit == 0 ? kMaxAmount : settings.hard_limit;
    return {settings.max_entries, hard, 2 * std::max(grid.limit, settings.hard_limit)};
  }
  static std::string Warning(int64_t limit, const Settings& settings) {
    if (settings.max_entries >= limit) return "";
    return absl::StrCat(kName, ": max_entries is ", settings.max_entries,
                        ", so at most so many hits pass in a period, and not ", limit,
                        " (raise it, or use a smaller limit)");
  }

  static absl::string_view ContextKey(const Settings& settings) { return settings.priority_key; }
  static int TagOf(const Settings& settings, absl::string_view value) {
    const int priority = PriorityOf(value);
    return priority == 0 ? settings.default_priority : priority;
  }

  static Verdict Step(const LogCell& cell, const Inputs<int64_t>& in) {
    return LogStep<kPriorities>(cell, in).Step();
  }
  static Verdict Settle(const LogCell& cell, const Inputs<int64_t>& in) {
    return LogStep<kPriorities>(cell, in).Settle();
  }

  static void Describe(const Described<Settings>& d, MetadataSink& sink) {
    uint64_t total = 0;
    uint64_t higher = 0;
    for (int priority = 1; priority <= kPriorities; ++priority) {
      const uint64_t sum = d.count(static_cast<size_t>(1 + priority));
      total += sum;
      if (priority >= d.verdict.tag) higher += sum;
    }
    sink.Count("priority", static_cast<uint64_t>(d.verdict.tag));
    sink.Count("queue_size", d.count(1));
    sink.Count("total_cost_in_queue", total);
    sink.Count("higher_priority_cost", higher);
  }

 private:
  // By number or name; 0: neither.
  static int PriorityOf(absl::string_view value) {
    for (int priority = 1; priority <= kPriorities; ++priority) {
      const absl::string_view name = kNames[static_cast<size_t>(priority - 1)];
      const bool number = value.size() == 1 && value[0] == '0' + priority;
      if (number || absl::AsciiStrToLower(value) == name) return priority;
    }
    return 0;
  }
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_PRIORITY_QUEUE_H_
