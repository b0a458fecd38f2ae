#include "strategy/limit.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/nearest.h"
#include "strategy/bound_strategy.h"
#include "strategy/registry.h"

namespace sluice {

namespace {

struct Row {
  absl::string_view name;
  absl::StatusOr<std::shared_ptr<const BoundStrategy>> (*create)(const Rate& rate,
                                                                 const Params& params);
  bool counts_denied;
};

template <class... S>
std::vector<Row> RowsOf(std::tuple<S...>) {
  return {{S::kName, &BoundStrategyOf<S>::Create, S::kCountsDenied}...};
}

const std::vector<Row>& Rows() {
  static const auto& rows = *new std::vector<Row>(RowsOf(Strategies{}));
  return rows;
}

const Row* FindRow(absl::string_view name) {
  const auto row = std::find_if(Rows().begin(), Rows().end(),
                                [&](const Row& each) { return each.name == name; });
  return row == Rows().end() ? nullptr : &*row;
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
    for (const Row& row : Rows()) list->push_back(row.name);
    return list;
  }();
  return names;
}

bool CountsDenied(absl::string_view strategy) {
  const Row* row = FindRow(strategy);
  return row != nullptr && row->counts_denied;
}

absl::StatusOr<Limit> Limit::Create(absl::string_view strategy, const Rate& rate,
                                    const Params& params) {
  if (rate.unlimited()) {
    return absl::InvalidArgumentError("an unlimited rate has no limit (give a rate)");
  }
  const Row* row = FindRow(strategy);
  if (row == nullptr) return UnknownStrategy(strategy);
  absl::StatusOr<std::shared_ptr<const BoundStrategy>> bound = row->create(rate, params);
  if (!bound.ok()) return bound.status();
  Limit limit(*std::move(bound), rate);
  limit.tick_us_ = limit.bound_->tick_us();
  limit.far_off_ = kFarOffUs / limit.tick_us_;
  limit.shape_ = absl::StrCat(row->name, ".", limit.bound_->version(), ".",
                              DurationText(rate.period_us()), ".", DurationText(limit.tick_us_));
  return limit;
}

absl::string_view Limit::strategy() const { return bound_->name(); }
std::string Limit::warning() const { return bound_->Warning(); }
int Limit::registers() const { return bound_->registers(); }
bool Limit::keeps_log() const { return bound_->keeps_log(); }
absl::string_view Limit::context_key() const { return bound_->ContextKey(); }
int Limit::TagOf(absl::string_view value) const { return bound_->TagOf(value); }
absl::string_view Limit::SplitOf(int tag) const { return bound_->SplitOf(tag); }
const Terms<int64_t>& Limit::terms(int tag) const { return bound_->terms(tag); }

int64_t Limit::WindowEndsIn(int64_t now_us) const {
  return bound_->aligned() ? rate_.period_us() - now_us % rate_.period_us() : 0;
}

Verdict Limit::Step(const CounterState& found, int64_t now_us, int64_t cost, bool take,
                    int tag) const {
  Verdict verdict = bound_->Step(found, InTicks(now_us), cost, take, tag);
  verdict.taken = take && verdict.allowed;
  ToMicroseconds(now_us, tag, verdict);
  return verdict;
}

Verdict Limit::Settle(const CounterState& found, int64_t now_us, int64_t amount, int tag) const {
  Verdict verdict = bound_->Settle(found, InTicks(now_us), amount, tag);
  verdict.taken = verdict.changes = true;
  ToMicroseconds(now_us, tag, verdict);
  return verdict;
}

// Ticks count from the last whole tick, microseconds from `now_us` itself: so the same hit passes
// at exactly now + wait, and not a microsecond earlier.
void Limit::ToMicroseconds(int64_t now_us, int tag, Verdict& verdict) const {
  const int64_t since_tick_us = tick_us_ == 1 ? 0 : now_us % tick_us_;
  const auto from_now = [&](int64_t ticks) -> int64_t {
    if (ticks == kWaitNever) return kNever;
    if (ticks > far_off_) return kFarOffUs;
    return ticks == 0 ? 0 : ticks * tick_us_ - since_tick_us;
  };
  verdict.now_us = now_us;
  verdict.tag = tag;
  verdict.wait_us = from_now(verdict.wait_us);
  verdict.reset_us = from_now(verdict.reset_us);
}

bool Limit::calendar() const { return bound_->calendar(); }
Terms<int64_t> Limit::TermsAround(int tag, int64_t around) const {
  return bound_->TermsAround(tag, around);
}

void Limit::TakeTold(const Registers& judged, int64_t cost, Verdict& verdict) const {
  if (calendar() && !verdict.allowed) {
    verdict.wait_us = bound_->WaitOf(judged, InTicks(verdict.now_us), cost);
  }
  ToMicroseconds(verdict.now_us, verdict.tag, verdict);
}

void Limit::Describe(const Verdict& verdict, MetadataSink& sink) const {
  bound_->Describe(verdict, sink);
}

}  // namespace sluice
