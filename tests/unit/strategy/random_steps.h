// Random steps of one strategy, by the million: quick to draw, and not to be shrunk.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_RANDOM_STEPS_H_
#define SLUICE_TESTS_UNIT_STRATEGY_RANDOM_STEPS_H_

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "core/charge.h"
#include "core/log.h"
#include "core/rate.h"
#include "strategy/bound_strategy.h"
#include "strategy/limit.h"
#include "strategy/step.h"

namespace sluice {

struct RandomStep {
  Inputs<int64_t> in;
  CounterState state;
  int tag = 0;
  bool settles = false;

  std::string ToString() const {
    const Terms<int64_t>& t = in.terms;
    std::string text = absl::StrCat(
        settles ? "settle" : "step", " now ", in.now, " cost ", in.cost, " take ", in.take, " tag ",
        tag, ", limit ", t.limit, " period ", t.period, " capacity ", t.capacity, " most ", t.most,
        " count_denied ", t.count_denied, " own ", absl::StrJoin(t.own, ","), ", registers ",
        absl::StrJoin(state.registers, ","));
    if (state.log == nullptr) return text;
    state.log->FromOldest([&text](const LogEntry& entry) {
      absl::StrAppend(&text, " (", entry.at, " ", entry.cost, " ", entry.tag, ")");
      return true;
    });
    return text;
  }
};

template <class S>
class RandomSteps {
 public:
  explicit RandomSteps(uint64_t seed) : random_(seed) {}

  // Of a counter that lives for some hundreds of steps; its state is valid until Store.
  RandomStep Next() {
    if (left_-- == 0) Begin();
    const Limit& limit = limits_[Below(limits_.size())];
    now_ = std::clamp<int64_t>(now_ + Advance(), 0, kMaxAmount - 1);
    RandomStep step;
    step.tag = Tag(limit);
    step.settles = Below(8) == 0;
    step.in = {now_, step.settles ? SettleAmount(limit, step.tag) : HitAmount(limit, step.tag),
               step.settles || Below(6) != 0 ? 1 : 0, limit.terms(step.tag)};
    if constexpr (HasCalendar<S>) SetHours(step.in.terms);
    step.state = {registers_, &log_};
    return step;
  }

  void Store(const RandomStep& step, const Verdict& verdict) {
    last_wait_ = verdict.wait_us;
    if (!step.settles && !verdict.changes) return;
    registers_ = verdict.registers;
    std::fill(registers_.begin() + S::kRegisters, registers_.end(), 0);
    if constexpr (HasLog<S>) log_.Apply(verdict.edit);
  }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  int64_t Between(int64_t least, int64_t most) {
    return least +
           static_cast<int64_t>(Below(static_cast<uint64_t>(std::max(most, least) - least) + 1));
  }
  std::string Text(int64_t least, int64_t most) { return absl::StrCat(Between(least, most)); }
  std::string Ratio() { return MillionthsText(Below(4) == 0 ? kMillion : Between(1, kMillion)); }

  void Begin() {
    left_ = Below(300) + 1;
    registers_ = {};
    log_ = {};
    last_wait_ = 0;
    limits_.clear();
    // Two of one shape, as a reload or `by:` brings them.
    limits_.push_back(AnyLimit(AnyPeriod()));
    for (int tries = 0; tries < 10 && limits_.size() < 2; ++tries) {
      const Limit other = AnyLimit(limits_[0].rate().period_us());
      if (other.shape() == limits_[0].shape() && Below(2) == 0) limits_.push_back(other);
    }
    now_ = Below(10) == 0
               ? Between(0, kMaxAmount / 2)
               : Between(1'600'000'000, 1'800'000'000) * (kSecondUs / limits_[0].tick_us());
  }

  int64_t AnyPeriod() {
    static constexpr std::array<int64_t, 7> kUnits = {1'000,   7'000,  kSecondUs, kMinuteUs,
                                                      kHourUs, kDayUs, kYearUs};
    return kUnits[Below(kUnits.size())] * Between(1, 20);
  }

