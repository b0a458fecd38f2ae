// The Redis servers of the tests of one binary, each started when it is first asked for.
#ifndef SLUICE_TESTS_CONFORMANCE_REDIS_SERVERS_H_
#define SLUICE_TESTS_CONFORMANCE_REDIS_SERVERS_H_

#include <vector>

#include "backend/redis/options.h"
#include "io/event_loop.h"
#include "tests/fakes/redis/redis_cluster.h"
#include "tests/fakes/redis/redis_server.h"

namespace sluice {

RedisServer& SharedRedis();
RedisCluster& SharedCluster();
// Two, on the system's clock.
const std::vector<EventLoop*>& SharedLoops();

// Virtual time, and patience for a busy machine.
RedisOptions OptionsFor(RedisServer& server);
// All of a tenant's counters in one slot.
RedisOptions OptionsFor(RedisCluster& cluster);

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_REDIS_SERVERS_H_
