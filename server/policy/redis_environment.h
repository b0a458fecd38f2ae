// A Redis as the environment names it, in envoyproxy/ratelimit's variables.
#ifndef SLUICE_POLICY_REDIS_ENVIRONMENT_H_
#define SLUICE_POLICY_REDIS_ENVIRONMENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "policy/policy_set.h"
#include "policy/variables.h"

namespace sluice {

// The backend `redis` that these say; nullopt without REDIS_URL. An empty variable is as good as
// none.
//
//   REDIS_URL          an address as `addresses` has it (policy/redis_address.h); with REDIS_TYPE
//                      cluster several with commas between, with sentinel the name of the Redis and
//                      then the Sentinels: `mymaster,host:port,host:port`
//   REDIS_TYPE         single, sentinel or cluster, in any case
//   REDIS_AUTH         `password` or `user:password`
//   REDIS_SOCKET_TYPE  tcp, or unix: REDIS_URL is then a path
//   REDIS_TLS          true or false
//   REDIS_TLS_CACERT   a file of authorities
//
// The error is one line that begins with the variable's name and quotes no password.
absl::StatusOr<absl::optional<BackendSpec>> RedisFromEnvironment(const Environment& environment);

// The original's variables about Redis that are set and change nothing here; without REDIS_URL all
// of those above, too.
std::vector<std::string> UnusedRedisVariables(const Environment& environment);

}  // namespace sluice

#endif  // SLUICE_POLICY_REDIS_ENVIRONMENT_H_
