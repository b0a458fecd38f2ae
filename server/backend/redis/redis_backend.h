// Counters in a Redis that many nodes share.
#ifndef SLUICE_BACKEND_REDIS_REDIS_BACKEND_H_
#define SLUICE_BACKEND_REDIS_REDIS_BACKEND_H_

#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/redis/options.h"
#include "io/event_loop.h"

namespace sluice {

// Decides by one script, on Redis's own time. Decide never waits: it queues, and Done is called on
// a loop. A decision is answered by its deadline, whatever Redis does; what was sent by then may
// still be carried out. Its errors say whether that is excluded (ProvesNotRun in backend.h).
//
// Nothing is retried here but what the protocol asks for: a script that Redis has forgotten, a slot
// that has moved. deadline, retries and breaker are backend/resilient's.
//
// In a Cluster the charges of one decision lie in one slot; Unit() tells which.
//
// Start-up does not need Redis: connections are made, and made again, in the background.
// Destroying it answers what still waits.
std::unique_ptr<Backend> NewRedisBackend(const RedisOptions& options,
                                         const std::vector<EventLoop*>& loops);

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_REDIS_BACKEND_H_
