// Counters in this process's memory.
#ifndef SLUICE_BACKEND_MEMORY_MEMORY_BACKEND_H_
#define SLUICE_BACKEND_MEMORY_MEMORY_BACKEND_H_

#include <cstdint>
#include <memory>

#include "backend/backend.h"

namespace sluice {

struct MemoryOptions {
  // The most counters held, at least 1. It is split evenly over the shards, and a shard that the
  // hash favours is full a little before the others.
  int64_t max_keys = 10'000'000;
  // What a new counter is told when every counter in its reach is at its limit. false: it is
  // denied, until the soonest of them is idle. true: it passes and is not counted.
  bool allow_when_full = false;
  // A power of two. Fewer are made when each would hold less than 4096 counters, more when one
  // would hold more than 16 million.
  int shards = 64;
};

// What a memory backend tells of its own work.
struct MemoryUse {
  int64_t bytes = 0;              // held for counters, those of spare room included
  int64_t most_slots_a_call = 0;  // the most that one Decide has moved or swept since the start
};

// Decides within Decide and calls Done before it returns, holding no lock. It keeps a counter from
// its first charge until it is idle again; when it is full, it drops those that are used least.
// Never one that is at its limit: what was denied stays denied, whatever else comes.
//
// It forgets within Forget, too. A scope is found by looking at every counter, on the caller's
// thread; decisions go on beside it, because no lock is held for more than 1024 slots.
class MemoryBackend : public Backend {
 public:
  virtual MemoryUse Use() const = 0;

  // Takes max_keys and allow_when_full while decisions run; the number of shards stays, and so do
  // the counters. Not to be called twice at once. Returns how many counters may be held now:
  // max_keys, within the bounds of a shard, which holds at most 16 million, and at least 16 where
  // there are several.
  //
  // When more are held than may be, nothing is dropped at once. Newcomers take the places of
  // others, as in any full backend, and within the upkeep of each call (Use().most_slots_a_call)
  // one more goes in a shard that it touches, chosen as if for a newcomer, until enough are gone.
  // What is at its limit stays until it is idle.
  virtual int64_t Resize(const MemoryOptions& options) = 0;
};

std::unique_ptr<MemoryBackend> NewMemoryBackend(const MemoryOptions& options);

}  // namespace sluice

#endif  // SLUICE_BACKEND_MEMORY_MEMORY_BACKEND_H_
