// The one script that decides.
#ifndef SLUICE_BACKEND_REDIS_SCRIPT_H_
#define SLUICE_BACKEND_REDIS_SCRIPT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// The strategies as strategy/script.h has them, each within a branch of its own so that a call pays
// only for those that it uses, and decide.lua, which drives them.
struct DecideScript {
  std::string text;
  std::string sha1;  // lower-case hex, as EVALSHA wants it
};

// Made once. Thread-safe.
const DecideScript& TheDecideScript();

// The number by which the script knows a strategy: its place in StrategyNames().
int ScriptIdOf(absl::string_view strategy);

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_SCRIPT_H_
