// What stands in a strategy's header, and the one class that makes a limit of it.
//
// A strategy is a struct with
//
//   kName, kVersion     its name, and the number that changes when registers change their meaning
//   kRegisters          how many it keeps
//   kAligned            whether it counts in windows aligned to the epoch
//   kCountsDenied       whether it knows `count_denied`
//   Settings            its parameters
//   Read(limit, reader) makes them of the configuration
//   SizeAt(grid, settings)
//                       how much it admits, at a candidate tick
//   Step, Settle        the templates of step.h; a strategy with a log has those of family/log.h
//   Describe            its metadata
//
// and, where it has such,
//
//   Durations(settings)       parameters that are times, in us, which the tick has to divide
//   OwnTerms(grid, settings)  its own terms
//   kOwnTermNames             their names in Lua
//   ContextKey(settings), TagOf(settings, value)
//                             what it reads of a request
//   Tiers(settings), TierOf(settings, tag), LimitOf(limit, settings, tag)
//                             tags that are counters of their own, under limits of their own
//   kCalendar, OwnTermsAt(...), WaitOf(...)
//                             terms that depend on the calendar, and the wait that follows
//   Warning(limit, settings)  what is worth a warning
#ifndef SLUICE_STRATEGY_BOUND_STRATEGY_H_
#define SLUICE_STRATEGY_BOUND_STRATEGY_H_

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/charge.h"
#include "core/rate.h"
#include "strategy/family/log.h"
#include "strategy/metadata.h"
#include "strategy/params.h"
#include "strategy/sizing.h"
#include "strategy/step.h"
#include "strategy/verdict.h"

namespace sluice {

// Times in ticks. Immutable.
class BoundStrategy {
 public:
  virtual ~BoundStrategy() = default;

  virtual absl::string_view name() const = 0;
  virtual int version() const = 0;
  virtual int registers() const = 0;
  virtual bool aligned() const = 0;
  virtual bool keeps_log() const = 0;
  virtual std::string Warning() const = 0;

  virtual absl::string_view ContextKey() const = 0;
  virtual int TagOf(absl::string_view value) const = 0;
  virtual absl::string_view SplitOf(int tag) const = 0;

  virtual Verdict Step(const CounterState& found, int64_t now, int64_t cost, bool take,
                       int tag) const = 0;
  virtual Verdict Settle(const CounterState& found, int64_t now, int64_t amount, int tag) const = 0;
  virtual void Describe(const Verdict& verdict, MetadataSink& sink) const = 0;

  // The terms around an instant, and the wait of a step under such terms that did not pass.
  virtual bool calendar() const = 0;
  virtual Terms<int64_t> TermsAround(int tag, int64_t around) const = 0;
  virtual int64_t WaitOf(const Registers& registers, int64_t now, int64_t cost) const = 0;

  int64_t tick_us() const { return tick_us_; }
  const Terms<int64_t>& terms(int tag) const {
    const auto index = static_cast<size_t>(tag);
    return terms_[index < terms_.size() ? index : 0];
  }

