// The hand-written Lua of the log family, from the .lua files beside this header.
#ifndef SLUICE_STRATEGY_FAMILY_LUA_H_
#define SLUICE_STRATEGY_FAMILY_LUA_H_

#include "absl/strings/string_view.h"

namespace sluice {

extern const absl::string_view kEditsLua;  // what both of the others use
extern const absl::string_view kLogLua;    // family/log.h
extern const absl::string_view kQueueLua;  // the FIFO of leaky_bucket_with_queue

}  // namespace sluice

#endif  // SLUICE_STRATEGY_FAMILY_LUA_H_
