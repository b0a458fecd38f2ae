#include "backend/redis/script.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backend/redis/decide_lua.h"
#include "core/digest.h"
#include "strategy/limit.h"
#include "strategy/script.h"

namespace sluice {
namespace {

std::string Repeated(absl::string_view part, int count) {
  return absl::StrJoin(std::vector<absl::string_view>(static_cast<size_t>(count), part), " ");
}

std::string TellOf(StrategyScript::Told told) {
  switch (told) {
    case StrategyScript::Told::kOldest:
      return "    if v[6] + v[7] < stored then\n"
             "      v.told = (log(v[6] + 1))\n"
             "    else\n"
             "      v.told = v[11] ~= 0 and v[10] or -1\n"
             "    end\n";
    case StrategyScript::Told::kAhead:
      return "    v.told = v[14] + (cost and v[1] and not v[2] and cost * t.period or 0)\n";
    case StrategyScript::Told::kNothing:
      break;
  }
  return "    v.told = 0\n";
}

// Returns the strategy: its two functions, and what the driver knows it by. One table, filled at
// once: to make it is a part of what each call costs.
std::string Branch(size_t id, const StrategyScript& script) {
  std::string own;
  for (size_t i = 0; i < script.own_terms.size(); ++i) {
    if (!script.own_terms[i].empty())
      absl::StrAppend(&own, ", ", script.own_terms[i], " = o", i + 1);
  }
  const bool keeps_log = script.log_count > 0;
  std::string out = absl::StrCat("  if id == ", id, " then\n", script.functions);
  absl::StrAppend(
      &out,
      "  return {\n    step = step, settle = settle,\n"
      "    terms = function(limit, period, capacity, most, count_denied, o1, o2, o3, o4, "
      "o5)\n      return {limit = limit, period = period, capacity = capacity, most = "
      "most, count_denied = count_denied",
      own, "}\n    end,\n");
  absl::StrAppend(&out, "    registers = ", script.registers, ", first = ", keeps_log ? 13 : 6,
                  ", calendar = ", script.calendar ? "true" : "false", ",\n    pattern = '^",
                  Repeated("(%-?%d+)", script.registers), "$', format = '",
                  Repeated("%.0f", script.registers), "',\n");
  if (keeps_log) {
    absl::StrAppend(&out, "    log = ", script.log_count,
                    ",\n    tell = function(v, stored, log, cost, t)\n", TellOf(script.told),
                    "    end,\n");
  }
  return absl::StrCat(out, "  }\n  end\n");
}

DecideScript MakeScript() {
  std::string text =
      "local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max\n"
      "local function strategy_of(id)\n";
  const std::vector<StrategyScript>& scripts = StrategyScripts();
  for (size_t id = 0; id < scripts.size(); ++id) absl::StrAppend(&text, Branch(id, scripts[id]));
  absl::StrAppend(&text, "end\n\n", kDecideLua);
  std::string sha1 = absl::BytesToHexString(Sha1(text));
  return {std::move(text), std::move(sha1)};
}

}  // namespace

const DecideScript& TheDecideScript() {
  static const auto& script = *new DecideScript(MakeScript());
  return script;
}

int ScriptIdOf(absl::string_view strategy) {
  const std::vector<absl::string_view>& names = StrategyNames();
  return static_cast<int>(std::find(names.begin(), names.end(), strategy) - names.begin());
}

}  // namespace sluice
