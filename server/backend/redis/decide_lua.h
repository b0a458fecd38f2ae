// The text of decide.lua, which stands beside this header.
#ifndef SLUICE_BACKEND_REDIS_DECIDE_LUA_H_
#define SLUICE_BACKEND_REDIS_DECIDE_LUA_H_

#include "absl/strings/string_view.h"

namespace sluice {

extern const absl::string_view kDecideLua;

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_DECIDE_LUA_H_
