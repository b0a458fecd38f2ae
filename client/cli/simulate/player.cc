#include "cli/simulate/player.h"

#include "absl/strings/str_cat.h"
#include "core/log.h"

namespace sluice::cli {
namespace {

class MemoryPlayer final : public Player {
 public:
  using Player::Player;

  absl::Status Play(absl::Span<const Question> questions, std::vector<Answer>& answers) override {
    answers.clear();
    for (const Question& question : questions) answers.push_back(AnswerTo(question));
    return absl::OkStatus();
  }

 private:
  struct Counter {
    Registers registers{};
    std::unique_ptr<DequeLog> log;  // of those that keep one
  };

  Answer AnswerTo(const Question& question) {
    const TraceRow& row = question.row;
    if (!limit_.has_value()) return {true, kNever, 0, 0, FindCounter(row.key, "").first, {}};
    const int tag = limit_->TagOf(question.context);
    const absl::string_view split = limit_->SplitOf(tag);
    const auto [index, fresh] = FindCounter(row.key, split);
    if (fresh) {
      counters_.emplace_back();
      if (limit_->keeps_log()) counters_.back().log = std::make_unique<DequeLog>();
    }
    Counter& counter = counters_[index];
    const bool take = Takes(row);
    const Verdict verdict =
        limit_->Step({counter.registers, counter.log.get()}, row.t_us, row.cost, take, tag);
    if (verdict.changes && take) {
      counter.registers = verdict.registers;
      if (counter.log != nullptr) counter.log->Apply(verdict.edit);
    }
    return AnswerOf(row, verdict, index, split);
  }

  std::vector<Counter> counters_;
};

}  // namespace

absl::string_view Player::context_key() const {
  return limit_.has_value() ? limit_->context_key() : absl::string_view();
}

std::pair<size_t, bool> Player::FindCounter(absl::string_view key, absl::string_view split) {
  // With the length of the one, key and split can be told apart.
  name_.clear();
  absl::StrAppend(&name_, split.size(), ":", split, key);
  const auto found = indices_.find(absl::string_view(name_));
  if (found != indices_.end()) return {found->second, false};
  const size_t index = indices_.size();
  indices_.emplace(name_, index);
  return {index, true};
}

Answer Player::AnswerOf(const TraceRow& row, const Verdict& verdict, size_t counter,
                        absl::string_view split) {
  if (row.cost == 0) return {true, verdict.remaining, 0, verdict.reset_us, counter, split};
  return {verdict.allowed, verdict.remaining, verdict.wait_us, verdict.reset_us, counter, split};
}

std::unique_ptr<Player> NewMemoryPlayer(const Contestant& contestant) {
  return std::make_unique<MemoryPlayer>(contestant);
}

}  // namespace sluice::cli
