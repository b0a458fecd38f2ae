// A call on its way between connections.
#ifndef SLUICE_BACKEND_REDIS_ERRAND_H_
#define SLUICE_BACKEND_REDIS_ERRAND_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backend/backend.h"
#include "backend/redis/router.h"
#include "io/endpoint.h"

namespace sluice {

// A call, and what it has met so far.
struct Errand {
  std::unique_ptr<RedisCall> call;
  int hops = 0;           // MOVED and ASK that it followed
  bool asking = false;    // it goes next to a node that only imports its slot
  bool reloaded = false;  // the scripts were loaded again for it
  bool counted = true;    // in RouterCounts; a router's own questions are not
};

Errand ErrandOf(std::unique_ptr<RedisCall> call);
// A router's own question.
Errand UncountedErrandOf(std::unique_ptr<RedisCall> call);

// Ends it, and counts why.
void Fail(Errand errand, ErrorKind kind, const absl::Status& status, RouterCounts& counts);
// Ends it by an error reply of `from`, whose text tells whether the command ran, and tells of the
// trouble.
// FAILED_PRECONDITION: Redis is well, but takes no writes.
void FailByReply(Errand errand, absl::string_view error, const Endpoint& from,
                 RouterCounts& counts);

// The first word of an error reply (MOVED, NOSCRIPT, ERR).
absl::string_view CodeOf(absl::string_view error);

}  // namespace sluice

#endif  // SLUICE_BACKEND_REDIS_ERRAND_H_
