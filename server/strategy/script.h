// A strategy as the Lua that Redis runs.
#ifndef SLUICE_STRATEGY_SCRIPT_H_
#define SLUICE_STRATEGY_SCRIPT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// The text of a chunk (Lua 5.1) that returns a table with two functions, which do what Limit::Step
// and Limit::Settle do natively, in ticks:
//
//   step(r, now, cost, take, t)  ->  allowed, changes, remaining, wait, reset, registers...
//   settle(r, now, cost, t)      ->  the same
//
// r: the registers, from 1. t: the terms by name. Every number is whole and below 2^53; waits that
// never end are -1. Strategies that keep a log take two more arguments,
//
//   log    a function: log(i) -> at, cost, tag of the i-th entry, the oldest is 1
//   tag    that of the charge
//
// and return an edit (core/log.h) before the registers: drop_oldest, drop_newest, lower_oldest,
// lower_newest, and at, cost, tag of what is added (cost 0: nothing).
//
// Made by recorder.h of the strategy's own step; of the log family it is written by hand
// (family/*.lua). Empty for an unknown strategy.
std::string LuaOf(absl::string_view strategy);

// What whoever runs a strategy's script has to know of it.
struct StrategyScript {
  std::string functions;  // LuaOf without the return: what defines `step` and `settle`
  int registers;          // how many are kept
  // The names of the own terms, in the order of Terms::own.
  std::vector<absl::string_view> own_terms;
  // The place, from 1, of the register that counts the log's entries; 0: it keeps no log.
  int log_count;
  // What is told behind the registers and not kept, in the place of register `registers`. kOldest:
  // the instant of the oldest entry after the edit, or -1. kAhead: the second register and, for a
  // step that only looked and passed, cost x period more.
  enum class Told { kNothing, kOldest, kAhead } told;
  bool calendar;  // whether a wait of -2 may come: the terms are not those of the key's time
};

// In the order of StrategyNames().
const std::vector<StrategyScript>& StrategyScripts();

}  // namespace sluice

#endif  // SLUICE_STRATEGY_SCRIPT_H_
