// One decision over the counters of some shards.
#ifndef SLUICE_BACKEND_MEMORY_DECIDE_H_
#define SLUICE_BACKEND_MEMORY_DECIDE_H_

#include <memory>

#include "absl/types/span.h"
#include "backend/memory/shard.h"
#include "core/charge.h"

namespace sluice {

// Fills the decision's verdicts and changes the counters accordingly, all or none, under the locks
// of the shards that hold them; does not call Done. `shards` is a power of two of them. Returns how
// many slots were moved or swept. Up to eight charges on known counters allocate nothing.
int DecideInShards(Decision& decision, absl::Span<const std::unique_ptr<Shard>> shards,
                   bool allow_when_full);

}  // namespace sluice

#endif  // SLUICE_BACKEND_MEMORY_DECIDE_H_
