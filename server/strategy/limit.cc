#include "strategy/limit.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "core/nearest.h"
#include "strategy/registry.h"

namespace sluice {

struct StrategyRow {
  absl::string_view name;
  int version;
  int registers;
  bool aligned;
  // Fills terms and tick, or tells what is wrong.
  absl::Status (*plan)(const Rate& rate, const Params& params, Terms<int64_t>& terms,
                       int64_t& tick_us);
  // Times in ticks; the driver below turns them into microseconds.
  Verdict (*step)(const Registers& cell, const Inputs<int64_t>& in);
  Verdict (*settle)(const Registers& cell, const Inputs<int64_t>& in);
  void (*describe)(const Described& described, MetadataSink& sink);
};

namespace {

constexpr std::array<int64_t, 3> kTicksUs = {1, 1'000, 1'000'000};

template <class Durations>
bool DividesAll(int64_t tick_us, int64_t period_us, const Durations& durations) {
  return period_us % tick_us == 0 &&
         std::all_of(durations.begin(), durations.end(),
                     [&](int64_t duration) { return duration % tick_us == 0; });
}

template <class S>
absl::Status Plan(const Rate& rate, const Params& params, Terms<int64_t>& terms, int64_t& tick_us) {
  ParamReader reader(S::kName, params);
  const typename S::Settings settings = S::Read(rate.limit(), reader);
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  for (const int64_t tick : kTicksUs) {
    if (!DividesAll(tick, rate.period_us(), S::Durations(settings))) continue;
    const Grid grid{rate.limit(), rate.period_us() / tick, tick};
    const Size size = S::SizeAt(grid, settings);
    // A window never multiplies: its amounts alone must stay below the bound.
    const bool multiplies = size.capacity != 0;
    const absl::int128 product = multiplies ? size.most * grid.period : size.most;
    if (std::max(size.capacity, product) >= kMaxAmount) continue;
    terms = {grid.limit, grid.period, static_cast<int64_t>(size.capacity),
             static_cast<int64_t>(size.most)};
    if (grid.limit == 0) terms.capacity = terms.most = 0;  // nothing would ever drain
    tick_us = tick;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(S::kName, ": the burst times the period of ", rate.ToString(),
                   " is too large to count exactly (use a smaller burst or a shorter period)"));
}

template <int K>
Verdict ToVerdict(const StepResult<int64_t, K>& outcome) {
  Verdict verdict;
  verdict.allowed = outcome.allowed;
  verdict.remaining = outcome.remaining;
  verdict.wait_us = outcome.wait;
  verdict.reset_us = outcome.reset;
  std::copy(outcome.cell.reg.begin(), outcome.cell.reg.end(), verdict.registers.begin());
  return verdict;
}

template <int K>
Cell<int64_t, K> ToCell(const Registers& registers) {
  Cell<int64_t, K> cell;
  std::copy_n(registers.begin(), K, cell.reg.begin());
  return cell;
}

template <class S>
StrategyRow Row() {
  static_assert(S::kRegisters <= kMaxRegisters);
  return {S::kName,
          S::kVersion,
          S::kRegisters,
          S::kAligned,
          &Plan<S>,
          [](const Registers& cell, const Inputs<int64_t>& in) {
            return ToVerdict(S::Step(ToCell<S::kRegisters>(cell), in));
          },
          [](const Registers& cell, const Inputs<int64_t>& in) {
            return ToVerdict(S::Settle(ToCell<S::kRegisters>(cell), in));
          },
          &S::Describe};
}

template <class... S>
std::vector<StrategyRow> RowsOf(std::tuple<S...>) {
  return {Row<S>()...};
}

const std::vector<StrategyRow>& Rows() {
  static const auto& rows = *new std::vector<StrategyRow>(RowsOf(Strategies{}));
  return rows;
}

absl::Status UnknownStrategy(absl::string_view name) {
  const std::string names = absl::StrJoin(StrategyNames(), ", ");
  const auto& planned = kPlannedStrategies;
  if (std::find(planned.begin(), planned.end(), name) != planned.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("strategy '", name, "' is not supported yet (use one of ", names, ")"));
  }
  std::vector<absl::string_view> all = StrategyNames();
  all.insert(all.end(), planned.begin(), planned.end());
  const absl::string_view nearest = Nearest(name, all);
  return absl::InvalidArgumentError(
      absl::StrCat("unknown strategy '", name, "' (",
                   nearest.empty() ? absl::StrCat("use one of ", names)
                                   : absl::StrCat("did you mean '", nearest, "'?"),
                   ")"));
}

}  // namespace

const std::vector<absl::string_view>& StrategyNames() {
  static const auto& names = *[] {
    auto* list = new std::vector<absl::string_view>;
    for (const StrategyRow& row : Rows()) list->push_back(row.name);
    return list;
  }();
  return names;
}

absl::StatusOr<Limit> Limit::Create(absl::string_view strategy, const Rate& rate,
                                    const Params& params) {
  if (rate.unlimited()) {
    return absl::InvalidArgumentError("an unlimited rate has no limit (give a rate)");
  }
  const auto row = std::find_if(Rows().begin(), Rows().end(),
                                [&](const StrategyRow& each) { return each.name == strategy; });
  if (row == Rows().end()) return UnknownStrategy(strategy);
  Limit limit(*row, rate);
  if (absl::Status status = row->plan(rate, params, limit.terms_, limit.tick_us_); !status.ok()) {
    return status;
  }
  limit.shape_ = absl::StrCat(row->name, ".", row->version, ".", DurationText(rate.period_us()),
                              ".", DurationText(limit.tick_us_));
  return limit;
}

absl::string_view Limit::strategy() const { return row_->name; }
int Limit::registers() const { return row_->registers; }

int64_t Limit::WindowEndsIn(int64_t now_us) const {
  return row_->aligned ? rate_.period_us() - now_us % rate_.period_us() : 0;
}

Verdict Limit::Step(const Registers& cell, int64_t now_us, int64_t cost, bool take) const {
  Verdict verdict = row_->step(cell, {now_us / tick_us_, cost, take ? 1 : 0, terms_});
  verdict.taken = take && verdict.allowed;
  return InMicroseconds(verdict, now_us);
}

Verdict Limit::Settle(const Registers& cell, int64_t now_us, int64_t amount) const {
  Verdict verdict = row_->settle(cell, {now_us / tick_us_, amount, 1, terms_});
  verdict.taken = true;
  return InMicroseconds(verdict, now_us);
}

// Ticks count from the last whole tick, microseconds from `now_us` itself: so the same hit passes
// at exactly now + wait, and not a microsecond earlier.
Verdict Limit::InMicroseconds(Verdict verdict, int64_t now_us) const {
  const auto from_now = [&](int64_t ticks) -> int64_t {
    if (ticks == kWaitNever) return kNever;
    if (ticks > kFarOffUs / tick_us_) return kFarOffUs;
    return ticks == 0 ? 0 : ticks * tick_us_ - now_us % tick_us_;
  };
  verdict.now_us = now_us;
  verdict.wait_us = from_now(verdict.wait_us);
  verdict.reset_us = from_now(verdict.reset_us);
  return verdict;
}

void Limit::Describe(const Verdict& verdict, MetadataSink& sink) const {
  row_->describe({terms_, tick_us_, verdict}, sink);
}

}  // namespace sluice
