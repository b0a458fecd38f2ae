// A Redis backend that runs another script than the right one.
#ifndef SLUICE_TESTS_CONFORMANCE_SLIPPED_BACKEND_H_
#define SLUICE_TESTS_CONFORMANCE_SLIPPED_BACKEND_H_

#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/redis/options.h"
#include "io/event_loop.h"

namespace sluice {

// Each decision is a call of its own, in order. It only decides.
std::unique_ptr<Backend> NewSlippedBackend(const RedisOptions& options, std::string script,
                                           EventLoop& loop);

}  // namespace sluice

#endif  // SLUICE_TESTS_CONFORMANCE_SLIPPED_BACKEND_H_