 protected:
  int64_t tick_us_ = 1;
  std::vector<Terms<int64_t>> terms_;  // one, or one for each tier
};

// A log's step tells its verdict itself.
inline Verdict ToVerdict(Verdict verdict) { return verdict; }

template <class S>
concept HasDurations = requires(const typename S::Settings& s) {
  S::Durations(s);
};
template <class S>
concept HasOwnTerms = requires(const Grid& g, const typename S::Settings& s) {
  S::OwnTerms(g, s);
};
template <class S>
concept HasContextKey = requires(const typename S::Settings& s) {
  S::ContextKey(s);
};
template <class S>
concept HasTiers = requires(const typename S::Settings& s) {
  S::Tiers(s);
};
template <class S>
concept HasCalendar = requires {
  S::kCalendar;
};
template <class S>
concept HasLog = requires {
  S::kLog;
};
template <class S>
concept HasWarning = requires(const typename S::Settings& s) {
  S::Warning(int64_t{}, s);
};

template <class S>
class BoundStrategyOf final : public BoundStrategy {
 public:
  // The ticks that there are, finest first.
  static constexpr std::array<int64_t, 3> kTicksUs = {1, 1'000, 1'000'000};

  static absl::StatusOr<std::shared_ptr<const BoundStrategy>> Create(const Rate& rate,
                                                                     const Params& params) {
    ParamReader reader(S::kName, params);
    auto bound = std::make_shared<BoundStrategyOf>(rate.limit(), S::Read(rate.limit(), reader));
    const bool count_denied = S::kCountsDenied && reader.Flag("count_denied");
    if (absl::Status status = reader.Finish(); !status.ok()) return status;
    Size size{};
    for (const int64_t tick_us : kTicksUs) {
      if (!bound->Divides(tick_us, rate.period_us())) continue;
      const Grid grid{rate.limit(), rate.period_us() / tick_us, tick_us};
      size = S::SizeAt(grid, bound->settings_);
      if (std::max({size.largest, size.most, absl::int128(grid.limit)}) >= kMaxAmount) continue;
      bound->Plan(grid, size, count_denied);
      return std::shared_ptr<const BoundStrategy>(std::move(bound));
    }
    return absl::InvalidArgumentError(
        absl::StrCat(S::kName, ": ", size.what, " of ", rate.ToString(),
                     " is too large to count exactly (", size.fix, ")"));
  }

  BoundStrategyOf(int64_t limit, typename S::Settings settings)
      : limit_(limit), settings_(std::move(settings)) {}

  absl::string_view name() const override { return S::kName; }
  int version() const override { return S::kVersion; }
  int registers() const override { return S::kRegisters; }
  bool aligned() const override { return S::kAligned; }
  bool keeps_log() const override { return HasLog<S>; }
  std::string Warning() const override {
    if constexpr (HasWarning<S>) return S::Warning(limit_, settings_);
    return "";
  }

  absl::string_view ContextKey() const override {
    if constexpr (HasContextKey<S>) return S::ContextKey(settings_);
    return "";
  }
  int TagOf(absl::string_view value) const override {
    if constexpr (HasContextKey<S>) return S::TagOf(settings_, value);
    return 0;
  }
  absl::string_view SplitOf(int tag) const override {
    if constexpr (HasTiers<S>) return S::TierOf(settings_, tag);
    return "";
  }

  Verdict Step(const CounterState& found, int64_t now, int64_t cost, bool take,
               int tag) const override {
    const Inputs<int64_t> in{now, cost, take ? 1 : 0, terms(tag)};
    if constexpr (HasCalendar<S>) {
      return RunByCalendar(found, in, cost, [](const auto& cell, const Inputs<int64_t>& around) {
        return S::Step(cell, around);
      });
    } else {
      return ToVerdict(S::Step(StateOf(found, tag), in));
    }
  }

  Verdict Settle(const CounterState& found, int64_t now, int64_t amount, int tag) const override {
    const Inputs<int64_t> in{now, amount, 1, terms(tag)};
    if constexpr (HasCalendar<S>) {
      return RunByCalendar(found, in, 0, [](const auto& cell, const Inputs<int64_t>& around) {
        return S::Settle(cell, around);
      });
    } else {
      return ToVerdict(S::Settle(StateOf(found, tag), in));
    }
  }

  void Describe(const Verdict& verdict, MetadataSink& sink) const override {
    S::Describe({settings_, terms(verdict.tag), tick_us_, verdict}, sink);
  }

  bool calendar() const override { return HasCalendar<S>; }
  Terms<int64_t> TermsAround(int tag, int64_t around) const override {
    Terms<int64_t> around_it = terms(tag);
    if constexpr (HasCalendar<S>) {
      around_it.own = S::OwnTermsAt(settings_, around_it, tick_us_, around);
    }
    return around_it;
  }
  int64_t WaitOf(const Registers& registers, int64_t now, int64_t cost) const override {
    if constexpr (HasCalendar<S>) {
      const int64_t denied = terms(0).count_denied == 1 ? cost : 0;
      return S::WaitOf(settings_, terms(0), tick_us_, registers, now, cost, denied);
    }
    return kWaitNever;
  }

 private:
  bool Divides(int64_t tick_us, int64_t period_us) const {
    bool divides = period_us % tick_us == 0;
    if constexpr (HasDurations<S>) {
      for (const int64_t duration : S::Durations(settings_)) {
        divides = divides && duration % tick_us == 0;
      }
    }
    return divides;
  }

  void Plan(const Grid& grid, const Size& size, bool count_denied) {
    tick_us_ = grid.tick_us;
    Terms<int64_t> terms{grid.limit,
                         grid.period,
                         static_cast<int64_t>(size.capacity),
                         static_cast<int64_t>(size.most),
                         count_denied ? 1 : 0,
                         {}};
    if (grid.limit == 0) terms.capacity = terms.most = 0;  // nothing would ever drain
    if constexpr (HasOwnTerms<S>) terms.own = S::OwnTerms(grid, settings_);
    terms_.push_back(terms);
    if constexpr (HasTiers<S>) {
      terms_.assign(S::Tiers(settings_), terms);
      for (size_t tag = 0; tag < terms_.size(); ++tag) {
        terms_[tag].limit = terms_[tag].most =
            S::LimitOf(grid.limit, settings_, static_cast<int>(tag));
      }
    }
  }

  static auto StateOf(const CounterState& found, int tag) {
    if constexpr (HasLog<S>) {
      return LogCell{found, tag};
    } else {
      return ToCell<S::kRegisters>(found.registers);
    }
  }

  // The terms are those around the key's time, which only the step knows: it is asked again when
  // they are others. What is denied waits until `cost` fits.
  template <class Function>
  Verdict RunByCalendar(const CounterState& found, Inputs<int64_t> in, int64_t cost,
                        const Function& function) const {
    const auto cell = ToCell<S::kRegisters>(found.registers);
    int64_t around = in.now;
    while (true) {
      in.terms = TermsAround(0, around);
      Verdict verdict = ToVerdict(function(cell, in));
      if (verdict.wait_us == S::kStale) {
        around = verdict.registers[0];
        continue;
      }
      if (!verdict.allowed) verdict.wait_us = WaitOf(verdict.registers, in.now, cost);
      return verdict;
    }
  }

  const int64_t limit_;
  const typename S::Settings settings_;
};

}  // namespace sluice

#endif  // SLUICE_STRATEGY_BOUND_STRATEGY_H_
