// Counters in Redis that are to be as if never used.
#ifndef SLUICE_BACKEND_REDIS_FORGET_H_
#define SLUICE_BACKEND_REDIS_FORGET_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "backend/backend.h"
#include "backend/redis/options.h"
#include "backend/redis/router.h"

namespace sluice {

// On the router's loop, which it must not outlive: then the forgetting fails. Single counters are
// deleted by name, a slot's together. A scope is found by SCAN on every primary, some hundred keys
// at a time, between which Redis serves others. `done` runs after the forgetting's Done.
void ForgetThrough(Router& router, const RedisOptions& options, EventLoop& loop,
                   Forgetting& forgetting, std::function<void()> done);

// The keys of a scope, as SCAN's MATCH takes them; it lets some others through.
std::string PatternOf(const KeyScope& scope, HashTag hash_tag);
// Whether a key (CounterKey::ToString) is of the scope, and of these namespaces, if there are any.
bool IsOf(absl::string_view key, const KeyScope& scope, absl::Span<const std::string> name_spaces,
          HashTag hash_tag);

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_FORGET_H_