  int64_t AnyAmount() {
    switch (Below(8)) {
      case 0:
        return 0;
      case 1:
        return Between(1, 4'294'967'295);
      case 2:
        return Between(1, 1'000'000);
      case 3:
      case 4:
        return Between(1, 1'000);
      default:
        return Between(1, 10);
    }
  }

  Limit AnyLimit(int64_t period_us) {
    while (true) {
      const absl::StatusOr<Rate> rate = Rate::Create(AnyAmount(), period_us);
      const absl::StatusOr<Limit> limit = Limit::Create(S::kName, *rate, AnyParams());
      if (limit.ok()) return *limit;
    }
  }

  Params AnyParams() {
    Params params;
    const auto maybe = [&](const char* name, const std::string& text) {
      if (Below(2) == 0) params.emplace_back(name, text);
    };
    const std::string amount = absl::StrCat(std::max<int64_t>(AnyAmount(), 1));
    const std::string name(S::kName);
    if (name == "gcra") {
      maybe("oversize", "pay_later");
      maybe("burst", amount);
      if (params.empty()) maybe("burst_tolerance", absl::StrCat(Between(0, 5'000), "ms"));
    } else if (name == "tiered_rate") {
      params.emplace_back("tiers", ParamValue::Map({{"a", Ratio()}, {"b", Text(0, 20)}}));
      params.emplace_back("default_tier", "a");
    } else if (name == "adaptive_throttle") {
      for (const char* ratio :
           {"load_threshold", "reduction_factor", "recovery_rate", "min_limit_ratio"}) {
        maybe(ratio, Ratio());
      }
    } else if (name == "quota_with_rollover") {
      maybe("rollover_percentage", Below(5) == 0 ? "0" : Ratio());
      maybe("max_rollover", Below(5) == 0 ? "0" : amount);
    } else if (name == "cost_based_token_bucket") {
      maybe("burst_size", amount);
      maybe("cost_window", Text(1, 200));
      maybe("min_refill_rate", MillionthsText(Between(1, 1'000) * 1'000));
    } else if (name == "time_of_day") {
      const auto window = [](const char* from, const char* to, const std::string& multiplier) {
        return ParamValue::Map({{"from", from}, {"to", to}, {"multiplier", multiplier}});
      };
      params.emplace_back(
          "windows", ParamValue::List({window("8", "20", Ratio()), window("20", "8", Text(0, 5))}));
    } else if (name == "priority_queue" || name == "sliding_window_log") {
      maybe("max_entries", Text(1, 30));
      if (name == "priority_queue") maybe("hard_limit", amount);
    } else if (name == "leaky_bucket_with_queue") {
      maybe("max_entries", Text(1, 30));
      maybe("capacity", amount);
    } else if (name == "leaky_bucket") {
      maybe("capacity", amount);
    } else if (name != "fixed_window" && name != "sliding_window_counter") {
      maybe("burst_size", amount);
      if (name == "token_bucket_with_debt") params.emplace_back("max_debt", Text(0, 100));
    }
    if (S::kCountsDenied) maybe("count_denied", "true");
    return params;
  }

  int Tag(const Limit& limit) {
    static constexpr std::array<absl::string_view, 7> kValues = {"a", "b", "", "1", "2", "3", "4"};
    return limit.TagOf(kValues[Below(kValues.size())]);
  }

  int64_t HitAmount(const Limit& limit, int tag) {
    const int64_t most = limit.most(tag);
    switch (Below(10)) {
      case 0:
        return Between(most, most + 1);
      case 1:
        return Between(0, most);
      case 2:
        return Between(0, most / 3 + 1);
      case 3:
        return Below(20) == 0 ? kMaxAmount : 0;
      default:
        return Between(1, 3);
    }
  }

  int64_t SettleAmount(const Limit& limit, int tag) {
    const int64_t most = limit.most(tag);
    switch (Below(10)) {
      case 0:
        return Below(2) == 0 ? kMaxAmount : -kMaxAmount;
      case 1:
      case 2:
        return Between(-2 * most - 2, 2 * most + 2);
      default:
        return Between(-3, 3);
    }
  }

  // In ticks.
  int64_t Advance() {
    const Terms<int64_t>& terms = limits_[0].terms();
    const int64_t interval = terms.period / std::max<int64_t>(terms.limit, 1);
    switch (Below(12)) {
      case 0:
        return Between(0, terms.period);
      case 1:
        return Between(0, 3 * terms.period);
      case 2:
        return MayRunBack() ? -Between(0, interval) : 0;
      case 3:
        return MayRunBack() ? -Between(0, 2 * terms.period) : 0;
      case 4:
        return last_wait_ > 0 && last_wait_ < kMaxAmount ? last_wait_ - Between(0, 1) : 0;
      case 5:
        return Between(-1, 1);
      case 6:
      case 7:
        return 0;
      default:
        return Between(0, 2 * interval + 1);
    }
  }

  // See family/bucket.h: the one sum that a double may round.
  bool MayRunBack() const {
    for (const Limit& limit : limits_) {
      const Terms<int64_t>& terms = limit.terms();
      if (terms.capacity / std::max<int64_t>(terms.limit, 1) > kMaxAmount / 8) return false;
    }
    return true;
  }

  // Around the clock, now and then beside it.
  void SetHours(Terms<int64_t>& terms) {
    const int64_t hour = kHourUs;
    const int64_t edge = now_ + Between(-hour, hour);
    terms.own = {Between(0, terms.most), edge, Between(0, terms.most), edge - hour, edge + hour};
  }

  std::mt19937_64 random_;
  std::vector<Limit> limits_;
  uint64_t left_ = 0;
  int64_t now_ = 0;
  int64_t last_wait_ = 0;
  Registers registers_{};
  DequeLog log_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_RANDOM_STEPS_H_
