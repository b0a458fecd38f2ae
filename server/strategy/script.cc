#include "strategy/script.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "strategy/bound_strategy.h"
#include "strategy/family/lua.h"
#include "strategy/recorder.h"
#include "strategy/registry.h"

namespace sluice {
namespace {

// Whose log is the FIFO beside a bucket.
template <class S>
concept HasQueue = requires {
  S::kQueue;
};
template <class S>
concept NamesOwnTerms = requires {
  S::kOwnTermNames;
};

template <class S>
Terms<Recorded> RecordedTerms() {
  const auto term = [](absl::string_view name) { return Recorded(absl::StrCat("t.", name)); };
  std::array<absl::string_view, kOwnTerms> own;
  if constexpr (NamesOwnTerms<S>) {
    std::copy(S::kOwnTermNames.begin(), S::kOwnTermNames.end(), own.begin());
  }
  return {term("limit"),
          term("period"),
          term("capacity"),
          term("most"),
          term("count_denied"),
          std::apply([&](const auto&... name) { return std::array{term(name)...}; }, own)};
}

template <int K>
Cell<Recorded, K> RecordedCell() {
  return [&]<size_t... I>(std::index_sequence<I...>) {
    return Cell<Recorded, K>{{Recorded(absl::StrCat("r[", I + 1, "]"))...}};
  }
  (std::make_index_sequence<K>());
}

// The body of a function, of which `run` is the step.
template <class S, int K, class Run>
std::string Body(const Recorded& take, const Run& run) {
  const Inputs<Recorded> in{Recorded("now"), Recorded("cost"), take, RecordedTerms<S>()};
  const StepResult<Recorded, K> result = run(RecordedCell<K>(), in);
  std::vector<Tape::Id> results = {result.allowed.id, result.changes.id, result.remaining.id,
                                   result.wait.id, result.reset.id};
  for (const Recorded& reg : result.cell.reg) results.push_back(reg.id);
  return Tape::Current().Text(results);
}

template <class S, int K, class Step, class Settle>
std::string RecordedFunctions(absl::string_view prefix, const Step& step, const Settle& settle) {
  std::string out;
  {
    const Tape tape;
    absl::StrAppend(&out, "local function ", prefix, "step(r, now, cost, take, t)\n",
                    Body<S, K>(Recorded("take"), step), "end\n\n");
  }
  const Tape tape;
  absl::StrAppend(&out, "local function ", prefix, "settle(r, now, cost, t)\n",
                  Body<S, K>(Recorded(1), settle), "end\n\n");
  return out;
}

template <class S>
std::string Functions() {
  if constexpr (HasQueue<S>) {
    const std::string bucket = RecordedFunctions<S, 2>(
        "bucket_", [](const auto& cell, const auto& in) { return SteadyBucket::Step(cell, in); },
        [](const auto& cell, const auto& in) { return SteadyBucket::Settle(cell, in); });
    return absl::StrCat(kEditsLua, bucket, kQueueLua);
  } else if constexpr (HasLog<S>) {
    const int classes = S::kRegisters - 2;
    return absl::StrCat("local CLASSES = ", classes, "\n\n", kEditsLua, kLogLua);
  } else {
    return RecordedFunctions<S, S::kRegisters>(
        "", [](const auto& cell, const auto& in) { return S::Step(cell, in); },
        [](const auto& cell, const auto& in) { return S::Settle(cell, in); });
  }
}

template <class S>
std::string Script() {
  return absl::StrCat("-- ", S::kName, ".", S::kVersion,
                      ", as Redis runs it. Made by server/strategy/script.cc; do not edit.\n"
                      "local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max\n\n",
                      Functions<S>(), "return {step = step, settle = settle}\n");
}

template <class... S>
std::string ScriptOf(absl::string_view strategy, std::tuple<S...>*) {
  std::string script;
  ((S::kName == strategy ? void(script = Script<S>()) : void()), ...);
  return script;
}

template <class S>
StrategyScript ScriptRow() {
  StrategyScript row{Functions<S>(), S::kRegisters, {}, 0, StrategyScript::Told::kNothing,
                     HasCalendar<S>};
  if constexpr (NamesOwnTerms<S>) {
    row.own_terms.assign(S::kOwnTermNames.begin(), S::kOwnTermNames.end());
  } else if constexpr (HasLog<S>) {
    row.own_terms.assign(kLogTermNames.begin(), kLogTermNames.end());
  }
  if constexpr (HasQueue<S>) {
    row.log_count = 3;
    row.told = StrategyScript::Told::kAhead;
  } else if constexpr (HasLog<S>) {
    row.log_count = 2;
    if (S::kRegisters < kMaxRegisters) row.told = StrategyScript::Told::kOldest;
  }
  return row;
}

template <class... S>
std::vector<StrategyScript> ScriptRows(std::tuple<S...>*) {
  return {ScriptRow<S>()...};
}

}  // namespace

const std::vector<StrategyScript>& StrategyScripts() {
  static const auto& rows =
      *new std::vector<StrategyScript>(ScriptRows(static_cast<Strategies*>(nullptr)));
  return rows;
}

std::string LuaOf(absl::string_view strategy) {
  return ScriptOf(strategy, static_cast<Strategies*>(nullptr));
}

}  // namespace sluice
