// Runs a strategy's script in an embedded Lua 5.1, the dialect of Redis.
#ifndef SLUICE_TESTS_UNIT_STRATEGY_LUA_STEP_H_
#define SLUICE_TESTS_UNIT_STRATEGY_LUA_STEP_H_

#include <lua5.1/lua.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/charge.h"
#include "core/log.h"
#include "strategy/bound_strategy.h"
#include "strategy/family/log.h"
#include "tests/unit/strategy/random_steps.h"

namespace sluice {

template <class S>
class LuaStep {
 public:
  // Aborts when the script does not compile.
  explicit LuaStep(const std::string& script) : lua_(luaL_newstate()) {
    lua_State* lua = lua_.get();
    luaL_openlibs(lua);
    if (luaL_dostring(lua, script.c_str()) != 0) {
      ADD_FAILURE() << lua_tostring(lua, -1);
      return;
    }
    lua_getfield(lua, 1, "step");      // 2
    lua_getfield(lua, 1, "settle");    // 3
    lua_newtable(lua);                 // 4: registers
    lua_newtable(lua);                 // 5: terms
    lua_pushlightuserdata(lua, this);  // 6: log
    lua_pushcclosure(lua, &LuaStep::EntryOf, 1);
  }

  // What the script tells differently than `native`, in ticks; nothing when it tells the same.
  std::string Compare(const RandomStep& step, const Verdict& native) {
    if (lua_gettop(lua_.get()) != kLog) return "the script does not load";
    const std::vector<int64_t>& expected = Expected(step, native);
    std::string error;
    const std::vector<int64_t>& told = Call(step, error);
    if (!error.empty()) return error;
    if (told == expected) return "";
    return absl::StrCat("Lua tells ", absl::StrJoin(told, " "), ", the step ",
                        absl::StrJoin(expected, " "));
  }

 private:
  enum Place { kStep = 2, kSettle, kRegisters, kTerms, kLog };
  struct Close {
    void operator()(lua_State* lua) const { lua_close(lua); }
  };

  static int EntryOf(lua_State* lua) {
    const auto* self = static_cast<const LuaStep*>(lua_touserdata(lua, lua_upvalueindex(1)));
    const auto index = static_cast<size_t>(lua_tonumber(lua, 1)) - 1;
    if (index >= self->entries_.size()) return luaL_error(lua, "no entry %d", int(index) + 1);
    const LogEntry& entry = self->entries_[index];
    lua_pushnumber(lua, static_cast<lua_Number>(entry.at));
    lua_pushnumber(lua, static_cast<lua_Number>(entry.cost));
    lua_pushnumber(lua, static_cast<lua_Number>(entry.tag));
    return 3;
  }

  const std::vector<int64_t>& Expected(const RandomStep& step, const Verdict& verdict) {
    expected_ = {verdict.allowed};
    // Of a settlement it is not asked.
    if (!step.settles) expected_.push_back(verdict.changes);
    expected_.insert(expected_.end(), {verdict.remaining, verdict.wait_us, verdict.reset_us});
    if constexpr (HasLog<S>) {
      const LogEdit& edit = verdict.edit;
      expected_.insert(expected_.end(),
                       {edit.drop_oldest, edit.drop_newest, edit.lower_oldest, edit.lower_newest,
                        edit.add.at, edit.add.cost, edit.add.tag});
    }
    expected_.insert(expected_.end(), verdict.registers.begin(),
                     verdict.registers.begin() + S::kRegisters);
    return expected_;
  }

  const std::vector<int64_t>& Call(const RandomStep& step, std::string& error) {
    lua_State* lua = lua_.get();
    for (int i = 0; i < S::kRegisters; ++i) {
      lua_pushnumber(lua, static_cast<lua_Number>(step.state.registers[static_cast<size_t>(i)]));
      lua_rawseti(lua, kRegisters, i + 1);
    }
    SetTerms(step.in.terms);
    if constexpr (HasLog<S>) {
      entries_.clear();
      step.state.log->FromOldest([this](const LogEntry& entry) {
        entries_.push_back(entry);
        return true;
      });
    }
    lua_pushvalue(lua, step.settles ? kSettle : kStep);
    lua_pushvalue(lua, kRegisters);
    lua_pushnumber(lua, static_cast<lua_Number>(step.in.now));
    lua_pushnumber(lua, static_cast<lua_Number>(step.in.cost));
    if (!step.settles) lua_pushnumber(lua, static_cast<lua_Number>(step.in.take));
    lua_pushvalue(lua, kTerms);
    lua_pushvalue(lua, kLog);
    lua_pushnumber(lua, step.tag);
    told_.clear();
    if (lua_pcall(lua, step.settles ? 6 : 7, LUA_MULTRET, 0) != 0) error = lua_tostring(lua, -1);
    for (int i = kLog + 1; i <= lua_gettop(lua); ++i) {
      if (step.settles && i == kLog + 2) continue;
      const bool truth = lua_isboolean(lua, i);
      const double number = truth ? lua_toboolean(lua, i) : lua_tonumber(lua, i);
      // What is not whole differs from everything.
      const bool whole = number == static_cast<double>(static_cast<int64_t>(number));
      told_.push_back(whole ? static_cast<int64_t>(number) : INT64_MIN);
    }
    lua_settop(lua, kLog);
    return told_;
  }

  void SetTerms(const Terms<int64_t>& terms) {
    const auto set = [this](const char* name, int64_t value) {
      lua_pushnumber(lua_.get(), static_cast<lua_Number>(value));
      lua_setfield(lua_.get(), kTerms, name);
    };
    set("limit", terms.limit);
    set("period", terms.period);
    set("capacity", terms.capacity);
    set("most", terms.most);
    set("count_denied", terms.count_denied);
    if constexpr (requires { S::kOwnTermNames; }) {
      for (size_t i = 0; i < S::kOwnTermNames.size(); ++i) {
        set(S::kOwnTermNames[i].data(), terms.own[i]);
      }
    } else if constexpr (HasLog<S>) {
      for (size_t i = 0; i < kLogTermNames.size(); ++i) set(kLogTermNames[i].data(), terms.own[i]);
    }
  }

  std::unique_ptr<lua_State, Close> lua_;
  std::vector<LogEntry> entries_;
  std::vector<int64_t> expected_;
  std::vector<int64_t> told_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_UNIT_STRATEGY_LUA_STEP_H_
