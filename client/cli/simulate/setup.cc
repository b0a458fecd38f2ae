#include "cli/simulate/setup.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "policy/param_text.h"
#include "strategy/params.h"

namespace sluice::cli {
namespace {

struct Param {
  std::string only;  // the one strategy that it is for; empty: all that know it
  std::string name;
  std::string text;
  ParamValue value;
};

absl::Status About(absl::string_view argument, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(argument, ": ", what));
}

absl::StatusOr<Param> ReadArgument(absl::string_view argument, const Simulation& simulation) {
  const size_t equals = argument.find('=');
  const absl::string_view left = argument.substr(0, equals);
  // Names of strategies and parameters have no colon.
  const size_t colon = left.find(':');
  const absl::string_view only = colon == absl::string_view::npos ? "" : left.substr(0, colon);
  const absl::string_view name = colon == absl::string_view::npos ? left : left.substr(colon + 1);
  if (equals == absl::string_view::npos || name.empty() || colon == 0) {
    return About("--param", absl::StrCat("'", argument, "' is not k=v or STRATEGY:k=v"));
  }
  const auto& strategies = simulation.strategies;
  if (!only.empty() && std::find(strategies.begin(), strategies.end(), only) == strategies.end()) {
    return About("--param", absl::StrCat("'", argument, "' is for '", only,
                                         "', which is not among the strategies (",
                                         absl::StrJoin(strategies, ", "), ")"));
  }
  const absl::string_view text = argument.substr(equals + 1);
  absl::StatusOr<ParamValue> value = ParseParam(text);
  if (!value.ok()) return About("--param", absl::StrCat(name, ": ", value.status().message()));
  return Param{std::string(only), std::string(name), std::string(text), *std::move(value)};
}

absl::StatusOr<std::vector<Param>> ReadArguments(const Simulation& simulation) {
  std::vector<Param> params;
  for (const std::string& argument : simulation.params) {
    absl::StatusOr<Param> param = ReadArgument(argument, simulation);
    if (!param.ok()) return param.status();
    for (const Param& other : params) {
      const bool meet = other.only.empty() || param->only.empty() || other.only == param->only;
      if (other.name == param->name && meet) {
        return About("--param", absl::StrCat("'", argument, "' gives ", param->name,
                                             " a second time (give it once)"));
      }
    }
    params.push_back(*std::move(param));
  }
  return params;
}

// Parameters are checked under some rate even when it is unlimited.
Rate SomeRate(const Rate& rate) { return rate.unlimited() ? *Rate::Create(1, kSecondUs) : rate; }

// OK when the strategy knows the parameter, whatever else is wrong; else what it says of it.
absl::Status KnowsParam(const std::string& strategy, const Rate& rate, const Param& param) {
  const absl::Status status =
      Limit::Create(strategy, SomeRate(rate), {{param.name, param.value}}).status();
  for (const ParamError& error : ParamErrorsOf(status)) {
    if (error.unknown && error.param == param.name) return absl::InvalidArgumentError(error.text);
  }
  return absl::OkStatus();
}

// Which of the strategies it goes to.
absl::StatusOr<std::vector<bool>> Takers(const Param& param, const Rate& rate,
                                         const std::vector<std::string>& strategies) {
  std::vector<bool> takers;
  std::vector<std::string> refusals;
  for (const std::string& strategy : strategies) {
    takers.push_back(false);
    if (!param.only.empty() && param.only != strategy) continue;
    const absl::Status knows = KnowsParam(strategy, rate, param);
    takers.back() = knows.ok();
    if (!knows.ok()) refusals.emplace_back(knows.message());
  }
  if (std::find(takers.begin(), takers.end(), true) != takers.end()) return takers;
  return About("--param", absl::StrJoin(refusals, "; "));
}

absl::Status CheckStrategies(const std::vector<std::string>& strategies) {
  for (auto strategy = strategies.begin(); strategy != strategies.end(); ++strategy) {
    const absl::Status status = Limit::Create(*strategy, SomeRate(Rate::Unlimited())).status();
    if (!status.ok() && ParamErrorsOf(status).empty()) return About("--strategy", status.message());
    if (std::find(strategies.begin(), strategy, *strategy) != strategy) {
      return About("--strategy", absl::StrCat("'", *strategy, "' is here twice (give it once)"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetLimit(const Rate& rate, const Params& params, Contestant& contestant) {
  absl::StatusOr<Limit> limit = Limit::Create(contestant.strategy, SomeRate(rate), params);
  if (!limit.ok()) {
    const bool about_params = !ParamErrorsOf(limit.status()).empty();
    // Of the rate that stands in for an unlimited one nothing can be wrong.
    if (rate.unlimited() && !about_params) return absl::OkStatus();
    return About(about_params ? "--param" : "--rate", limit.status().message());
  }
  if (!rate.unlimited()) contestant.limit = *std::move(limit);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Setup> Prepare(const Simulation& simulation) {
  const absl::StatusOr<Rate> rate = Rate::Parse(simulation.rate);
  if (!rate.ok()) return About("--rate", rate.status().message());
  absl::Status strategies = CheckStrategies(simulation.strategies);
  if (!strategies.ok()) return strategies;
  const absl::StatusOr<std::vector<Param>> params = ReadArguments(simulation);
  if (!params.ok()) return params.status();

  Setup setup{*rate, {}};
  std::vector<Params> given(simulation.strategies.size());
  for (const std::string& strategy : simulation.strategies) {
    setup.contestants.push_back({strategy, "", absl::nullopt});
  }
  for (const Param& param : *params) {
    const absl::StatusOr<std::vector<bool>> takers = Takers(param, *rate, simulation.strategies);
    if (!takers.ok()) return takers.status();
    for (size_t i = 0; i < given.size(); ++i) {
      if (!(*takers)[i]) continue;
      std::string& text = setup.contestants[i].params;
      absl::StrAppend(&text, text.empty() ? "" : ", ", param.name, "=", param.text);
      given[i].emplace_back(param.name, param.value);
    }
  }
  for (size_t i = 0; i < given.size(); ++i) {
    absl::Status set = SetLimit(*rate, given[i], setup.contestants[i]);
    if (!set.ok()) return set;
  }
  return setup;
}

}  // namespace sluice::cli
