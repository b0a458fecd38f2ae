#include "cli/simulate/player.h"

#include "absl/strings/str_cat.h"

namespace sluice::cli {

absl::string_view Player::context_key() const {
  return limit_.has_value() ? limit_->context_key() : absl::string_view();
}

size_t Player::FindCounter(absl::string_view key, absl::string_view split) {
  // With the length of the one, key and split can be told apart.
  name_.clear();
  absl::StrAppend(&name_, split.size(), ":", split, key);
  const auto found = indices_.find(absl::string_view(name_));
  if (found != indices_.end()) return found->second;
  const size_t index = indices_.size();
  indices_.emplace(name_, index);
  if (!limit_.has_value()) return index;
  counters_.emplace_back();
  if (limit_->keeps_log()) counters_.back().log = std::make_unique<DequeLog>();
  return index;
}

Answer Player::Play(const TraceRow& row, absl::string_view context) {
  if (!limit_.has_value()) return {true, kNever, 0, 0, FindCounter(row.key, ""), {}};
  const int tag = limit_->TagOf(context);
  const absl::string_view split = limit_->SplitOf(tag);
  const size_t index = FindCounter(row.key, split);
  Counter& counter = counters_[index];
  const bool take = row.op == Op::kHit && row.cost > 0;
  const Verdict verdict =
      limit_->Step({counter.registers, counter.log.get()}, row.t_us, row.cost, take, tag);
  if (verdict.changes && take) {
    counter.registers = verdict.registers;
    if (counter.log != nullptr) counter.log->Apply(verdict.edit);
  }
  if (row.cost == 0) return {true, verdict.remaining, 0, verdict.reset_us, index, split};
  return {verdict.allowed, verdict.remaining, verdict.wait_us, verdict.reset_us, index, split};
}

}  // namespace sluice::cli
