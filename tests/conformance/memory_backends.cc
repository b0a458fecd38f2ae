#include "backend/memory/memory_backend.h"
#include "tests/conformance/backends.h"
#include "tests/fakes/late_backend.h"

namespace sluice {

std::vector<BackendFactory> Backends() {
  return {
      {"Memory", [] { return NewMemoryBackend({}); }},
      {"MemoryInOneShard", [] { return NewMemoryBackend({.max_keys = 100'000, .shards = 1}); }},
      {"Late", [] { return std::make_unique<LateBackend>(NewMemoryBackend({})); }},
      {"LateAndShuffled", [] { return std::make_unique<LateBackend>(NewMemoryBackend({}), 7); }},
  };
}

}  // namespace sluice
